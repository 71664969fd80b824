"""The queue, members of queries, pages, misses and denominators; each function runs in its caller's transaction."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from msminer.schema import ParsedRecord
from msminer.store.common import LIST, by_number, held, remove, utc
from msminer.store.records import Written, save_records
from msminer.store.tables import (
    ARTICLE_QUERIES,
    DENOMINATORS,
    PAGES,
    PENDING,
    QUARANTINE,
    TOMBSTONES,
)


@dataclass(frozen=True)
class SetAside:
    """Bytes that could not be read as a record, and why."""

    pmid: str | None
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Page:
    """One answered page: the PMIDs asked, its bytes, the records in it, what was set aside, what PubMed left out.

    settled: what is missing here counts as missed; False when those PMIDs are asked for once more.
    """

    source: str
    asked: Sequence[str]
    raw: bytes | None
    records: Sequence[ParsedRecord]
    bad: Sequence[SetAside] = ()
    missing: Sequence[str] = ()
    sha256: str = ""
    settled: bool = True


def enqueue(connection: Connection, reasons: Mapping[str, str]) -> None:
    """Add PMIDs to be fetched; those that wait already keep their reason."""
    waiting = held(connection, PENDING, reasons)
    rows = [{"pmid": pmid, "reason": reasons[pmid]} for pmid in by_number(reasons) if pmid not in waiting]
    if rows:
        connection.execute(insert(PENDING), rows)


def join_query(connection: Connection, query: str, pmids: Iterable[str], stamp: str) -> None:
    """Note that a query finds these records, also those it had lost."""
    members = ARTICLE_QUERIES.alias()
    stated = select(members.c.pmid, members.c.dropped_at).where(members.c.query == query)
    known = {row.pmid: row.dropped_at for row in connection.execute(stated)}
    wanted = by_number(pmids)
    rows = [{"pmid": pmid, "query": query, "first_seen": stamp} for pmid in wanted if pmid not in known]
    if rows:
        connection.execute(insert(ARTICLE_QUERIES), rows)
    _set_dropped(connection, query, [pmid for pmid in wanted if known.get(pmid) is not None], None)


def leave_query(connection: Connection, query: str, pmids: Iterable[str], stamp: str) -> None:
    """Note that a query finds these records no longer."""
    _set_dropped(connection, query, by_number(pmids), stamp)


def _set_dropped(connection: Connection, query: str, pmids: Sequence[str], stamp: str | None) -> None:
    for start in range(0, len(pmids), LIST):
        chosen = ARTICLE_QUERIES.c.pmid.in_(pmids[start : start + LIST])
        connection.execute(
            update(ARTICLE_QUERIES).where(ARTICLE_QUERIES.c.query == query, chosen).values(dropped_at=stamp)
        )


def save_page(connection: Connection, page: Page, now: datetime) -> Written:
    """One page with its records, misses and set-aside bytes; its PMIDs leave the queue."""
    sha256 = page.sha256 or hashlib.sha256(page.raw or b"").hexdigest()
    stamp = utc(now)
    row = {
        "sha256": sha256,
        "source": page.source,
        "fetched_at": stamp,
        "asked": list(page.asked),
        "missing": list(page.missing),
    }
    packed = None if page.raw is None else gzip.compress(page.raw, compresslevel=6, mtime=0)
    received = by_number(record["pmid"] for record in page.records)
    if page.raw is not None or page.asked:
        connection.execute(insert(PAGES).values(**row, received=received, raw=packed))
    written = save_records(connection, page.records, now, sha256)
    _set_aside(connection, page, stamp)
    written.set_aside += [bad.pmid for bad in page.bad]
    if page.settled:
        record_misses(connection, page.missing, now.date())
        written.missing += page.missing
    remove(connection, PENDING, page.asked)
    return written


def _set_aside(connection: Connection, page: Page, stamp: str) -> None:
    for bad in page.bad:
        sha256 = hashlib.sha256(bad.raw).hexdigest()
        again = connection.execute(update(QUARANTINE).where(QUARANTINE.c.sha256 == sha256).values(last_seen=stamp))
        if again.rowcount == 0:
            row = {"sha256": sha256, "pmid": bad.pmid, "reason": bad.reason, "source": page.source, "raw": bad.raw}
            connection.execute(insert(QUARANTINE).values(**row, first_seen=stamp, last_seen=stamp))


def record_misses(connection: Connection, pmids: Sequence[str], day: date) -> None:
    """Note PMIDs that PubMed left out; a second miss on a later day makes a tombstone."""
    known = held(connection, TOMBSTONES, pmids, "first_miss", "last_miss", "gone_at")
    today = day.isoformat()
    for pmid in by_number(pmids):
        if pmid not in known:
            connection.execute(insert(TOMBSTONES).values(pmid=pmid, first_miss=today, last_miss=today))
        elif known[pmid]["last_miss"] < today:
            gone = known[pmid]["gone_at"] or today
            connection.execute(
                update(TOMBSTONES).where(TOMBSTONES.c.pmid == pmid).values(last_miss=today, gone_at=gone)
            )


def bury(connection: Connection, pmids: Sequence[str], day: date) -> None:
    """Tombstones for PMIDs that NLM itself lists as deleted."""
    today = day.isoformat()
    remove(connection, TOMBSTONES, pmids)
    rows = [{"pmid": pmid, "first_miss": today, "last_miss": today, "gone_at": today} for pmid in by_number(pmids)]
    if rows:
        connection.execute(insert(TOMBSTONES), rows)


def save_denominators(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Counts of all MS papers a year, in place of former ones of those years."""
    for row in rows:
        connection.execute(delete(DENOMINATORS).where(DENOMINATORS.c.year == row["year"]))
        connection.execute(insert(DENOMINATORS).values(**row))
