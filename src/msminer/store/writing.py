"""What is written: searches, pages with their records, misses, labels. Each function runs inside the caller's transaction."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.engine import Connection

from msminer.schema import LabelledRecord, ParsedRecord
from msminer.store.tables import (
    ARTICLE_QUERIES,
    ARTICLE_VERSIONS,
    ARTICLES,
    DENOMINATORS,
    EVENTS,
    FINDINGS,
    LABELS,
    PAGES,
    PENDING,
    QUARANTINE,
    RECORD_COLUMNS,
    RECORD_MODELS,
    TOMBSTONES,
    dumps,
)

# SQLite takes 32,766 bound values a statement, PostgreSQL 65,535; lists of this size stay below both.
_LIST = 5_000
_EVENTS = {"RetractionIn": "retraction", "ExpressionOfConcernIn": "concern", "ErratumIn": "erratum"}
_EVENT_COLUMNS = {"retraction": "retracted_on", "concern": "concern_on", "erratum": "erratum_on"}


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


@dataclass
class Written:
    """What a transaction changed, as PMIDs."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    set_aside: list[str | None] = field(default_factory=list)

    def add(self, other: Written) -> None:
        """Take over what another one counted."""
        for name in ("new", "changed", "same", "missing", "set_aside"):
            getattr(self, name).extend(getattr(other, name))


def utc(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def text_hash(title: str, abstract: str) -> str:
    """SHA-256 of title + newline + abstract: what a label depends on."""
    return hashlib.sha256(f"{title}\n{abstract}".encode()).hexdigest()


def by_number(pmids: Iterable[str]) -> list[str]:
    """PMIDs without doubles in the order of their numbers."""
    return sorted(set(pmids), key=int)


def held(connection: Connection, table: Table, pmids: Iterable[str], *columns: str) -> dict[str, dict[str, Any]]:
    """Rows of a table with a pmid column, by PMID."""
    wanted = by_number(pmids)
    chosen = [table.c[name] for name in ("pmid", *columns)]
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), _LIST):
        part = select(*chosen).where(table.c.pmid.in_(wanted[start : start + _LIST]))
        rows.update((row["pmid"], dict(row)) for row in connection.execute(part).mappings())
    return rows


def remove(connection: Connection, table: Table, pmids: Iterable[str]) -> None:
    """Delete a table's rows of these PMIDs."""
    wanted = by_number(pmids)
    for start in range(0, len(wanted), _LIST):
        connection.execute(delete(table).where(table.c.pmid.in_(wanted[start : start + _LIST])))


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
    for start in range(0, len(pmids), _LIST):
        chosen = ARTICLE_QUERIES.c.pmid.in_(pmids[start : start + _LIST])
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


def save_records(connection: Connection, records: Sequence[ParsedRecord], now: datetime, sha256: str | None) -> Written:
    """Insert what is new, keep the former version of what changed; a record of a lower version than the stored one changes nothing."""
    stored = held(connection, ARTICLES, [record["pmid"] for record in records], *_CURRENT)
    written, rows, moved = Written(), [], []
    for record in sorted(records, key=lambda each: int(each["pmid"])):
        row, old = _row(record, utc(now), sha256), stored.get(record["pmid"])
        if old is not None and (old["record_sha256"] == row["record_sha256"] or record["version"] < old["version"]):
            written.same.append(record["pmid"])
            continue
        (written.new if old is None else written.changed).append(record["pmid"])
        if old is not None:
            moved.append(_former(connection, old, utc(now)))
        rows.append(row | _dates(connection, record, old, utc(now)))
    _replace(connection, rows, moved)
    touch(connection, written.same, utc(now))
    remove(connection, TOMBSTONES, [record["pmid"] for record in records])
    return written


_CURRENT = tuple(column.name for column in ARTICLES.columns if column.name != "pmid")


def _row(record: ParsedRecord, stamp: str, sha256: str | None) -> dict[str, Any]:
    whole: dict[str, Any] = {name: record[name] for name in RECORD_COLUMNS}  # type: ignore[literal-required]
    kinds = {_EVENTS.get(each["type"]) for each in record["corrections"]}
    return whole | {
        "concern": "concern" in kinds,
        "erratum": "erratum" in kinds,
        "fetched_at": stamp,
        "checked_at": stamp,
        "page_sha256": sha256,
        "text_sha256": text_hash(record["title"], record["abstract"]),
        "record_sha256": hashlib.sha256(dumps(whole).encode()).hexdigest(),
    }


