"""Reads an evidence table, JSON lines, one publication a line; the one module of this room that opens a file.

A bad row is refused by its number, field, rule and value: a dropped row would change a verdict unseen.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msminer.errors import RowError, TableError
from msminer.evidence.publications import Figure, Finding, Publication
from msminer.vocabulary import Vocabulary, load_vocabulary

Row = Mapping[str, Any]
_REQUIRED = ("id", "cell_types", "study_design", "populations", "findings")
# `authors`, `abstract` and `concern` are no part of the table at hand, but of what a store can export.
_KNOWN = frozenset(
    {*_REQUIRED, "pmid", "pmcid", "doi", "year", "first_author", "authors", "journal", "title", "title_descriptive"}
    | {"abstract", "routes", "n", "follow_up_months", "trial_ids", "retracted", "concern", "figures"}
)
_FINDING = frozenset({"outcome", "direction", "cell_type", "fact"})
_FIGURE = frozenset({"quantity", "region", "year", "value"})
_SHAPES = {"pmid": r"[1-9]\d{0,8}", "pmcid": r"PMC\d+", "doi": r"10\.\d{4,9}/\S+"}


def read_evidence(path: Path, vocabulary: Vocabulary | None = None) -> list[Publication]:
    """Publications of an evidence table; columns and rules in docs/verdicts.md.

    Raises RowError (line number, field, rule, value) for a bad row, TableError for a file that holds none or cannot be
    read: an empty table must not pass for an absence of papers.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError("the evidence table cannot be read", file=path.name, why=str(error)) from error
    rows = parse_rows(lines, vocabulary or load_vocabulary())
    if not rows:
        raise TableError("the evidence table holds no publication", file=path.name)
    return rows


def parse_rows(lines: Iterable[str], vocabulary: Vocabulary) -> list[Publication]:
    """Publications from JSON lines; blank lines are skipped but counted; raises RowError."""
    out: list[Publication] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        publication = _Check(number, vocabulary).publication(_object(number, line))
        if publication.id in seen:
            raise RowError(row=number, field="id", rule="must be unique", value=publication.id)
        seen.add(publication.id)
        out.append(publication)
    return out


