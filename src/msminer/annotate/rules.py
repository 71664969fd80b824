"""What one reading of an abstract must obey; the rules are those of data/gold/GUIDE.md and data/vocabulary.yaml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256

from pydantic import BaseModel, ConfigDict

from msminer.vocabulary import Vocabulary

# Axes of a whole abstract, in the order in which the page asks for them.
MANY = ("cell_types", "populations", "routes")
_NOUNS = {"cell_types": "cell type", "study_design": "study design", "populations": "population", "routes": "route"}


class Finding(BaseModel):
    """One finding; start and end are offsets of its sentence in title + newline + abstract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: str
    direction: str
    cell_type: str
    start: int
    end: int


class Labels(BaseModel):
    """The labels one reader gives one abstract; empty where nothing is chosen yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell_types: tuple[str, ...] = ()
    study_design: str | None = None
    populations: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Problem(BaseModel):
    """One broken rule: the field it is about and what to do, in plain words."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str


def text_of(title: str, abstract: str) -> str:
    """The text that offsets count in."""
    return f"{title}\n{abstract}"


def text_hash(title: str, abstract: str) -> str:
    """First 16 hex digits of SHA-256 of the text, as in gold.jsonl: tells when a text has changed since it was read."""
    return sha256(text_of(title, abstract).encode()).hexdigest()[:16]


def complete(labels: Labels, vocabulary: Vocabulary) -> tuple[Labels, list[str]]:
    """The labels with every implied one added, in the vocabulary's order, and a note on each that was added."""
    notes: list[str] = []
    changed: dict[str, tuple[str, ...]] = {}
    for axis in MANY:
        chosen = set(getattr(labels, axis))
        for label in sorted(chosen):
            parent = vocabulary.parents.get(label)
            if parent is not None and parent not in chosen:
                notes.append(f"{parent} is set too: {label} is a kind of {parent}.")
        changed[axis] = _ordered(vocabulary.with_parents(chosen), vocabulary.ids(axis))
    findings = _sorted_findings(labels.findings, vocabulary)
    return labels.model_copy(update={**changed, "findings": findings}), list(dict.fromkeys(notes))


def problems(labels: Labels, vocabulary: Vocabulary, sentences: Sequence[tuple[int, int]]) -> list[Problem]:
    """Every broken rule of a completed reading; `sentences` are the spans a rationale may be."""
    found = [problem for axis in MANY for problem in _axis_problems(getattr(labels, axis), axis, vocabulary)]
    if labels.study_design is None:
        found.append(Problem(field="study_design", message="Choose one study design."))
    elif labels.study_design not in vocabulary.ids("study_design"):
        found.append(
            Problem(field="study_design", message=f"{labels.study_design} is no study design of the vocabulary.")
        )
    for finding in labels.findings:
        found += _finding_problems(finding, labels, vocabulary, set(sentences))
    return found + _repeated(labels.findings)


def _axis_problems(chosen: Sequence[str], axis: str, vocabulary: Vocabulary) -> Iterable[Problem]:
    noun = _NOUNS[axis]
    known = vocabulary.ids(axis)
    for label in chosen:
        if label not in known:
            yield Problem(field=axis, message=f"{label} is no {noun} of the vocabulary.")
        parent = vocabulary.parents.get(label)
        if parent is not None and parent not in chosen:
            yield Problem(field=axis, message=f"{label} needs {parent} too: it is a kind of {parent}.")
    if not chosen and "none" in known:
        yield Problem(field=axis, message=f"Choose at least one {noun}; none is a choice.")
    others = [label for label in chosen if label != "none"]
    if "none" in chosen and others:
        yield Problem(field=axis, message=f"none stands alone: take away none, or {', '.join(others)}.")


def _finding_problems(
    finding: Finding, labels: Labels, vocabulary: Vocabulary, sentences: set[tuple[int, int]]
) -> Iterable[Problem]:
    where = f"{finding.outcome}, {finding.direction}"
    for axis, value in (("outcomes", finding.outcome), ("directions", finding.direction)):
        if value not in vocabulary.ids(axis):
            yield Problem(field="findings", message=f"{value} is no word of {axis}.")
    if finding.cell_type != "none" and finding.cell_type not in labels.cell_types:
        message = f"The finding ({where}) is about {finding.cell_type}, which is not chosen above: choose it there too."
        yield Problem(field="findings", message=message)
    if (finding.start, finding.end) not in sentences:
        yield Problem(field="findings", message=f"The finding ({where}) needs one whole sentence as its rationale.")


def _repeated(findings: Sequence[Finding]) -> list[Problem]:
    counts = Counter((finding.outcome, finding.cell_type) for finding in findings)
    return [
        Problem(
            field="findings",
            message=f"{outcome} has {n} findings about {cell}: keep one (mixed, if both directions are reported).",
        )
        for (outcome, cell), n in counts.items()
        if n > 1
    ]


def _ordered(chosen: frozenset[str], order: Sequence[str]) -> tuple[str, ...]:
    known = [label for label in order if label in chosen]
    return (*known, *sorted(chosen.difference(order)))


def _sorted_findings(findings: Sequence[Finding], vocabulary: Vocabulary) -> tuple[Finding, ...]:
    outcomes = {outcome: rank for rank, outcome in enumerate(vocabulary.ids("outcomes"))}
    last = len(outcomes)
    return tuple(sorted(findings, key=lambda f: (f.start, outcomes.get(f.outcome, last), f.cell_type)))
