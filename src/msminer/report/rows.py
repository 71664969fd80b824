"""Rows of the evidence table: one a publication, with its labels and findings in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from msminer.report.bundle import ReportBundle, is_local
from msminer.report.links import name_of, paper_url, shown_id
from msminer.report.values import present, whole
from msminer.report.words import CELLS, DESIGNS, DIRECTIONS, OUTCOMES, POPULATIONS, plain

# So many rows keep the page under 5 MB (2026-11); what is left out stands in articles.csv, and the page says so.
MOST_ROWS = 5_000
# Longer titles are cut, in the table alone; 99.9% of the titles of 12,000 PubMed records are shorter (2026-11).
LONGEST_TITLE = 300


@dataclass(frozen=True)
class Row:
    """One publication: `number` is its place in the table and its anchor, `key` its identifier in the tables."""

    number: int
    key: str
    pmid: str
    url: str | None
    shown_id: str
    year: int | None
    author: str
    title: str
    journal: str
    design: str
    cells: str
    populations: str
    findings: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """Author and year."""
        return name_of({"first_author": self.author, "journal": self.journal, "title": self.title, "year": self.year})


def evidence_rows(bundle: ReportBundle, first: set[str]) -> list[Row]:
    """Rows of at most MOST_ROWS publications: those in `first`, then those with findings, then the newest."""
    labels = _labels(bundle.labels)
    findings = _findings(bundle.findings)
    records = bundle.articles.to_dict("records")
    records.sort(key=lambda r: (r["pmid"] not in first, r["pmid"] not in findings, -(whole(r["year"]) or 0), r["pmid"]))
    return [_row(n, r, labels[r["pmid"]], findings.get(r["pmid"], ())) for n, r in enumerate(records[:MOST_ROWS])]


def author_of(record: Mapping[Any, Any]) -> str:
    """Surname of the first author; empty where the record names none."""
    authors = record["authors"]
    if not authors:
        return ""
    head, _, initials = str(authors[0]).rpartition(" ")
    return head if head and initials.isupper() and len(initials) <= 4 else str(authors[0])


def _row(number: int, record: Mapping[Any, Any], labels: dict[str, list[str]], findings: tuple[str, ...]) -> Row:
    pmid, doi = str(record["pmid"]), present(record["doi"])
    title = str(record["title"]) or "[no title]"
    flags = [word for word, key in (("retracted", "retracted"), ("expression of concern", "concern")) if record[key]]
    return Row(
        number=number,
        key=pmid,
        pmid="" if is_local(pmid) else pmid,
        url=paper_url(pmid, doi),
        shown_id=shown_id(pmid, doi),
        year=whole(record["year"]),
        author=author_of(record),
        title=title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…",
        journal=present(record["journal"]) or "",
        design=", ".join(plain(DESIGNS, v) for v in labels["study_design"]),
        cells=", ".join(labels["cell_types"]),
        populations=", ".join(plain(POPULATIONS, v) for v in labels["populations"]),
        findings=findings,
        flags=tuple(flags),
    )


def _labels(frame: pd.DataFrame) -> defaultdict[str, dict[str, list[str]]]:
    out: defaultdict[str, dict[str, list[str]]] = defaultdict(_axes)
    for pmid, axis, label in zip(frame["pmid"], frame["axis"], frame["label"], strict=True):
        out[pmid].setdefault(axis, []).append(label)
    return out


def _axes() -> dict[str, list[str]]:
    return {"study_design": [], "cell_types": [], "populations": [], "routes": []}


def _findings(frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    out: defaultdict[str, list[str]] = defaultdict(list)
    columns = (frame["pmid"], frame["outcome"], frame["direction"], frame["cell_type"])
    for pmid, outcome, direction, cell in zip(*columns, strict=True):
        of = "" if cell == "none" else f" ({cell})"
        out[pmid].append(f"{plain(OUTCOMES, outcome)}: {plain(DIRECTIONS, direction)}{of}")
    return {pmid: tuple(sorted(found)) for pmid, found in out.items()}


def choices(rows: list[Row]) -> dict[str, list[tuple[str, str]]]:
    """What each filter offers, as (value, words): only what the rows hold."""
    cells = sorted({cell for row in rows for cell in row.cells.split(", ") if cell})
    designs = sorted({row.design for row in rows if row.design})
    outcomes = sorted({text.split(":")[0] for row in rows for text in row.findings})
    return {
        "cell": [(cell, f"{cell}: {plain(CELLS, cell)}" if plain(CELLS, cell) != cell else cell) for cell in cells],
        "design": [(design, design) for design in designs],
        "outcome": [(outcome, outcome) for outcome in outcomes],
        "direction": [(word, word) for word in DIRECTIONS.values()],
    }
