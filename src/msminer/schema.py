"""Every table that passes between rooms, declared once: columns, types, key, origin.

`check` is called when a table is saved and when it is loaded. List columns hold JSON-ready Python lists in frames and
JSON text in files that know no lists (CSV).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from msminer.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "int", "float", "bool", "list", "json"]

ORIGINS = ("sample", "entrez", "files")


class Section(TypedDict):
    """One labelled part of an abstract; label is None where the record has none."""

    label: str | None
    text: str


class MeshHeading(TypedDict):
    """One MeSH heading; ui is None where the record does not say it."""

    ui: str | None
    name: str
    major: bool
    qualifiers: list[dict[str, Any]]


class Correction(TypedDict):
    """One CommentsCorrections entry: RefType, PMID where given, RefSource."""

    type: str
    pmid: str | None
    source: str | None


class ParsedRecord(TypedDict):
    """What `msminer parse` writes per record; the contract of the parser (see docs/tables.md)."""

    pmid: str
    version: int
    kind: str
    title: str
    abstract: str
    sections: list[Section]
    year: int | None
    date: str | None
    journal: str | None
    authors: list[str]
    doi: str | None
    pmcid: str | None
    mesh: list[MeshHeading]
    publication_types: list[str]
    keywords: list[str]
    languages: list[str]
    trial_ids: list[str]
    corrections: list[Correction]
    retracted: bool
    date_revised: str | None


class LabelScore(TypedDict):
    """A decided label with its calibrated probability."""

    label: str
    p: float


class FindingSpan(TypedDict):
    """One finding: offsets into title + newline + abstract; p is that of outcome and direction together."""

    outcome: str
    direction: str
    cell_type: str
    start: int
    end: int
    quote: str
    p: float


class LabelledRecord(TypedDict):
    """What `msminer label-file` writes per record; the contract of the classifier."""

    pmid: str
    model: str
    cell_types: list[LabelScore]
    study_design: LabelScore | None
    populations: list[LabelScore]
    routes: list[LabelScore]
    findings: list[FindingSpan]
    abstained: list[str]


@dataclass(frozen=True)
class Column:
    """One column: name, kind, whether it may be missing, and what it holds."""

    name: str
    kind: Kind
    doc: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its name, purpose, origin, key columns and columns."""

    name: str
    doc: str
    origin: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Column names in their declared order."""
        return [column.name for column in self.columns]


def _c(name: str, kind: Kind, doc: str, nullable: bool = False) -> Column:
    return Column(name, kind, doc, nullable)


ARTICLES = Table(
    "articles",
    "The current version of each article, one row a PMID.",
    "PubMed XML through the parser; queries, dates and flags from the store",
    ("pmid",),
    (
        _c("pmid", "text", "PubMed identifier; sample records without one carry a local identifier above 990000000"),
        _c("version", "int", "PMID version"),
        _c("kind", "text", "article or book"),
        _c("title", "text", "title in plain Unicode"),
        _c("abstract", "text", "sections joined by one blank; empty where the record has none"),
        _c("sections", "list", "[{label, text}]"),
        _c("year", "int", "JournalIssue/PubDate/Year, else the first year in MedlineDate", True),
        _c("date", "text", "publication date as far as it is known, ISO 8601", True),
        _c("journal", "text", "MedlineTA, else ISO abbreviation, else title", True),
        _c("authors", "list", "names, 'LastName Initials' or the collective name"),
        _c("doi", "text", "the record's own DOI", True),
        _c("pmcid", "text", "PubMed Central identifier", True),
        _c("mesh", "list", "[{ui, name, major, qualifiers}]"),
        _c("publication_types", "list", "names"),
        _c("keywords", "list", "author keywords"),
        _c("languages", "list", "language codes"),
        _c("trial_ids", "list", "registry numbers of the record"),
        _c("corrections", "list", "[{type, pmid, source}]"),
        _c("retracted", "bool", "RetractionIn or publication type Retracted Publication"),
        _c("concern", "bool", "an expression of concern stands"),
        _c("date_revised", "text", "DateRevised, ISO 8601", True),
        _c("queries", "list", "names of the queries that found it"),
        _c("fetched_at", "text", "when this version was received, ISO 8601, UTC"),
        _c("page_sha256", "text", "checksum of the page it came in", True),
    ),
)

LABELS = Table(
    "labels",
    "Decided labels of each article.",
    "classifier",
    ("pmid", "axis", "label"),
    (
        _c("pmid", "text", "PubMed identifier"),
        _c("axis", "text", "cell_types, study_design, populations or routes"),
        _c("label", "text", "label id of the vocabulary"),
        _c("p", "float", "calibrated probability, 0 to 1"),
        _c("model", "text", "model id"),
    ),
)

FINDINGS = Table(
    "findings",
    "What each abstract reports: one row per outcome and cell type, with its sentence.",
    "classifier",
    ("pmid", "outcome", "cell_type"),
    (
        _c("pmid", "text", "PubMed identifier"),
        _c("outcome", "text", "outcome domain"),
        _c("direction", "text", "benefit, no_effect, harm or mixed"),
        _c("cell_type", "text", "the cell type it is about, or none"),
        _c("start", "int", "offset of the sentence in title + newline + abstract"),
        _c("end", "int", "end offset"),
        _c("quote", "text", "the sentence, verbatim"),
        _c("p", "float", "probability of outcome and direction together"),
        _c("model", "text", "model id"),
    ),
)

STUDIES = Table(
    "studies",
    "Studies: publications of one trial count once.",
    "evidence",
    ("study_id",),
    (
        _c("study_id", "text", "registry number, else the id of the publication that speaks"),
        _c("publications", "list", "ids of its publications, the one that speaks first"),
        _c("speaker", "text", "id of the publication that speaks: the newest with results"),
        _c("pmid", "text", "PMID of the speaker", True),
        _c("year", "int", "year of the speaker", True),
        _c("design", "text", "study design"),
        _c("tier", "text", "tier of evidence"),
        _c("cell_types", "list", "cell types"),
        _c("populations", "list", "populations"),
        _c("n", "int", "patients or animals", True),
        _c("follow_up_months", "float", "months", True),
        _c("retracted", "bool", "its speaker is retracted: never counts"),
        _c("concern", "bool", "an expression of concern stands"),
        _c("why_one", "text", "why its publications are one study"),
    ),
)

TRENDS = Table(
    "trends",
    "Studies per cell type, outcome, direction, population group and year.",
    "evidence",
    ("cell_type", "outcome", "direction", "population", "year"),
    (
        _c("cell_type", "text", "cell type, rolled up, or any"),
        _c("outcome", "text", "outcome domain"),
        _c("direction", "text", "benefit, no_effect, harm or mixed"),
        _c("population", "text", "ms, animal_model, other or any"),
        _c("year", "int", "year of publication"),
        _c("studies", "int", "studies with this direction"),
        _c("total", "int", "studies of the group with any direction that year: the denominator of share"),
        _c("share", "float", "studies / total; missing where total is 0", True),
        _c("share_low", "float", "lower 95% limit, sampling and labelling error", True),
        _c("share_high", "float", "upper 95% limit", True),
        _c("method", "text", "how the interval was made"),
        _c("ms_papers", "int", "all MS papers of that year: the denominator of the rate", True),
        _c("rate_per_1000", "float", "studies per 1,000 MS papers of that year", True),
        _c("incomplete", "bool", "the newest, incompletely indexed year: left out of tests"),
    ),
)

TREND_TESTS = Table(
    "trend_tests",
    "One row per series: slopes, monotone trend, change point, corrected for the family.",
    "evidence",
    ("cell_type", "outcome", "direction", "population"),
    (
        _c("cell_type", "text", "cell type"),
        _c("outcome", "text", "outcome domain"),
        _c("direction", "text", "direction"),
        _c("population", "text", "population group"),
        _c("first_year", "int", "first year of the series"),
        _c("last_year", "int", "last year tested"),
        _c("studies", "int", "studies with this direction"),
        _c("total", "int", "studies with any direction"),
        _c("share_slope", "float", "log odds a year, logistic", True),
        _c("share_slope_low", "float", "lower 95% limit", True),
        _c("share_slope_high", "float", "upper 95% limit", True),
        _c("rate_slope", "float", "log rate a year, negative binomial with offset", True),
        _c("rate_slope_low", "float", "lower 95% limit", True),
        _c("rate_slope_high", "float", "upper 95% limit", True),
        _c("theil_sen", "float", "share a year", True),
        _c("mann_kendall_p", "float", "two-sided", True),
        _c("p", "float", "p of the share slope", True),
        _c("q", "float", "Benjamini-Hochberg over the family", True),
        _c("change_point", "int", "first year after the change", True),
        _c("change_low", "int", "lower limit of its year", True),
        _c("change_high", "int", "upper limit of its year", True),
        _c("change_p", "float", "p of the change point", True),
        _c("note", "text", "why a figure is missing", True),
    ),
)

DENOMINATORS = Table(
    "denominators",
    "All MS papers of a year.",
    "esearch of the query ms_all, one count a year",
    ("year",),
    (
        _c("year", "int", "year of publication"),
        _c("ms_papers", "int", "records that match"),
        _c("asked_at", "text", "when, ISO 8601, UTC"),
        _c("query", "text", "the term asked"),
    ),
)

TABLES = {table.name: table for table in (ARTICLES, LABELS, FINDINGS, STUDIES, TRENDS, TREND_TESTS, DENOMINATORS)}


def check(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The frame with its columns in declared order; raises TableError naming column, rule and first bad value."""
    missing = [name for name in table.names if name not in frame.columns]
    if missing:
        raise TableError(f"table {table.name} lacks columns", missing=missing, has=list(frame.columns))
    out = frame.loc[:, table.names]
    for column in table.columns:
        _check_column(out[column.name], column, table.name)
    doubled = out.duplicated(list(table.key))
    if doubled.any():
        first = out.loc[doubled, list(table.key)].iloc[0].to_dict()
        raise TableError(f"table {table.name} repeats a key", key=first, times=int(doubled.sum()))
    return out