def _former(connection: Connection, old: Mapping[str, Any], stamp: str) -> dict[str, Any]:
    numbers = select(ARTICLE_VERSIONS.c.number).where(ARTICLE_VERSIONS.c.pmid == old["pmid"])
    number = len(connection.execute(numbers).all()) + 1
    record = {name: old[name] for name in RECORD_COLUMNS}
    kept = {name: old[name] for name in ("pmid", "fetched_at", "page_sha256", "record_sha256")}
    return kept | {"number": number, "superseded_at": stamp, "record": record}


def _dates(connection: Connection, record: ParsedRecord, old: Mapping[str, Any] | None, stamp: str) -> dict[str, Any]:
    """The dates of the article's event columns; new events are added to the table of events."""
    dates = {column: (old or {}).get(column) for column in _EVENT_COLUMNS.values()}
    known = select(EVENTS.c.kind, EVENTS.c.notice).where(EVENTS.c.pmid == record["pmid"])
    seen = {tuple(row) for row in connection.execute(known)} if old else set()
    for kind, notice, pmid in _events(record):
        when = record["date_revised"] or stamp[:10]
        if (kind, notice) not in seen:
            row = {"pmid": record["pmid"], "kind": kind, "notice": notice, "notice_pmid": pmid}
            connection.execute(insert(EVENTS).values(**row, record_date=record["date_revised"], seen_at=stamp))
        dates[_EVENT_COLUMNS[kind]] = dates[_EVENT_COLUMNS[kind]] or when
    return dates


def _events(record: ParsedRecord) -> list[tuple[str, str, str | None]]:
    """(kind, notice, PMID of the notice) of a record; a retraction by publication type alone has the notice "publication type"."""
    found: dict[tuple[str, str], str | None] = {}
    for each in record["corrections"]:
        if each["type"] in _EVENTS:
            found.setdefault((_EVENTS[each["type"]], each["pmid"] or each["source"] or "unnamed"), each["pmid"])
    if record["retracted"] and not any(kind == "retraction" for kind, _ in found):
        found["retraction", "publication type"] = None
    return [(kind, notice, pmid) for (kind, notice), pmid in sorted(found.items())]


def _replace(connection: Connection, rows: list[dict[str, Any]], moved: list[dict[str, Any]]) -> None:
    if moved:
        connection.execute(insert(ARTICLE_VERSIONS), moved)
        remove(connection, ARTICLES, [row["pmid"] for row in moved])
    if rows:
        connection.execute(insert(ARTICLES), rows)


def touch(connection: Connection, pmids: Sequence[str], stamp: str) -> None:
    """Note that these records were compared with PubMed."""
    for start in range(0, len(pmids), _LIST):
        chosen = ARTICLES.c.pmid.in_(pmids[start : start + _LIST])
        connection.execute(update(ARTICLES).where(chosen).values(checked_at=stamp))


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


def save_labels(connection: Connection, records: Sequence[LabelledRecord], hashes: Mapping[str, str]) -> None:
    """Labels and findings of these records in place of any former ones; hashes says which text each label is about."""
    pmids = [record["pmid"] for record in records]
    for table in (LABELS, FINDINGS, RECORD_MODELS):
        remove(connection, table, pmids)
    for table, rows in (
        (LABELS, [row for record in records for row in _labels(record)]),
        (FINDINGS, [row for record in records for row in _findings(record)]),
        (RECORD_MODELS, [_labelled(record, hashes) for record in records]),
    ):
        if rows:
            connection.execute(insert(table), rows)


def _labelled(record: LabelledRecord, hashes: Mapping[str, str]) -> dict[str, Any]:
    pmid = record["pmid"]
    return {"pmid": pmid, "text_sha256": hashes[pmid], "model": record["model"], "abstained": list(record["abstained"])}


def _labels(record: LabelledRecord) -> list[dict[str, Any]]:
    axes = {axis: record[axis] for axis in ("cell_types", "populations", "routes")}
    axes["study_design"] = [record["study_design"]] if record["study_design"] else []
    both = {"pmid": record["pmid"], "model": record["model"]}
    return [both | {"axis": axis, "label": one["label"], "p": one["p"]} for axis, many in axes.items() for one in many]


def _findings(record: LabelledRecord) -> list[dict[str, Any]]:
    return [{**finding, "pmid": record["pmid"], "model": record["model"]} for finding in record["findings"]]


def save_denominators(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Counts of all MS papers a year, in place of former ones of those years."""
    for row in rows:
        connection.execute(delete(DENOMINATORS).where(DENOMINATORS.c.year == row["year"]))
        connection.execute(insert(DENOMINATORS).values(**row))