def _object(number: int, line: str) -> Row:
    try:
        row = json.loads(line, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        why = str(error) or "nested too deeply"
        raise _refusal(number, "line", f"must be one JSON object ({why})", line[:80]) from None
    if not isinstance(row, dict):
        raise _refusal(number, "line", "must be one JSON object", line[:80])
    return row


def _refusal(number: int, field: str, rule: str, value: object) -> RowError:
    """The error of one row; half a character (legal in JSON, but not to be printed) is shown escaped."""
    texts = [one if _whole(one) else ascii(one) for one in (field, rule)]
    return RowError(row=number, field=texts[0], rule=texts[1], value=value if _whole(value) else ascii(value))


def _whole(value: object) -> bool:
    try:
        str(value).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a field is given twice")
    return row


class _Check:
    """The rules of one row."""

    def __init__(self, number: int, vocabulary: Vocabulary) -> None:
        self.number = number
        self.vocabulary = vocabulary

    def refuse(self, field: str, rule: str, value: object) -> RowError:
        return _refusal(self.number, field, rule, value)

    def whole(self, value: str, field: str) -> str:
        if not _whole(value):
            raise self.refuse(field, "must be whole characters, not half of a pair", value)
        return value

    def publication(self, row: Row) -> Publication:
        self.fields(row, _REQUIRED, _KNOWN, "")
        cells = self.words(row, "cell_types", "cell_types")
        if "none" in cells and len(cells) > 1:
            raise self.refuse("cell_types", "none must stand alone", list(cells))
        authors = self.texts(row, "authors")
        return Publication(
            id=self.needed_text(row, "id", ""),
            study_design=self.word(row, "study_design", "study_design", ""),
            cell_types=cells,
            populations=self.words(row, "populations", "populations"),
            findings=self.findings(row, cells),
            routes=self.words(row, "routes", "routes"),
            pmid=self.identifier(row, "pmid"),
            pmcid=self.identifier(row, "pmcid"),
            doi=self.identifier(row, "doi"),
            year=self.year(row.get("year"), "year"),
            first_author=self.text(row, "first_author") or (authors[0] if authors else None),
            authors=authors,
            journal=self.text(row, "journal"),
            title=self.text(row, "title"),
            title_descriptive=self.flag(row, "title_descriptive"),
            abstract=self.text(row, "abstract") or "",
            n=self.number_of(row.get("n"), "n", above_zero=True),
            follow_up_months=self.number_of(row.get("follow_up_months"), "follow_up_months"),
            trial_ids=self.texts(row, "trial_ids"),
            retracted=self.flag(row, "retracted"),
            concern=self.flag(row, "concern"),
            figures=self.figures(row),
        )

    def fields(self, row: Row, required: Iterable[str], known: frozenset[str], where: str) -> None:
        for name in required:
            if name not in row:
                raise self.refuse(where + name, "is missing", None)
        for name in row.keys() - known:
            # A misspelt `retracted` must not let a retracted study count; a field of somebody's own harms nothing.
            near = difflib.get_close_matches(name.lower(), sorted(known), n=1)
            if near:
                raise self.refuse(where + name, f"is no field of the table; did you mean {near[0]}?", row[name])

    def needed_text(self, row: Row, name: str, where: str) -> str:
        value = row[name]
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(where + name, "must be text, not empty", value)
        return self.whole(value, where + name)

    def text(self, row: Row, name: str) -> str | None:
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            raise self.refuse(name, "must be text or null", value)
        return self.whole(value, name) if value else None

    def identifier(self, row: Row, name: str) -> str | None:
        value = self.text(row, name)
        if value is not None and not re.fullmatch(_SHAPES[name], value):
            raise self.refuse(name, f"must look like {_SHAPES[name]}", value)
        return value

    def flag(self, row: Row, name: str) -> bool:
        value = row.get(name)
        if value not in (True, False, None) or (isinstance(value, int | float) and not isinstance(value, bool)):
            raise self.refuse(name, "must be true, false or null", value)
        return bool(value)

    def year(self, value: object, name: str) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1800 <= value <= 2200:
            raise self.refuse(name, "must be a whole year or null", value)
        return value

    def number_of(self, value: object, name: str, *, above_zero: bool = False) -> float | None:
        if value is None:
            return None
        bad = not isinstance(value, int | float) or isinstance(value, bool)
        number = -1.0 if bad else float(str(value))
        if not math.isfinite(number) or number < 0 or (above_zero and number == 0):
            raise self.refuse(name, f"must be a number {'above' if above_zero else 'of at least'} 0, or null", value)
        return number

    def items(self, row: Row, name: str) -> list[Any]:
        value = row.get(name)
        if value is None and name not in _REQUIRED:
            return []
        if not isinstance(value, list):
            raise self.refuse(name, "must be a list", value)
        return value

    def texts(self, row: Row, name: str) -> tuple[str, ...]:
        values = self.items(row, name)
        for value in values:
            if not isinstance(value, str) or not value.strip():
                raise self.refuse(name, "must hold texts, not empty", value)
            self.whole(value, name)
        return tuple(values)

    def words(self, row: Row, name: str, axis: str) -> tuple[str, ...]:
        values = self.texts(row, name)
        for value in values:
            self.known(value, axis, name)
        if len(set(values)) != len(values):
            raise self.refuse(name, "must not repeat a word", list(values))
        return values

    def word(self, row: Row, name: str, axis: str, where: str) -> str:
        value = self.needed_text(row, name, where)
        self.known(value, axis, where + name)
        return value

    def known(self, value: str, axis: str, field: str) -> None:
        words = self.vocabulary.ids(axis)
        if value not in words:
            raise self.refuse(field, f"must be one of {', '.join(words)}", value)

    def objects(self, row: Row, name: str, keys: frozenset[str], make: Callable[[Row, str], Any]) -> list[Any]:
        out = []
        for index, item in enumerate(self.items(row, name)):
            where = f"{name}[{index}]."
            if not isinstance(item, dict):
                raise self.refuse(where.rstrip("."), "must be an object", item)
            self.fields(item, sorted(keys), keys, where)
            out.append(make(item, where))
        return out

    def findings(self, row: Row, cells: tuple[str, ...]) -> tuple[Finding, ...]:
        found: list[Finding] = self.objects(row, "findings", _FINDING, self.finding)
        allowed = self.vocabulary.with_parents(cells) | {"none"}
        for index, one in enumerate(found):
            where = f"findings[{index}]"
            if one.cell_type not in allowed:
                raise self.refuse(f"{where}.cell_type", "must stand in cell_types or be none", one.cell_type)
            if any((one.outcome, one.cell_type) == (other.outcome, other.cell_type) for other in found[:index]):
                rule = "must be the only one of its outcome and cell type"
                raise self.refuse(where, rule, {"outcome": one.outcome, "cell_type": one.cell_type})
        return tuple(found)

    def finding(self, item: Row, where: str) -> Finding:
        return Finding(
            outcome=self.word(item, "outcome", "outcomes", where),
            direction=self.word(item, "direction", "directions", where),
            cell_type=self.word(item, "cell_type", "cell_types", where),
            text=self.needed_text(item, "fact", where),
        )

    def figures(self, row: Row) -> tuple[Figure, ...]:
        return tuple(self.objects(row, "figures", _FIGURE, self.figure))

    def figure(self, item: Row, where: str) -> Figure:
        value = self.number_of(item["value"], f"{where}value", above_zero=True)
        if value is None:
            raise self.refuse(f"{where}value", "must be a number", None)
        quantity, region = (self.needed_text(item, name, where) for name in ("quantity", "region"))
        return Figure(quantity, region, value, self.year(item["year"], f"{where}year"))
