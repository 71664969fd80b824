"""Two readings of one record: whether they agree, where they differ, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from msminer.annotate.journal import Contents, Entry
from msminer.annotate.project import Project
from msminer.annotate.rules import Finding, Labels

AXES = ("cell_types", "study_design", "populations", "routes", "findings")


@dataclass(frozen=True)
class Pair:
    """Two finished readings of one record, by the readers' names in order."""

    pmid: str
    readers: tuple[str, str]
    entries: tuple[Entry, Entry]

    @property
    def same_text(self) -> bool:
        """Whether both read the same text; offsets cannot be compared otherwise."""
        return self.entries[0].text_sha256 == self.entries[1].text_sha256

    @property
    def differing(self) -> tuple[str, ...]:
        """The axes on which the labels differ; which sentence states a finding is no difference of labels."""
        first, second = (axis_sets(entry.labels) for entry in self.entries)
        return tuple(axis for axis in AXES if first[axis] != second[axis])

    @property
    def needs_decision(self) -> bool:
        """Whether a third reader must decide: the labels differ, or a reader doubts them."""
        return bool(self.differing) or any(entry.state == "uncertain" for entry in self.entries)

    @property
    def digest(self) -> str:
        """Tells whether a decision was made on these very readings."""
        both = "\n".join(entry.labels.model_dump_json() + entry.state + entry.text_sha256 for entry in self.entries)
        return sha256(both.encode()).hexdigest()[:16]

    @property
    def unnamed(self) -> tuple[Entry, Entry]:
        """The readings in an order that tells nothing about the readers and stays the same."""
        return self.entries if int(self.digest, 16) % 2 else (self.entries[1], self.entries[0])


def axis_sets(labels: Labels) -> dict[str, frozenset[object]]:
    """Axis → what was chosen, findings as (outcome, direction, cell type)."""
    sets: dict[str, frozenset[object]] = {
        axis: frozenset(getattr(labels, axis)) for axis in ("cell_types", "populations", "routes")
    }
    sets["study_design"] = frozenset({labels.study_design} - {None})
    sets["findings"] = frozenset(finding_key(finding) for finding in labels.findings)
    return sets


def finding_key(finding: Finding) -> tuple[str, str, str]:
    """What two readers must agree on."""
    return (finding.outcome, finding.direction, finding.cell_type)


def pairs(readings: Mapping[str, Contents]) -> Iterator[Pair]:
    """Every record with two finished readings, the first two readers by name where there are more, by PMID."""
    by_pmid: dict[str, list[tuple[str, Entry]]] = {}
    for reader in sorted(readings):
        for pmid, entry in readings[reader].finished().items():
            by_pmid.setdefault(pmid, []).append((reader, entry))
    for pmid in sorted(by_pmid, key=lambda value: (len(value), value)):
        if len(by_pmid[pmid]) >= 2:
            (name, entry), (other, second) = by_pmid[pmid][:2]
            yield Pair(pmid, (name, other), (entry, second))


def open_pairs(project: Project, adjudicator: str) -> list[Pair]:
    """The pairs that need a decision and that this adjudicator has not read."""
    readings = project.readings()
    own = readings[adjudicator].latest if adjudicator in readings else {}
    return [pair for pair in pairs(readings) if pair.needs_decision and pair.same_text and pair.pmid not in own]


def decided(pair: Pair, decisions: Mapping[str, Contents]) -> tuple[str, Entry] | None:
    """The adjudicator and the finished decision on these very readings, the newest where there are more."""
    found = [
        (name, entry)
        for name, contents in decisions.items()
        if (entry := contents.finished().get(pair.pmid)) is not None and entry.of == pair.digest
    ]
    return max(found, key=lambda item: item[1].at) if found else None


def common(pair: Pair) -> Labels:
    """What both readers chose: where an adjudicator starts."""
    first, second = (entry.labels for entry in pair.entries)
    keys = {finding_key(finding) for finding in second.findings}
    return Labels(
        cell_types=tuple(label for label in first.cell_types if label in second.cell_types),
        study_design=first.study_design if first.study_design == second.study_design else None,
        populations=tuple(label for label in first.populations if label in second.populations),
        routes=tuple(label for label in first.routes if label in second.routes),
        findings=tuple(finding for finding in first.findings if finding_key(finding) in keys),
    )


def earlier_rationales(pair: Pair) -> Labels:
    """The agreed labels; where only the rationale differs, the earlier sentence stands.

    The guide prefers results over conclusion if both say it, and results come first.
    """
    first, second = (entry.labels for entry in pair.entries)
    other = {finding_key(finding): finding for finding in second.findings}
    chosen = tuple(min(finding, other[finding_key(finding)], key=lambda f: f.start) for finding in first.findings)
    return first.model_copy(update={"findings": chosen})
