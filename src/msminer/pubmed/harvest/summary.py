"""What a harvest did, in numbers that can be checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

# stage, done, total
Progress = Callable[[str, int, int], None]


class Sizes(TypedDict):
    """What became of a number of records."""

    new: int
    changed: int
    already: int
    missing: int
    quarantined: int


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class QuerySummary:
    """One query: what PubMed counts, and what became of each of its records.

    count = new + changed + already + missing + quarantined. dropped: records that the query no longer finds.
    """

    query: str
    term: str
    asked_at: str
    count: int
    new: int
    changed: int
    already: int
    missing: int
    quarantined: int
    dropped: int
    requests: int
    translation: str
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class HarvestSummary:
    """A whole harvest: its queries, totals over distinct records, and warnings that need a look."""

    queries: tuple[QuerySummary, ...]
    new: int
    changed: int
    already: int
    missing: int
    quarantined: int
    requests: int
    pages: int
    warnings: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = field(default=())

    @property
    def nothing_new(self) -> bool:
        """Whether everything was there already."""
        return not (self.new or self.changed)

    def as_dict(self) -> dict[str, Any]:
        """For the run's record and for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for people."""
        if self.nothing_new and not self.missing and not self.quarantined:
            return f"nothing new: all {self.already} records were there already; {self.requests} requests"
        said = f"{self.new} new, {self.changed} changed, {self.already} there already"
        said += f", {self.missing} missing" if self.missing else ""
        said += f", {self.quarantined} set aside" if self.quarantined else ""
        return f"{said}; {self.pages} pages, {self.requests} requests"
