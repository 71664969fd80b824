"""The tables of a report as CSV, Parquet and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from msminer.report.bundle import ReportBundle
from msminer.report.values import present
from msminer.schema import (
    ARTICLES,
    DENOMINATORS,
    FINDINGS,
    LABELS,
    STUDIES,
    TREND_TESTS,
    TRENDS,
    Column,
    Table,
)

# Abstracts belong to their publishers; a report is made to be passed on, so it carries none of them.
PUBLICATIONS = Table(
    "articles",
    "The publications of a report: as in the store, without the abstracts.",
    ARTICLES.origin,
    ARTICLES.key,
    (
        *(column for column in ARTICLES.columns if column.name not in {"abstract", "sections"}),
        Column("has_abstract", "bool", "whether the record has an abstract"),
    ),
)
VERDICTS = Table(
    "verdicts",
    "One row a claim; the whole verdicts are in verdicts.json.",
    "evidence",
    ("claim_id",),
    (
        Column("claim_id", "text", "claim of the register"),
        Column("source", "text", "source article"),
        Column("topic", "text", "topic"),
        Column("about", "text", "people or biology"),
        Column("says", "text", "the claim in our own words"),
        Column("verdict", "text", "verdict as in docs/verdicts.md"),
        Column("searched", "bool", "whether its search was run"),
        Column("reason", "text", "one line, with counts"),
        Column("tier", "text", "strongest kind of study that says something", True),
        Column("studies", "int", "studies of that tier", True),
        Column("share", "float", "share of them that points the claim's way, 0 to 1", True),
        Column("low", "float", "lower 95% limit", True),
        Column("high", "float", "upper 95% limit", True),
        Column("flipped", "int", "year in which the verdict last turned", True),
    ),
)
# A table that was copied out of its folder still says where its rows come from.
ORIGIN = Column("origin", "text", "sample, entrez or files")
TABLES = (PUBLICATIONS, LABELS, FINDINGS, STUDIES, TRENDS, TREND_TESTS, DENOMINATORS, VERDICTS)

CRATE = "ro-crate-metadata.json"
FILES = (
    *(
        (f"{table.name}.{suffix}", table.doc if suffix == "csv" else f"the same rows as {table.name}.csv")
        for table in TABLES
        for suffix in ("csv", "parquet", "json")
    ),
    ("judgement.json", "the verdicts whole: tiers, deciding papers, sentences"),
    ("evidence.ris", "the publications for reference managers"),
    ("evidence.bib", "the publications for BibTeX"),
    ("claimreview.jsonld", "the verdicts as schema.org ClaimReview"),
    ("provenance.json", "searches, dates, versions, checksums"),
    ("model_card.json", "the classifier's card"),
    ("diff.json", "what changed since the previous report"),
    (CRATE, "what this folder holds and the run that made it, as RO-Crate"),
)

# First characters that spreadsheets run as a formula: OWASP ASVS 1.2.10, with NUL and the full-width signs.
_LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def tables_of(bundle: ReportBundle) -> dict[str, pd.DataFrame]:
    """Every table of a report by name, columns in declared order."""
    articles = bundle.articles.assign(has_abstract=bundle.articles["abstract"].str.len() > 0)
    frames = {
        "articles": articles,
        "labels": bundle.labels,
        "findings": bundle.findings,
        "studies": bundle.studies,
        "trends": bundle.trends,
        "trend_tests": bundle.trend_tests,
        "denominators": bundle.denominators,
        "verdicts": verdict_frame(bundle),
    }
    return {table.name: frames[table.name].loc[:, table.names] for table in TABLES}


def verdict_frame(bundle: ReportBundle) -> pd.DataFrame:
    """Verdicts as a table, one row a claim, columns as in VERDICTS."""
    rows = [verdict_row(bundle.claims[entry["claim_id"]], entry) for entry in bundle.verdicts.get("verdicts", [])]
    return pd.DataFrame(rows, columns=VERDICTS.names)


def verdict_row(claim: Any, entry: dict[str, Any]) -> dict[str, Any]:
    """One row of VERDICTS from a claim of the register and its entry."""
    silent = {"too few", "shown only"}
    lead: Mapping[str, Any] = next(
        (t for t in entry["tiers"] if present(t["share"]) is not None and t["stance"] not in silent), {}
    )
    return {
        "claim_id": entry["claim_id"],
        **{name: claim.get(name, "") for name in ("source", "topic", "about", "says")},
        "verdict": entry["verdict"],
        "searched": entry.get("searched") is not False,
        "reason": entry["reason"],
        **{name: lead.get(name) for name in ("tier", "studies", "share", "low", "high")},
        "flipped": entry.get("flipped"),
    }


def write_tables(frames: dict[str, pd.DataFrame], folder: Path, origin: str) -> None:
    """Write each table as NAME.csv, NAME.parquet and NAME.json, each row with its origin as last column."""
    for declared in TABLES:
        table = replace(declared, columns=(*declared.columns, ORIGIN))
        frame = frames[table.name].assign(origin=origin)
        write_csv(frame, folder / f"{table.name}.csv")
        write_parquet(frame, table, folder / f"{table.name}.parquet")
        write_json(records(frame, table), folder / f"{table.name}.json")


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """CSV by RFC 4180 whose texts never start a formula; lists as JSON text."""
    safe = {str(name): [_cell(value) for value in frame[name]] for name in frame.columns}
    pd.DataFrame(safe, dtype=object).to_csv(path, index=False, lineterminator="\r\n", encoding="utf-8")


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        value = json.dumps(value, ensure_ascii=False)
    value = present(value)
    return safe_cell(value) if isinstance(value, str) else value


def safe_cell(text: str) -> str:
    """The text without NUL, with an apostrophe before anything a spreadsheet could run."""
    text = text.replace("\0", "")
    return "'" + text if text.startswith(_LIVE) else text


def write_parquet(frame: pd.DataFrame, table: Table, path: Path) -> None:
    """Parquet with declared types; lists of texts as lists, other lists as JSON text. Same rows, same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    columns: dict[str, Any] = {}
    for column in table.columns:
        values = [present(value) for value in frame[column.name]]
        if column.kind in types:
            columns[column.name] = pa.array([_as(value, column.kind) for value in values], types[column.kind])
        elif column.name in _NESTED:
            columns[column.name] = pa.array([json.dumps(value, ensure_ascii=False) for value in values], pa.string())
        else:
            columns[column.name] = pa.array([[str(v) for v in value] for value in values], pa.list_(pa.string()))
    pq.write_table(pa.table(columns), path, compression="zstd")


