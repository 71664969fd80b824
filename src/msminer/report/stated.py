"""Numbers that papers state, each told once with the papers that give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msminer.report.links import paper_url, shown_id
from msminer.report.values import count, present, whole


@dataclass(frozen=True)
class StatedNumber:
    """One number with the papers that state it: `papers` holds (address or None, identifier as shown) of each."""

    text: str
    papers: tuple[tuple[str | None, str], ...]

    @property
    def told_by(self) -> str:
        """How many papers state it, e.g. "2 papers"."""
        return count(len(self.papers), "paper")


def stated_numbers(figures: Sequence[Mapping[str, Any]]) -> tuple[StatedNumber, ...]:
    """A verdict's `figures` in their order, one for each quantity, place, year and value; a paper counts once in each.

    Quantities and places that differ in capitals alone are the same.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for one in figures:
        words = (str(one["quantity"]).casefold(), str(one["region"]).casefold())
        groups.setdefault((*words, whole(one["year"]), one["value"]), []).append(one)
    return tuple(StatedNumber(_text(group[0]), _papers(group)) for group in groups.values())


def _text(figure: Mapping[str, Any]) -> str:
    value = figure["value"]
    number = f"{int(value):,}" if value == int(value) else f"{value:,}"
    return f"{number} {figure['quantity']}, {figure['region']}, {whole(figure['year']) or 'year not known'}"


def _papers(group: Sequence[Mapping[str, Any]]) -> tuple[tuple[str | None, str], ...]:
    each = {str(one["publication_id"]): one for one in group}
    ids = [(present(one.get("pmid")), present(one.get("doi"))) for one in each.values()]
    return tuple((paper_url(pmid, doi), shown_id(pmid, doi)) for pmid, doi in ids)
