"""Records that no query of this run finds: looked up as well, once a day, so that no retraction stays unseen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from msminer.pubmed.entrez import PAGE, Entrez
from msminer.pubmed.harvest.refresh import changed
from msminer.pubmed.slices import chunks
from msminer.store import Store, by_number, utc
from msminer.store.reading import rows
from msminer.store.records import touch
from msminer.store.tables import ARTICLE_QUERIES, ARTICLES, SEARCHES, TOMBSTONES
from msminer.store.writing import enqueue

# Sample records without a PMID carry local identifiers from here on; PubMed knows none of them.
LOCAL_IDS = 990_000_000


def others(store: Store, client: Entrez, *, now: datetime) -> int:
    """Queue changed records that no query of this run finds, and PMIDs missed earlier; returns how many missed."""
    missed = _missed(store, now.date())
    with store.reading() as connection:
        asked = select(SEARCHES.c.query).where(SEARCHES.c.run_id == store.run_number)
        living = (ARTICLE_QUERIES.c.query.in_(asked), ARTICLE_QUERIES.c.dropped_at.is_(None))
        covered = select(ARTICLE_QUERIES.c.pmid).where(*living)
        gone = select(TOMBSTONES.c.pmid).where(TOMBSTONES.c.gone_at.is_not(None))
        columns = (ARTICLES.c.pmid, ARTICLES.c.date_revised, ARTICLES.c.checked_at, ARTICLES.c.retracted)
        due = ARTICLES.c.checked_at < utc(now - timedelta(days=1))
        chosen = select(*columns).where(due, ARTICLES.c.pmid.not_in(covered), ARTICLES.c.pmid.not_in(gone))
        left = {row["pmid"]: row for row in rows(connection, chosen) if int(row["pmid"]) < LOCAL_IDS}
    for part in chunks(by_number(left), PAGE):
        first = date.fromisoformat(min(left[pmid]["checked_at"] for pmid in part)[:10])
        stale = changed(client, _listed(part), first, {pmid: left[pmid] for pmid in part}, now=now)
        with store.writing() as connection:
            enqueue(connection, stale)
            touch(connection, part, utc(now))
    return missed


def _missed(store: Store, today: date) -> int:
    """Stored records that PubMed left out once: asked again on another day, until they are back or gone."""
    with store.writing() as connection:
        again = (TOMBSTONES.c.gone_at.is_(None), TOMBSTONES.c.last_miss < today.isoformat())
        stored = select(TOMBSTONES.c.pmid).join(ARTICLES, ARTICLES.c.pmid == TOMBSTONES.c.pmid).where(*again)
        pmids = list(connection.execute(stored).scalars())
        enqueue(connection, dict.fromkeys(pmids, "missed"))
    return len(pmids)


def _listed(pmids: Sequence[str]) -> str:
    return " OR ".join(f"{pmid}[uid]" for pmid in pmids)
