"""The harvest: ask all queries, queue what is needed, empty the queue page by page.

The queue lies in the store. A page's records and the removal of its PMIDs from the queue are one transaction, so a
killed run asks for at most one page again. All queries are asked before the first page: pages are cut from one ordered
queue, and an interrupted harvest ends in the same pages as a straight one. They are asked together first: where nothing
has moved, that is all that is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, update

from msminer.errors import EmptyResult
from msminer.pubmed.entrez import PAGE, Entrez
from msminer.pubmed.harvest.ask import Asked, ask
from msminer.pubmed.harvest.others import others
from msminer.pubmed.harvest.pages import fetch_pages, newer_dtd
from msminer.pubmed.harvest.summary import HarvestSummary, Progress, QuerySummary, Sizes, silent
from msminer.pubmed.harvest.together import READING, Together, look, read_together
from msminer.pubmed.query import NamedQuery
from msminer.pubmed.slices import chunks
from msminer.store import Store, Written
from msminer.store.migrations import set_meta
from msminer.store.reading import pending
from msminer.store.tables import SEARCHES
from msminer.store.writing import enqueue, join_query, leave_query, save_page


def harvest(
    store: Store, client: Entrez, queries: Sequence[NamedQuery], *, now: datetime, progress: Progress | None = None
) -> HarvestSummary:
    """Fetch what is new or changed for these queries into the store.

    Takes the store's lock unless it is held. progress(stage, done, total) is called as pages arrive. Raises EmptyResult
    when no query finds anything, QueryError, PubMedError, StoreError; what was fetched before stays.
    """
    tell, before, now = progress or silent, client.requests, now.astimezone(UTC)
    with store.run_unless_held("fetch"):
        answers, reading = _search(store, client, queries, now, tell)
        others(store, client, now=now)
        written, pages, warned = _drain(store, client, now, tell)
        _finish(store, answers, reading)
        warned += _gone(store, now)
    if queries and not any(asked.found.count for asked in answers):
        raise EmptyResult("PubMed finds nothing for the query; widen it", queries=[query.name for query in queries])
    return _summary(answers, written, pages, client.requests - before, warned)


def _search(
    store: Store, client: Entrez, queries: Sequence[NamedQuery], now: datetime, tell: Progress
) -> tuple[list[Asked], Together | None]:
    """The answers of all queries, saved, and how PubMed read them together."""
    seen = look(store, client, queries, now=now)
    if seen is not None and seen.answers is not None:
        _save(store, seen.answers)
        tell("search", len(queries), len(queries))
        return seen.answers, seen.reading
    answers = []
    for number, query in enumerate(queries):
        tell("search", number, len(queries))
        answers.append(ask(store, client, query, now=now))
        _save(store, answers[-1:])
    tell("search", len(queries), len(queries))
    return answers, seen.reading if seen is not None else read_together(client, queries, now=now)


def _save(store: Store, answers: Sequence[Asked]) -> None:
    """Answers with their members and their part of the queue, in one transaction."""
    with store.writing() as connection:
        for asked in answers:
            connection.execute(insert(SEARCHES).values(**_search_row(asked), run_id=store.run_number))
            join_query(connection, asked.query.name, asked.found.pmids, asked.asked_at)
            leave_query(connection, asked.query.name, asked.dropped, asked.asked_at)
            enqueue(connection, asked.fetch)


def _search_row(asked: Asked) -> dict[str, Any]:
    found, query = asked.found, asked.query
    row = {"query": query.name, "term": query.term, "asked_at": asked.asked_at, "finished": False}
    return row | {"count": found.count, "translation": found.translation, "plan": found.plan, "lost": found.lost}


def _drain(store: Store, client: Entrez, now: datetime, tell: Progress) -> tuple[Written, int, list[str]]:
    with store.reading() as connection:
        queue = pending(connection)
    written, number, warnings = Written(), 0, dict[str, None]()
    tell("fetch", 0, len(queue))
    for done, part in enumerate(chunks(queue, PAGE)):
        pages = fetch_pages(client, part)
        with store.writing() as connection:
            for page in pages:
                written.add(save_page(connection, page, now))
        number += len(pages)
        dtd = newer_dtd(pages)
        if dtd:
            warnings[
                f"PubMed uses {dtd}, newer than this program knows; elements new to it are kept in the raw pages"
            ] = None
        tell("fetch", min((done + 1) * PAGE, len(queue)), len(queue))
    return written, number, list(warnings)


def _finish(store: Store, answers: Sequence[Asked], reading: Together | None) -> None:
    """Only a search whose records are all in the store counts as the last one."""
    with store.writing() as connection:
        if reading is not None:
            set_meta(connection, READING, reading.as_text())
        for asked in answers:
            whole = (SEARCHES.c.query == asked.query.name, SEARCHES.c.asked_at == asked.asked_at)
            connection.execute(
                update(SEARCHES).where(*whole, SEARCHES.c.run_id == store.run_number).values(finished=True)
            )


def _gone(store: Store, now: datetime) -> list[str]:
    today = now.date().isoformat()
    gone = [row["pmid"] for row in store.tombstones() if row["gone_at"] == today]
    return (
        [f"{len(gone)} records are gone from PubMed and kept with a tombstone: {', '.join(gone[:10])}"] if gone else []
    )


def _summary(
    answers: Sequence[Asked], written: Written, pages: int, requests: int, warnings: list[str]
) -> HarvestSummary:
    parts = tuple(_part(asked, written) for asked in answers)
    all_found = frozenset[str]().union(*(asked.found.pmids for asked in answers))
    totals = _totals(all_found, written)
    said = [*(text for asked in answers for text in asked.warnings), *warnings]
    if written.set_aside:
        said.append(f"{len(written.set_aside)} records could not be read and were set aside; see the table quarantine")
    if written.missing:
        said.append(
            f"{len(written.missing)} PMIDs were not delivered by PubMed; they are asked for again on another day"
        )
    return HarvestSummary(parts, **totals, requests=requests, pages=pages, warnings=tuple(said))


def _part(asked: Asked, written: Written) -> QuerySummary:
    found, query = asked.found, asked.query
    return QuerySummary(
        query.name, query.term, asked.asked_at, found.count, **_split(found.pmids, written), dropped=len(asked.dropped),
        requests=asked.requests, translation=found.translation, lost=found.lost,
    )  # fmt: skip


def _totals(found: frozenset[str], written: Written) -> Sizes:
    """Over all records that were fetched, also those that no query finds any more."""
    sizes = _split(found, written)
    new, changed, missing = (len(set(kind)) for kind in (written.new, written.changed, written.missing))
    aside = len(written.set_aside)
    return {"new": new, "changed": changed, "already": sizes["already"], "missing": missing, "quarantined": aside}


def _split(pmids: frozenset[str], written: Written) -> Sizes:
    new, changed, missing = (len(pmids.intersection(kind)) for kind in (written.new, written.changed, written.missing))
    aside = len(pmids.intersection(pmid for pmid in written.set_aside if pmid is not None))
    already = len(pmids) - new - changed - missing - aside
    return {"new": new, "changed": changed, "already": already, "missing": missing, "quarantined": aside}
