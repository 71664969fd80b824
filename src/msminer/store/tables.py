"""The store's tables, the same on SQLite and PostgreSQL.

Lists and objects are JSON text with sorted keys, so that equal records are equal bytes. Times are ISO 8601 in UTC. The
columns that leave the store are described in `msminer.schema`.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = 3


class Json(TypeDecorator[Any]):
    """A list or an object as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:  # noqa: ARG002  (SQLAlchemy's signature)
        """To text; None stays NULL."""
        return None if value is None else dumps(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:  # noqa: ARG002  (SQLAlchemy's signature)
        """From text."""
        return None if value is None else json.loads(value)


def dumps(value: Any) -> str:
    """JSON text that is equal for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


METADATA = MetaData()


def _pmid(**more: Any) -> Column[str]:
    return Column("pmid", String(9), **more)


def _text(name: str, **more: Any) -> Column[str]:
    return Column(name, Text, **more)


def _json(name: str) -> Column[Any]:
    return Column(name, Json, nullable=False)


# schema version, origin, program version, time of making.
META = Table("meta", METADATA, _text("name", primary_key=True), _text("value", nullable=False))

# One line a run: who, where, since when, how it ended.
RUNS = Table(
    "runs", METADATA,
    Column("id", Integer, primary_key=True),
    _text("owner", nullable=False), _text("host", nullable=False), Column("pid", Integer, nullable=False),
    _text("started_at", nullable=False), _text("heartbeat_at", nullable=False), _text("finished_at"),
    _text("status", nullable=False),  # running, done, failed, interrupted, dead
    Column("summary", Json),
)  # fmt: skip

# The single-run lock; `token` tells a process from a later one with the same number.
LOCKS = Table(
    "locks", METADATA,
    _text("name", primary_key=True),
    Column("run_id", Integer, nullable=False), _text("owner", nullable=False), _text("host", nullable=False),
    Column("pid", Integer, nullable=False), _text("token", nullable=False), Column("beat", Float, nullable=False),
)  # fmt: skip

# Each finished search of a named query: what was asked, when, PubMed's reading of it, what came of it.
SEARCHES = Table(
    "searches", METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer), _text("query", nullable=False), _text("term", nullable=False),
    _text("asked_at", nullable=False), Column("count", Integer, nullable=False),
    _text("translation", nullable=False), _json("plan"), _json("lost"),
    Column("finished", Boolean, nullable=False),
)  # fmt: skip

# PMIDs still to be fetched: the checkpoint. A page's rows and the removal of its PMIDs from here are one transaction.
PENDING = Table("pending", METADATA, _pmid(primary_key=True), _text("reason", nullable=False))

PAGES = Table(
    "pages", METADATA,
    Column("id", Integer, primary_key=True),
    _text("sha256", nullable=False), _text("source", nullable=False), _text("fetched_at", nullable=False),
    _json("asked"), _json("received"), _json("missing"),
    Column("raw", LargeBinary),  # gzip of the page as received; NULL for a user's own file
)  # fmt: skip

_RECORD = (
    "version", "kind", "title", "abstract", "sections", "year", "date", "journal", "authors", "doi", "pmcid", "mesh",
    "publication_types", "keywords", "languages", "trial_ids", "corrections", "retracted", "date_revised",
)  # fmt: skip
RECORD_COLUMNS = ("pmid", *_RECORD)

ARTICLES = Table(
    "articles", METADATA,
    _pmid(primary_key=True),
    Column("version", Integer, nullable=False), _text("kind", nullable=False),
    _text("title", nullable=False), _text("abstract", nullable=False), _json("sections"),
    Column("year", Integer), _text("date"), _text("journal"), _json("authors"), _text("doi"), _text("pmcid"),
    _json("mesh"), _json("publication_types"), _json("keywords"), _json("languages"), _json("trial_ids"),
    _json("corrections"), Column("retracted", Boolean, nullable=False), _text("date_revised"),
    Column("concern", Boolean, nullable=False), Column("erratum", Boolean, nullable=False),
    _text("retracted_on"), _text("concern_on"), _text("erratum_on"),
    _text("fetched_at", nullable=False), _text("checked_at", nullable=False), _text("page_sha256"),
    _text("text_sha256", nullable=False), _text("record_sha256", nullable=False),
)  # fmt: skip

ARTICLE_VERSIONS = Table(
    "article_versions", METADATA,
    _pmid(primary_key=True), Column("number", Integer, primary_key=True),
    _text("fetched_at", nullable=False), _text("superseded_at", nullable=False), _text("page_sha256"),
    _text("record_sha256", nullable=False), _json("record"),
)  # fmt: skip

# Which queries find a record; dropped_at when it no longer does.
ARTICLE_QUERIES = Table(
    "article_queries", METADATA,
    _pmid(primary_key=True), _text("query", primary_key=True), _text("first_seen", nullable=False), _text("dropped_at"),
)  # fmt: skip

# Retractions, concerns and errata: seen_at by this store; record_date is the revision date of the record that said so.
EVENTS = Table(
    "events", METADATA,
    _pmid(primary_key=True), _text("kind", primary_key=True), _text("notice", primary_key=True),
    _text("notice_pmid"), _text("record_date"), _text("seen_at", nullable=False),
)  # fmt: skip

# PMIDs that PubMed did not deliver; gone_at from the second miss on another day.
TOMBSTONES = Table(
    "tombstones", METADATA,
    _pmid(primary_key=True), _text("first_miss", nullable=False), _text("last_miss", nullable=False), _text("gone_at"),
)  # fmt: skip

QUARANTINE = Table(
    "quarantine", METADATA,
    _text("sha256", primary_key=True), _pmid(), _text("reason", nullable=False), _text("source", nullable=False),
    _text("first_seen", nullable=False), _text("last_seen", nullable=False), Column("raw", LargeBinary, nullable=False),
)  # fmt: skip

LABELS = Table(
    "labels", METADATA,
    _pmid(primary_key=True), _text("axis", primary_key=True), _text("label", primary_key=True),
    Column("p", Float, nullable=False), _text("model", nullable=False),
)  # fmt: skip

FINDINGS = Table(
    "findings", METADATA,
    _pmid(primary_key=True), _text("outcome", primary_key=True), _text("cell_type", primary_key=True),
    _text("direction", nullable=False),
    Column("start", Integer, nullable=False), Column("end", Integer, nullable=False),
    _text("quote", nullable=False), Column("p", Float, nullable=False), _text("model", nullable=False),
)  # fmt: skip

# Which state of an article was labelled by which model, and where the model abstained. The model reads headings and
# types beside the text, and PubMed adds those weeks after the text.
RECORD_MODELS = Table(
    "record_models", METADATA,
    _pmid(primary_key=True), _text("record_sha256", nullable=False), _text("model", nullable=False), _json("abstained"),
)  # fmt: skip

DENOMINATORS = Table(
    "denominators", METADATA,
    Column("year", Integer, primary_key=True, autoincrement=False), Column("ms_papers", Integer, nullable=False),
    _text("asked_at", nullable=False), _text("query", nullable=False),
)  # fmt: skip

# Since version 2: the members of one query are read in each run.
MEMBERS_INDEX = Index("article_queries_query", ARTICLE_QUERIES.c.query)
Index("pages_sha256", PAGES.c.sha256)
Index("quarantine_pmid", QUARANTINE.c.pmid)
