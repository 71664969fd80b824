"""From votes to tiers: the share of support of a tier's studies, with its interval, and what they say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from msminer.evidence.labelling import Reading
from msminer.evidence.rules import Rules
from msminer.evidence.statistics import Group, Share, pooled_share
from msminer.evidence.votes import Vote

Stance = Literal["supports", "against", "split", "too few", "source", "shown only"]


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


def tier_table(tier: str, scope: str, votes: Sequence[Vote], rules: Rules) -> TierTable:
    """A tier's studies, share and stance; `too few` below the rules' minimum."""
    share = pooled_share(_groups(votes), rules.block.pool)
    return TierTable(tier, scope, tuple(votes), share, stance_of(votes, share, rules))


def share_of(votes: Sequence[Vote], rules: Rules) -> Share:
    """The partially pooled share of support of the votes."""
    return pooled_share(_groups(votes), rules.block.pool)


def _groups(votes: Sequence[Vote]) -> list[Group]:
    """(support, studies, labelling variance) of each cell type; the doubt that all votes share stands in the first."""
    if not votes:
        return [(0.0, 0.0, 0.0)]
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for vote in votes:
        total = sums[vote.group]
        total[0] += vote.score * vote.weight
        total[1] += vote.weight
        total[2] += vote.variance
    (support, size, extra), *rest = [(s, n, v) for s, n, v in sums.values()]
    return [(support, size, extra + _imputed(votes)), *rest]


def _imputed(votes: Sequence[Vote]) -> float:
    """Variance of the support between imputations: who counts is drawn, and so is what stands behind the predictions.

    The first is that of independent draws; the second is common to all votes of one reading, so that it goes with the
    square of their number (Rubin 1987, Multiple Imputation for Nonresponse in Surveys, section 3.3).
    """
    read = [vote for vote in votes if vote.reading is not None]
    if not read:
        return 0.0
    total = sum(vote.weight for vote in votes)
    share = sum(vote.score * vote.weight for vote in votes) / total
    drawn = sum(vote.weight * (vote.worth - vote.weight) * (vote.score - share) ** 2 for vote in read)
    return drawn + sum(_common([vote for vote in read if vote.reading is one]) for one in _readings(read))


def _readings(votes: Sequence[Vote]) -> list[Reading]:
    return list({id(vote.reading): vote.reading for vote in votes if vote.reading is not None}.values())


def _common(votes: Sequence[Vote]) -> float:
    reading = votes[0].reading
    worth: dict[str, float] = defaultdict(float)
    for vote in votes:
        worth[vote.direction] += vote.worth
    return 0.0 if reading is None else sum(vote.weight for vote in votes) ** 2 * reading.doubt(worth)


def stance_of(votes: Sequence[Vote], share: Share, rules: Rules) -> Stance:
    """What the votes say together; docs/verdicts.md gives the limits, data/claims.yaml their reasons."""
    block = rules.block
    # A study read by a model weighs a little less than one; rounding keeps three good readings three studies.
    if round(sum(vote.weight for vote in votes)) < block.minimum_studies or not votes:
        return "too few"
    # A correction may take support away, never give it: what was read must say the same at face value.
    low, high = sorted((share.share, _at_face_value(votes, rules)))
    read = any(vote.reading is not None for vote in votes)
    sure = block.support_probability_read if read else block.support_probability
    if low >= block.support_share and share.above_half >= sure:
        return "supports"
    if high <= 1 - block.support_share and share.above_half <= 1 - block.support_probability:
        return "against"
    return "split" if disputed(votes, rules) else "too few"


def _at_face_value(votes: Sequence[Vote], rules: Rules) -> float:
    said = [1.0 if vote.agrees else rules.block.mixed_counts if vote.agrees is None else 0.0 for vote in votes]
    return sum(one * vote.worth for one, vote in zip(said, votes, strict=True)) / sum(vote.worth for vote in votes)


def disputed(votes: Sequence[Vote], rules: Rules) -> bool:
    """Whether votes really disagree: enough on each side, a mixed one on both, or a controlled trial that does not."""
    support = sum(vote.agrees is not False for vote in votes)
    against = sum(vote.agrees is not True for vote in votes)
    trial = any(vote.tier == "trial_controlled" and vote.agrees is not True for vote in votes)
    return trial or min(support, against) >= rules.block.dispute_studies
