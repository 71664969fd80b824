"""One publication with what it reports: the row that studies, tiers and verdicts are made of, whoever labelled it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["quote", "digest", "fact"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: outcome, direction and cell type, with its sentence.

    text: the sentence; kind: quote (verbatim from a stored abstract), digest (from the sample's own abstract) or fact
    (an evidence table's own words). start, end: offsets in title + newline + abstract, where there is one.
    p: probability that outcome and direction are right; 1 where people labelled.
    """

    outcome: str
    direction: str
    cell_type: str
    text: str
    kind: Kind = "fact"
    start: int | None = None
    end: int | None = None
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One stated number: what is counted, where, of which year."""

    quantity: str
    region: str
    value: float
    year: int | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication; unknown facts are None, never a guess.

    queries: names of the searches that found it; None for an evidence table, whose rows serve every claim.
    abstract_kind: what a sentence of the abstract is, as `Finding.kind`: a digest must never pass for a quotation.
    label_p: (axis, label) → calibrated probability, where a model labelled; empty where people did.
    """

    id: str
    study_design: str
    cell_types: tuple[str, ...]
    populations: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    routes: tuple[str, ...] = ()
    pmid: str | None = None
    pmcid: str | None = None
    doi: str | None = None
    year: int | None = None
    first_author: str | None = None
    authors: tuple[str, ...] = ()
    journal: str | None = None
    title: str | None = None
    title_descriptive: bool = False
    abstract: str = ""
    abstract_kind: Kind = "quote"
    n: float | None = None
    follow_up_months: float | None = None
    trial_ids: tuple[str, ...] = ()
    retracted: bool = False
    concern: bool = False
    figures: tuple[Figure, ...] = ()
    queries: frozenset[str] | None = None
    label_p: Mapping[tuple[str, str], float] = field(default_factory=dict, compare=False, repr=False)

    def chance(self, axis: str, labels: Iterable[str]) -> float:
        """Probability that one of the labels is right: that of the surest; 1 where no model gave any of them."""
        return max((self.label_p[axis, label] for label in labels if (axis, label) in self.label_p), default=1.0)

    @property
    def text(self) -> str:
        """Title, abstract and facts: where a claim without an outcome looks for its keywords."""
        return "\n".join([self.title or "", self.abstract, *(finding.text for finding in self.findings)])
