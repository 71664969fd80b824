"""One named query is asked: what is new, what has gone from it, what has changed; nothing is fetched yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from msminer.errors import QueryError
from msminer.pubmed.entrez import Entrez
from msminer.pubmed.harvest.find import Found, complete, find
from msminer.pubmed.harvest.refresh import OVERLAP, changed
from msminer.pubmed.query import NamedQuery, plain_phrase
from msminer.pubmed.slices import since
from msminer.store import Store, utc
from msminer.store.reading import last_search, members, not_again_today
from msminer.store.tables import ARTICLES
from msminer.store.writing import held

_KNOWN = ("date_revised", "checked_at", "retracted")


@dataclass(frozen=True)
class Asked:
    """The answer to one query: all PMIDs it finds, those to fetch with the reason, those it no longer finds."""

    query: NamedQuery
    asked_at: str
    found: Found
    fetch: dict[str, str]
    dropped: frozenset[str]
    requests: int
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Known:
    last: dict[str, Any] | None
    members: frozenset[str]
    waits: frozenset[str]


def ask(store: Store, client: Entrez, query: NamedQuery, *, now: datetime) -> Asked:
    """Ask one query and compare with the store; raises QueryError when PubMed lost a phrase, PubMedError."""
    before = client.requests
    with store.reading() as connection:
        last = last_search(connection, query.name)
        last = last if last and last["term"] == query.term else None
        known = _Known(
            last,
            frozenset(members(connection, query.name)),
            frozenset(not_again_today(connection, now.date().isoformat())),
        )
    found = _found(client, query, known, now.date())
    refuse_lost(query, found)
    if found.count == 0:
        return Asked(query, utc(now), found, {}, frozenset(), client.requests - before, _zero(query, known))
    with store.reading() as connection:
        stored = held(connection, ARTICLES, found.pmids, *_KNOWN)
    fetch = dict.fromkeys(found.pmids - stored.keys() - known.waits, "new")
    dropped = known.members - found.pmids
    fetch |= dict.fromkeys(dropped - known.waits, "dropped")
    start = _start(known, found, stored)
    if start is not None:
        fetch |= changed(client, query.term, start, stored, now=now)
    return Asked(query, utc(now), found, fetch, dropped, client.requests - before, _reread(query, known, found))


def _found(client: Entrez, query: NamedQuery, known: _Known, today: date) -> Found:
    """All PMIDs; a query above the window that was whole before needs only what has entered since, if the numbers fit."""
    reply = client.search(query.term)
    if reply.count > client.settings.search_window and known.last:
        asked = date.fromisoformat(known.last["asked_at"][:10])
        fresh = find(client, query.term, today=today, span=since(asked - OVERLAP, today))
        together = known.members | fresh.pmids
        if len(together) == reply.count:
            return Found(reply.count, together, reply.translation, reply.lost, fresh.plan)
    return complete(client, query.term, reply, today=today)


def refuse_lost(query: NamedQuery, found: Found) -> None:
    """Raise QueryError for a phrase that PubMed's index does not hold, unless the query accepts that."""
    lost = [phrase for phrase in found.lost if plain_phrase(phrase) not in query.allow_lost]
    if lost and found.count:
        raise QueryError(
            "PubMed does not know a phrase of the query and searched without it; correct it, or accept it in the query "
            "file with a line '# allow-lost: PHRASE'",
            query=query.name, lost=lost,
        )  # fmt: skip


def _start(known: _Known, found: Found, stored: dict[str, dict[str, Any]]) -> date | None:
    """From which day on changes matter: the last search, or when records of other queries were last read, if earlier."""
    joined = [row["checked_at"] for pmid, row in stored.items() if pmid not in known.members]
    times = [*joined, *([known.last["asked_at"]] if known.last else [])]
    if not known.last and known.members:
        times += [row["checked_at"] for row in stored.values()]
    return date.fromisoformat(min(times)[:10]) if times else None


def _zero(query: NamedQuery, known: _Known) -> tuple[str, ...]:
    if known.members:
        return (f"{query.name}: PubMed finds nothing, but found {len(known.members)} records before; kept as they are",)
    return (f"{query.name}: PubMed finds nothing for this query",)


def _reread(query: NamedQuery, known: _Known, found: Found) -> tuple[str, ...]:
    if known.last and known.last["translation"] != found.translation:
        return (
            f"{query.name}: PubMed reads the query otherwise than on {known.last['asked_at'][:10]}; see the table searches",
        )
    return ()
