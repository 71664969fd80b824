"""Records into the table of articles: the former version of what changed is kept, corrections become dated events."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from msminer.schema import ParsedRecord
from msminer.store.common import LIST, held, remove, text_hash, utc
from msminer.store.tables import ARTICLE_VERSIONS, ARTICLES, EVENTS, RECORD_COLUMNS, TOMBSTONES, dumps

_EVENTS = {"RetractionIn": "retraction", "ExpressionOfConcernIn": "concern", "ErratumIn": "erratum"}
_EVENT_COLUMNS = {"retraction": "retracted_on", "concern": "concern_on", "erratum": "erratum_on"}


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


def save_records(connection: Connection, records: Sequence[ParsedRecord], now: datetime, sha256: str | None) -> Written:
    """Insert what is new, keep the former version of what changed; a lower version than the stored changes nothing."""
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
    former = select(func.count()).select_from(ARTICLE_VERSIONS).where(ARTICLE_VERSIONS.c.pmid == old["pmid"])
    number = int(connection.execute(former).scalar_one()) + 1
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
    """(kind, notice, its PMID); a retraction by publication type alone has the notice "publication type"."""
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
    for start in range(0, len(pmids), LIST):
        chosen = ARTICLES.c.pmid.in_(pmids[start : start + LIST])
        connection.execute(update(ARTICLES).where(chosen).values(checked_at=stamp))
