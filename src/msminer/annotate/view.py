"""What the templates show: groups of labels with their keys, numbered sentences, two readings side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msminer.annotate.compare import AXES, axis_sets
from msminer.annotate.keys import assign
from msminer.annotate.rules import Labels
from msminer.annotate.session import Record
from msminer.vocabulary import Vocabulary


@dataclass(frozen=True)
class Choice:
    """One label as the page shows it."""

    id: str
    key: str
    definition: str
    child: bool


@dataclass(frozen=True)
class Group:
    """One axis: the digit that leads to it, its name, and whether one or many may be chosen."""

    axis: str
    digit: int
    name: str
    hint: str
    many: bool
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Sentence:
    """One numbered sentence; the title is 0."""

    number: int
    text: str


@dataclass(frozen=True)
class Side:
    """One axis of two readings; `common` are the words that both gave."""

    axis: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    common: frozenset[str]

    @property
    def differs(self) -> bool:
        """Whether the readers differ on it."""
        return set(self.first) != set(self.second)


def groups(vocabulary: Vocabulary) -> dict[str, Group]:
    """Axis → group, for the four axes of an abstract and the two of a finding."""
    return {
        "cell_types": _group(
            vocabulary, "cell_types", 1, "Cell types", "all that are given, grafted or studied", many=True
        ),
        "study_design": _group(vocabulary, "study_design", 2, "Study design", "exactly one", many=False),
        "populations": _group(vocabulary, "populations", 3, "Populations", "all that are studied", many=True),
        "routes": _group(vocabulary, "routes", 4, "Routes", "only when stated; may stay empty", many=True),
        "outcomes": _group(vocabulary, "outcomes", 5, "Outcome", "the closest of these", many=False),
        "directions": _group(vocabulary, "directions", 5, "Direction", "from the side of the treated", many=False),
    }


def _group(vocabulary: Vocabulary, axis: str, digit: int, name: str, hint: str, *, many: bool) -> Group:
    keys = assign(vocabulary.ids(axis))
    choices = tuple(
        Choice(label.id, keys[label.id], label.definition, label.id in vocabulary.parents)
        for label in vocabulary.axes[axis]
    )
    return Group(axis, digit, name, hint, many, choices)


def sentences(record: Record) -> list[Sentence]:
    """The sentences by number, the title first."""
    return [Sentence(number, record.text[start:end]) for number, (start, end) in enumerate(record.sentences)]


def readings_table(record: Record, vocabulary: Vocabulary) -> list[Side]:
    """One row an axis, labels in the vocabulary's order, findings in words."""
    if record.pair is None:
        return []
    first, second = (_words(entry.labels, record.sentences, vocabulary) for entry in record.pair.unnamed)
    return [Side(axis, first[axis], second[axis], frozenset(first[axis]) & frozenset(second[axis])) for axis in AXES]


def _words(labels: Labels, spans: Sequence[tuple[int, int]], vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    sets = axis_sets(labels)
    words = {
        axis: tuple(label for label in vocabulary.ids(axis) if label in sets[axis])
        for axis in AXES
        if axis != "findings"
    }
    numbers = {span: number for number, span in enumerate(spans)}
    words["findings"] = tuple(
        f"{f.outcome}, {f.direction}, {f.cell_type} (sentence {numbers.get((f.start, f.end), '?')})"
        for f in labels.findings
    )
    return words