_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list, tuple),
    "json": (dict, list),
}


def _check_column(series: pd.Series[Any], column: Column, table: str) -> None:
    where = f"{table}.{column.name}"
    if column.kind in {"list", "json"}:
        bad = [value for value in series if not isinstance(value, _TYPES[column.kind])]
    else:
        empty = series.isna()
        if empty.any() and not column.nullable:
            raise TableError(f"{where} must not be missing", rows=int(empty.sum()))
        present = series[~empty].tolist()
        bad = [value for value in present if not _fits(value, column.kind)]
    if bad:
        raise TableError(f"{where} must be {column.kind}", value=repr(bad[0])[:80], rows=len(bad))


def _fits(value: object, kind: Kind) -> bool:
    if kind == "int" and isinstance(value, float):
        return value.is_integer()
    if kind != "bool" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[kind])


def empty(table: Table) -> pd.DataFrame:
    """A frame of the table without rows."""
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype="object") for name in table.names})


def from_rows(rows: Sequence[dict[str, Any]], table: Table) -> pd.DataFrame:
    """A checked frame from row dicts; raises TableError."""
    import pandas as pd

    if not rows:
        return empty(table)
    return check(pd.DataFrame(list(rows)), table)


_HEAD = """# Tables

Every table that passes between rooms, as declared in `src/msminer/schema.py`. Lists are JSON text in CSV files.
"""


def describe() -> str:
    """All tables as Markdown; docs/tables.md holds this text and a test keeps it so."""
    return "\n".join([_HEAD, *map(_described, TABLES.values())])


def _described(table: Table) -> str:
    rows = [f"| `{c.name}` | {c.kind}{' or missing' if c.nullable else ''} | {c.doc} |" for c in table.columns]
    about = f"{table.doc} Key: {', '.join(table.key)}. From: {table.origin}."
    return "\n".join([f"## {table.name}\n", f"{about}\n", "| column | kind | holds |", "|---|---|---|", *rows, ""])
