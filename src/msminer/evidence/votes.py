"""From matches to votes: one a study, each with its tier, direction and weight; and from votes to tiers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from msminer.evidence.labelling import Labelling
from msminer.evidence.matching import Match
from msminer.evidence.publications import Finding, Publication
from msminer.evidence.rules import Rules
from msminer.evidence.statistics import Group, Share, pooled_share
from msminer.evidence.studies import Studies, newest_first

Stance = Literal["supports", "against", "split", "too few", "shown only"]
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
    score: expected support, 0 to 1; weight: chance that it is a study at all; variance: of the score, from labelling;
    shared: its part that is the same for every study of that predicted direction.
    """

    study_id: str
    publication: Publication
    tier: str
    direction: str
    agrees: bool | None
    group: str
    findings: tuple[Finding, ...]
    score: float
    weight: float = 1.0
    variance: float = 0.0
    shared: float = 0.0


@dataclass(frozen=True)
class TierTable:
    """One tier's studies by direction, and its share of support."""

    tier: str
    scope: str
    votes: tuple[Vote, ...]
    share: Share
    stance: Stance

    def count(self, direction: str) -> int:
        """Studies with that direction."""
        return sum(vote.direction == direction for vote in self.votes)


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
    by_study: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        by_study[studies.of(match.publication).id].append(match)
    order = [tier.tier for tier in rules.block.tiers]
    out = []
    for study_id, group in sorted(by_study.items()):
        voice = min(group, key=lambda one: (order.index(one.tier), *newest_first(one.publication)))
        out.append(_vote(study_id, voice, expect, rules))
    return as_read(out, expect, rules, labelling)


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
    )


def as_read(votes: Sequence[Vote], expect: str, rules: Rules, labelling: Labelling | None) -> list[Vote]:
    """The votes with the doubt of labels that a model gave; those labelled by people are unchanged.

    Studies of people and of models have mixes of directions of their own.
    """
    read = [vote for vote in votes if any(finding.kind != "fact" for finding in vote.findings)]
    if labelling is None or not read:
        return list(votes)
    scopes = {rules.scope(vote.tier) for vote in read}
    truths = {one: labelling.behind([v.direction for v in read if rules.scope(v.tier) == one]) for one in scopes}
    known = {vote.study_id for vote in read}
    return [
        _doubted(vote, truths[rules.scope(vote.tier)][vote.direction], expect, rules, labelling)
        if vote.study_id in known
        else vote
        for vote in votes
    ]


def _doubted(vote: Vote, truth: Mapping[str, float], expect: str, rules: Rules, labelling: Labelling) -> Vote:
    chances = dict(truth)
    if all(finding.outcome in rules.block.no_effect_is_benefit for finding in vote.findings):
        chances["benefit"] = chances.get("benefit", 0.0) + chances.pop("no_effect", 0.0)
    score, variance = _expected(chances, expect, rules)
    shared = variance / (labelling.doubt.get(vote.direction, 0.0) + 1)
    weight = vote.weight * labelling.real
    return replace(vote, score=score, weight=weight, variance=weight * variance, shared=shared)


def _expected(truth: Mapping[str, float], expect: str, rules: Rules) -> tuple[float, float]:
    total = sum(truth.values())
    scores = [(p / total, score_of(name, expect, rules)) for name, p in truth.items()]
    mean = sum(p * score for p, score in scores)
    return mean, sum(p * (score - mean) ** 2 for p, score in scores)


def tier_table(tier: str, scope: str, votes: Sequence[Vote], rules: Rules) -> TierTable:
    """A tier's studies, share and stance; `too few` below the rules' minimum."""
    share = pooled_share(_groups(votes), rules.block.pool)
    return TierTable(tier, scope, tuple(votes), share, stance_of(votes, share, rules))


def share_of(votes: Sequence[Vote], rules: Rules) -> Share:
    """The partially pooled share of support of the votes."""
    return pooled_share(_groups(votes), rules.block.pool)


def _groups(votes: Sequence[Vote]) -> list[Group]:
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for vote in votes:
        total = sums[vote.group]
        total[0] += vote.score * vote.weight
        total[1] += vote.weight
        total[2] += vote.variance
    groups = [(s, n, v) for s, n, v in sums.values()]
    # What all studies of one predicted direction share does not average out: it goes with the square of their number.
    alike: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        alike[vote.direction].append(vote)
    common = sum(sum(vote.weight for vote in group) ** 2 * group[0].shared for group in alike.values())
    return [(0.0, 0.0, 0.0)] if not groups else [(groups[0][0], groups[0][1], groups[0][2] + common), *groups[1:]]


def stance_of(votes: Sequence[Vote], share: Share, rules: Rules) -> Stance:
    """What the votes say together; docs/verdicts.md gives the limits, data/claims.yaml their reasons."""
    block = rules.block
    # A study read by a model weighs a little less than one; rounding keeps three good readings three studies.
    if round(sum(vote.weight for vote in votes)) < block.minimum_studies or not votes:
        return "too few"
    if share.share >= block.support_share and share.above_half >= block.support_probability:
        return "supports"
    if share.share <= 1 - block.support_share and share.above_half <= 1 - block.support_probability:
        return "against"
    return "split" if disputed(votes, rules) else "too few"


def disputed(votes: Sequence[Vote], rules: Rules) -> bool:
    """Whether votes really disagree: enough on each side, a mixed one on both, or a controlled trial that does not."""
    support = sum(vote.agrees is not False for vote in votes)
    against = sum(vote.agrees is not True for vote in votes)
    trial = any(vote.tier == "trial_controlled" and vote.agrees is not True for vote in votes)
    return trial or min(support, against) >= rules.block.dispute_studies


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
    votes = [replace(_vote(match.publication.id, match, expect, rules), weight=weight) for match in group]
    return as_read(sorted(votes, key=lambda vote: vote.study_id), expect, rules, labelling)
