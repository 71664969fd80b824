"""From matches to votes: one a study, each with its tier, direction and weight."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from msminer.evidence.labelling import Labelling, Reading
from msminer.evidence.matching import Match
from msminer.evidence.publications import Finding, Publication
from msminer.evidence.rules import Rules
from msminer.evidence.studies import Studies, newest_first

MIXED = "mixed"
_HUMAN_ONLY_MISSING = frozenset({"animal_model", "eae", "toxic_demyelination", "dysmyelination", "none"})
_POOLED = re.compile(
    r"\b(\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\s+(?:[\w-]+\s+){0,2}?(?:studies|trials)\b",
    re.I,
)


@dataclass(frozen=True)
class Vote:
    """One study's vote: the publication that speaks, its tier, direction, and the findings that make it.

    agrees: whether the direction is the expected one; None where it is mixed.
    score: expected support, 0 to 1; worth: how many studies it stands for (a review that pools: more than one);
    belongs: chance that it is a study of the claim's kind; weight: how many studies it counts as, with all doubt about
    its labels; variance: of its support, from labelling; reading: what it was read with, None for people's labels.
    """

    study_id: str
    publication: Publication
    tier: str
    direction: str
    agrees: bool | None
    group: str
    findings: tuple[Finding, ...]
    score: float
    worth: float = 1.0
    belongs: float = 1.0
    weight: float = 1.0
    variance: float = 0.0
    reading: Reading | None = None


def direction_of(findings: Iterable[Finding]) -> str:
    """The direction of one publication's matching findings: their common one, else mixed."""
    found = {finding.direction for finding in findings}
    return found.pop() if len(found) == 1 else MIXED


def agreement(direction: str, expect: str) -> bool | None:
    """Whether a direction is the expected one; None for mixed, unless mixed is what is expected."""
    return True if direction == expect else None if direction == MIXED else False


def score_of(direction: str, expect: str, rules: Rules) -> float:
    """Support of a direction for the expected one: 1, or what `mixed` counts, or 0."""
    return 1.0 if direction == expect else rules.block.mixed_counts if direction == MIXED else 0.0


def _credited(finding: Finding, rules: Rules) -> Finding:
    same = finding.outcome in rules.block.no_effect_is_benefit and finding.direction == "no_effect"
    return replace(finding, direction="benefit") if same else finding


def cast(
    matches: Sequence[Match], expect: str, studies: Studies, rules: Rules, labelling: Labelling | None = None
) -> list[Vote]:
    """One vote a study: the newest matching publication of its strongest tier speaks; in the order of study ids."""
    return as_read(speakers(candidate_votes(matches, expect, studies, rules)), expect, rules, labelling)


def candidate_votes(matches: Sequence[Match], expect: str, studies: Studies, rules: Rules) -> list[Vote]:
    """What each publication would vote, sorted so that the first of a study speaks for it."""
    order = {tier.tier: place for place, tier in enumerate(rules.block.tiers)}
    votes = [_vote(studies.of(match.publication).id, match, expect, rules) for match in matches]
    return sorted(votes, key=lambda one: (one.study_id, order[one.tier], *newest_first(one.publication)))


def speakers(sorted_votes: Iterable[Vote]) -> list[Vote]:
    """The first vote of every study."""
    first: dict[str, Vote] = {}
    for vote in sorted_votes:
        first.setdefault(vote.study_id, vote)
    return list(first.values())


def _vote(study_id: str, match: Match, expect: str, rules: Rules) -> Vote:
    credited = direction_of(_credited(finding, rules) for finding in match.findings)
    return Vote(
        study_id=study_id,
        publication=match.publication,
        tier=match.tier,
        direction=direction_of(match.findings),
        agrees=agreement(credited, expect),
        group="+".join(sorted({finding.cell_type for finding in match.findings})) or "any",
        findings=match.findings,
        score=score_of(credited, expect, rules),
        belongs=match.p,
    )


def as_read(votes: Sequence[Vote], expect: str, rules: Rules, labelling: Labelling | None) -> list[Vote]:
    """The votes with the doubt of labels that a model gave; those labelled by people are unchanged.

    Studies of people and of models have mixes of directions of their own.
    """
    groups: dict[tuple[object, bool], list[int]] = defaultdict(list)
    if labelling is None:
        return list(votes)
    for index, vote in enumerate(votes):
        if any(finding.kind != "fact" for finding in vote.findings):
            groups[_kind(vote, rules)].append(index)
    out = list(votes)
    for key, indices in groups.items():
        group = [votes[index] for index in indices]
        strange = 1 - sum(vote.belongs for vote in group) / len(group)
        support = _support(expect, rules, credited=key[1])
        reading = labelling.reading([vote.direction for vote in group], strange, support)
        for index in indices:
            out[index] = _doubted(votes[index], reading)
    return out


def _kind(vote: Vote, rules: Rules) -> tuple[object, bool]:
    """Votes that are read together: of one scope, and alike in what no effect counts for."""
    credited = all(finding.outcome in rules.block.no_effect_is_benefit for finding in vote.findings)
    return rules.scope(vote.tier), credited


def _support(expect: str, rules: Rules, *, credited: bool) -> dict[str, float]:
    support = {name: score_of(name, expect, rules) for name in ("benefit", "no_effect", "harm", MIXED)}
    return {**support, "no_effect": support["benefit"]} if credited else support


def _doubted(vote: Vote, reading: Reading) -> Vote:
    chance, score, spread = reading.of[vote.direction]
    weight = vote.worth * chance
    return replace(vote, score=score, weight=weight, variance=weight * spread, reading=reading)


def review_votes(
    context: Sequence[Match],
    expect: str,
    rules: Rules,
    designs: Collection[str],
    labelling: Labelling | None = None,
) -> dict[str, list[Vote]]:
    """Systematic reviews by the tier they review, weighted so that pooled studies count as the least number needed.

    designs: those the claim admits; a review does not carry in studies that the claim leaves out.

    A review stands for people where it is of people alone, for models where it is of models alone, else for nothing.
    """
    by_tier: dict[str | None, list[Match]] = defaultdict(list)
    for match in context:
        tier = _reviewed(match.publication, rules) if match.tier == "systematic_review" else None
        if tier in designs and match.tier in designs:
            by_tier[tier].append(match)
    return {tier: _weighted(group, expect, rules, labelling) for tier, group in by_tier.items() if tier is not None}


def _reviewed(publication: Publication, rules: Rules) -> str | None:
    present = set(publication.populations)
    models = present & _HUMAN_ONLY_MISSING
    if models and present - models:
        return None
    if models:
        return "animal"
    text = publication.text.casefold()
    return "trial_controlled" if any(word in text for word in rules.block.review_of_controlled) else "observational"


def _weighted(group: Sequence[Match], expect: str, rules: Rules, labelling: Labelling | None) -> list[Vote]:
    pooled = any(_POOLED.search(match.publication.text) for match in group)
    weight = max(1.0, rules.block.minimum_studies / len(group)) if pooled else 1.0
    votes = [replace(_vote(match.publication.id, match, expect, rules), worth=weight, weight=weight) for match in group]
    return as_read(sorted(votes, key=lambda vote: vote.study_id), expect, rules, labelling)
