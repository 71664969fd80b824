"""What is read: frames as declared in `msminer.schema`, records without labels, counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Select, Table, and_, cast, func, or_, select
from sqlalchemy.engine import Connection

from msminer.store.tables import (
    ARTICLE_QUERIES,
    ARTICLES,
    DENOMINATORS,
    EVENTS,
    FINDINGS,
    LABELS,
    PENDING,
    QUARANTINE,
    RECORD_COLUMNS,
    RECORD_MODELS,
    SEARCHES,
    TOMBSTONES,
)

if TYPE_CHECKING:
    import pandas as pd


def ordered(statement: Select[Any], table: Table) -> Select[Any]:
    """The rows in the order of their PMIDs as numbers."""
    return statement.order_by(cast(table.c.pmid, Integer))


def rows(connection: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    """All rows as dicts."""
    return [dict(row) for row in connection.execute(statement).mappings()]


def articles(connection: Connection) -> pd.DataFrame:
    """The table articles of the schema, with the names of the queries that find each record now."""
    from msminer import schema

    found: dict[str, list[str]] = {}
    members = select(ARTICLE_QUERIES.c.pmid, ARTICLE_QUERIES.c.query).where(ARTICLE_QUERIES.c.dropped_at.is_(None))
    for pmid, query in connection.execute(members.order_by(ARTICLE_QUERIES.c.query)):
        found.setdefault(pmid, []).append(query)
    columns = [ARTICLES.c[name] for name in schema.ARTICLES.names if name in ARTICLES.c]
    records = rows(connection, ordered(select(*columns), ARTICLES))
    return framed([{**row, "queries": found.get(row["pmid"], [])} for row in records], schema.ARTICLES)


def plain(connection: Connection, table: Table, declared: Any) -> pd.DataFrame:
    """A table whose columns are those of its declaration, ordered by its key."""
    columns = [table.c[name] for name in declared.names]
    key = [cast(table.c.pmid, Integer) if name == "pmid" else table.c[name] for name in declared.key]
    return framed(rows(connection, select(*columns).order_by(*key)), declared)


def framed(records: list[dict[str, Any]], declared: Any) -> pd.DataFrame:
    """A checked frame in which a missing value is None, whatever its column holds."""
    import pandas as pd

    from msminer import schema

    if not records:
        return schema.empty(declared)
    data = {name: pd.Series([row[name] for row in records], dtype=_dtype(declared, name)) for name in declared.names}
    return schema.check(pd.DataFrame(data), declared)


def _dtype(declared: Any, name: str) -> str:
    column = next(each for each in declared.columns if each.name == name)
    plain_kinds: Mapping[str, str] = {"int": "int64", "float": "float64", "bool": "bool"}
    return "object" if column.nullable else plain_kinds.get(column.kind, "object")


def unlabelled(connection: Connection, model: str) -> list[str]:
    """PMIDs of articles whose present record this model has not labelled, in order."""
    same = and_(RECORD_MODELS.c.pmid == ARTICLES.c.pmid, RECORD_MODELS.c.record_sha256 == ARTICLES.c.record_sha256)
    joined = select(ARTICLES.c.pmid).outerjoin(RECORD_MODELS, same)
    chosen = joined.where(or_(RECORD_MODELS.c.model.is_(None), RECORD_MODELS.c.model != model))
    return list(connection.execute(ordered(chosen, ARTICLES)).scalars())


def records(connection: Connection, pmids: list[str]) -> Iterator[dict[str, Any]]:
    """The parsed records of these PMIDs with record_sha256, in the order of their numbers."""
    columns = [ARTICLES.c[name] for name in (*RECORD_COLUMNS, "record_sha256")]
    chosen = select(*columns).where(ARTICLES.c.pmid.in_(pmids))
    yield from rows(connection, ordered(chosen, ARTICLES))


def members(connection: Connection, query: str) -> set[str]:
    """PMIDs that a query found when it was last asked."""
    chosen = select(ARTICLE_QUERIES.c.pmid).where(
        ARTICLE_QUERIES.c.query == query, ARTICLE_QUERIES.c.dropped_at.is_(None)
    )
    return set(connection.execute(chosen).scalars())


def found_by(connection: Connection, queries: Sequence[str]) -> set[str]:
    """PMIDs of the articles that any of these queries finds now."""
    alive = (ARTICLE_QUERIES.c.query.in_(queries), ARTICLE_QUERIES.c.dropped_at.is_(None))
    chosen = select(ARTICLES.c.pmid).join(ARTICLE_QUERIES, ARTICLE_QUERIES.c.pmid == ARTICLES.c.pmid).where(*alive)
    return set(connection.execute(chosen).scalars())


def last_search(connection: Connection, query: str, term: str) -> dict[str, Any] | None:
    """The newest finished search of a query with this term."""
    return next(_searches(connection, query, term), None)


# Opens the plan of a search that was not asked by itself because nothing had moved; the day it was asked follows.
_AS_ASKED = "as asked "


def as_asked(search: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """The plan of a search whose answer is taken over from an earlier one: it names the day that one was asked."""
    if _taken_over(search):
        return tuple((str(piece), int(size)) for piece, size in search["plan"])
    return ((_AS_ASKED + str(search["asked_at"]), 0),)


def _taken_over(search: Mapping[str, Any]) -> bool:
    return any(str(piece).startswith(_AS_ASKED) for piece, _ in search["plan"])


def last_sweep(connection: Connection, query: str, term: str) -> str | None:
    """When all records of the query were last asked for, not only those that had entered lately."""
    own = (row for row in _searches(connection, query, term) if not _taken_over(row))
    whole = (str(row["asked_at"]) for row in own if sum(size for _, size in row["plan"]) == row["count"])
    return next(whole, None)


def _searches(connection: Connection, query: str, term: str) -> Iterator[dict[str, Any]]:
    mine = (SEARCHES.c.query == query, SEARCHES.c.term == term, SEARCHES.c.finished)
    yield from rows(connection, select(SEARCHES).where(*mine).order_by(SEARCHES.c.id.desc()))


def not_again_today(connection: Connection, day: str) -> set[str]:
    """PMIDs that were missed or set aside on this day: asked again tomorrow at the earliest."""
    missed = select(TOMBSTONES.c.pmid).where(TOMBSTONES.c.last_miss >= day)
    aside = select(QUARANTINE.c.pmid).where(QUARANTINE.c.last_seen >= day, QUARANTINE.c.pmid.is_not(None))
    return {*connection.execute(missed).scalars(), *connection.execute(aside).scalars()}


def pending(connection: Connection) -> list[str]:
    """PMIDs that wait to be fetched, in the order of their numbers."""
    return list(connection.execute(ordered(select(PENDING.c.pmid), PENDING)).scalars())


def contents(connection: Connection) -> Iterator[list[Any]]:
    """Rows that differ whenever anything does that studies, verdicts and reports are made from, in a fixed order."""
    article = ("pmid", "record_sha256", "concern", "fetched_at", "page_sha256")
    yield from _listed(connection, ARTICLES, article)
    alive = ARTICLE_QUERIES.c.dropped_at.is_(None)
    yield from _listed(connection, ARTICLE_QUERIES, ("pmid", "query"), alive)
    yield from _listed(connection, RECORD_MODELS, ("pmid", "record_sha256", "model"))
    yield from _listed(connection, DENOMINATORS, ("year", "ms_papers", "query"))
    yield [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (LABELS, FINDINGS)]
    said = ("query", "term", "count", "translation", "lost")
    searches = connection.execute(select(*(SEARCHES.c[name] for name in said)).order_by(SEARCHES.c.id))
    yield sorted({row.query: list(row) for row in searches}.values())


def _listed(connection: Connection, table: Table, columns: tuple[str, ...], *which: Any) -> Iterator[list[Any]]:
    chosen = [table.c[name] for name in columns]
    yield from map(list, connection.execute(select(*chosen).where(*which).order_by(*chosen[:2])))


def years(connection: Connection) -> list[int]:
    """Years that articles are of, in order."""
    known = select(ARTICLES.c.year).where(ARTICLES.c.year.is_not(None))
    return list(connection.execute(known.distinct().order_by(ARTICLES.c.year)).scalars())


def counts(connection: Connection) -> dict[str, int]:
    """How much the store holds."""
    retracted = select(func.count()).select_from(ARTICLES).where(ARTICLES.c.retracted)
    named = {
        "articles": select(func.count()).select_from(ARTICLES),
        "retracted": retracted,
        "labelled": select(func.count()).select_from(RECORD_MODELS),
        "events": select(func.count()).select_from(EVENTS),
        "gone": select(func.count()).select_from(TOMBSTONES).where(TOMBSTONES.c.gone_at.is_not(None)),
        "quarantined": select(func.count()).select_from(QUARANTINE),
        "pending": select(func.count()).select_from(PENDING),
    }
    return {name: int(connection.execute(statement).scalar_one()) for name, statement in named.items()}