_NESTED = frozenset({"mesh", "corrections"})


def _as(value: Any, kind: str) -> Any:
    casts: dict[str, type] = {"int": int, "float": float, "bool": bool, "text": str}
    return None if value is None else casts[kind](value)


def read_table(table: Table, folder: Path) -> pd.DataFrame:
    """A table of an exported report as a frame, lists as Python lists; missing whole numbers as pandas' Int64."""
    import pyarrow.parquet as pq

    read = pq.read_table(folder / f"{table.name}.parquet")
    columns = {c.name: _column(read.column(c.name).to_pylist(), c) for c in table.columns}
    return pd.DataFrame(columns, columns=table.names)


def _column(values: list[Any], column: Column) -> Any:
    if column.name in _NESTED:
        return pd.Series([json.loads(value) for value in values], dtype=object)
    if column.kind == "int":
        return pd.array(values, dtype="Int64") if column.nullable else pd.array(values, dtype="int64")
    kinds: dict[str, Any] = {"float": "float64", "bool": "bool"}
    return pd.Series(values, dtype=kinds.get(column.kind, object))


def records(frame: pd.DataFrame, table: Table) -> list[dict[str, Any]]:
    """JSON-ready rows."""
    columns = [
        [_as(present(v), c.kind) if c.kind not in {"list", "json"} else v for v in frame[c.name]] for c in table.columns
    ]
    return [dict(zip(table.names, row, strict=True)) for row in zip(*columns, strict=True)]


def write_json(value: Any, path: Path) -> None:
    """JSON in UTF-8; a list with one row a line."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        text = "[\n" + ",\n".join(json.dumps(v, ensure_ascii=False) for v in value) + "\n]\n"
    else:
        text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")
