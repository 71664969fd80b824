"""Verdicts on claims of effect: from the votes of each tier to one word, with the tiers that decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msminer.evidence.rules import Rules
from msminer.evidence.tiers import Stance, TierTable, share_of, stance_of, tier_table
from msminer.evidence.votes import Vote

BACKED, MODELS_ONLY, CONTESTED = "backed", "backed in models only", "contested"
CHALLENGED, INSUFFICIENT = "challenged", "insufficient"
CONTROLLED = "trial_controlled"
UNSURE = "too uncertain to call, since a program read these abstracts and makes mistakes"
# Weaker tiers that mostly do not support what controlled trials do: tiers disagree, the definition of contested.
_HALF = 0.5


@dataclass(frozen=True)
class Ruling:
    """A verdict on a claim of effect, and how it came about.

    tiers: every tier with studies, strongest first; deciding: names of the tiers whose studies decided; why: the rule.
    """

    verdict: str
    tiers: tuple[TierTable, ...]
    deciding: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class _Side:
    """What one scope, people or models, says: its stance, the tiers that decided and why."""

    stance: Stance
    deciding: tuple[str, ...]
    why: str
    null_trials: int = 0
    good_trials: int = 0


def rule(votes: Sequence[Vote], reviews: Mapping[str, Sequence[Vote]], about: str, rules: Rules) -> Ruling:
    """The verdict of the votes of primary studies; systematic reviews (by tier) stand in for tiers without a study.

    about: people (evidence from models gives at most `backed in models only`) or biology.
    """
    tables = tables_of(votes, reviews, rules)
    people = _side([one for one in tables if one.scope == "human"], rules)
    models = _side([one for one in tables if one.scope == "model"], rules)
    verdict, deciding, why = _combine(people, models, about)
    return Ruling(verdict, tuple(tables), deciding, why)


def tables_of(votes: Sequence[Vote], reviews: Mapping[str, Sequence[Vote]], rules: Rules) -> list[TierTable]:
    """Every tier that has studies, or a review standing in, strongest first."""
    by_tier: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        by_tier[vote.tier].append(vote)
    out = []
    for tier in rules.block.tiers:
        present: Sequence[Vote] = by_tier.get(tier.tier) or reviews.get(tier.tier, ())
        if present:
            out.append(tier_table(tier.tier, tier.scope, present, rules))
    return out


def _side(tables: Sequence[TierTable], rules: Rules) -> _Side:
    able = [one for one in tables if rules.may_back(one.tier)]
    controlled = next((one for one in able if one.tier == CONTROLLED), None)
    null, good = _null_and_good(controlled)
    if controlled is not None and controlled.stance != "too few":
        return _controlled_decides(controlled, able[1:], rules, null, good)
    everything = [vote for table in able for vote in table.votes]
    whole = stance_of(everything, share_of(everything, rules), rules)
    if rules.block.null_controlled_vetoes and controlled is not None and whole == "supports" and (null or not good):
        why = "a controlled trial found no such effect" if null else "no controlled trial supports it"
        return _Side("split", tuple(one.tier for one in able), why, null, good)
    return _ladder(able, whole, rules, null, good)


def _null_and_good(controlled: TierTable | None) -> tuple[int, int]:
    votes = controlled.votes if controlled else ()
    return sum(vote.agrees is False for vote in votes), sum(vote.agrees is True for vote in votes)


def _controlled_decides(controlled: TierTable, below: Sequence[TierTable], rules: Rules, null: int, good: int) -> _Side:
    rest = [vote for table in below for vote in table.votes]
    # Doubt about the readings of weaker tiers must not silence their dissent: they count whole here.
    enough = round(sum(vote.worth for vote in rest)) >= rules.block.minimum_studies
    whole = share_of([*controlled.votes, *rest], rules).share
    if controlled.stance == "supports" and (whole <= _HALF or (enough and share_of(rest, rules).share < _HALF)):
        names = (CONTROLLED, *(table.tier for table in below))
        return _Side("split", names, "weaker kinds of study point the other way", null, good)
    if controlled.stance == "supports" and _largest_is_null(controlled, rules):
        return _Side("split", (CONTROLLED,), "the largest controlled trial does not support it", null, good)
    why = "controlled trials disagree" if controlled.stance == "split" else "controlled trials decide"
    return _Side(controlled.stance, (CONTROLLED,), why, null, good)


def _largest_is_null(controlled: TierTable, rules: Rules) -> bool:
    sized = [vote for vote in controlled.votes if vote.publication.n is not None]
    largest = max(sized, key=lambda vote: vote.publication.n or 0.0, default=None)
    return rules.block.largest_trial_vetoes and largest is not None and largest.agrees is False


def _ladder(able: Sequence[TierTable], whole: Stance, rules: Rules, null: int, good: int) -> _Side:
    """Down the tiers until there are enough studies; what is added below must not take the support away."""
    taken: list[Vote] = []
    names: list[str] = []
    for table in able:
        taken += table.votes
        names.append(table.tier)
        first = stance_of(taken, share_of(taken, rules), rules)
        if first == "too few":
            continue
        if first == whole != "split":
            why = (
                "most studies of the strongest kinds support it"
                if first == "supports"
                else "most studies do not support it"
            )
            return _Side(first, tuple(names), why, null, good)
        why = "studies disagree" if first == "split" else "stronger and weaker kinds of study disagree"
        return _Side("split", tuple(one.tier for one in able), why, null, good)
    return _Side("too few", tuple(names), _too_few(taken, rules), null, good)


def _too_few(votes: Sequence[Vote], rules: Rules) -> str:
    if len(votes) < rules.block.minimum_studies:
        return "too few studies"
    read = any(vote.weight != 1 for vote in votes)
    return UNSURE if read else "too few studies to settle it"


def _combine(people: _Side, models: _Side, about: str) -> tuple[str, tuple[str, ...], str]:
    if people.stance == "supports":
        return BACKED, people.deciding, people.why
    if people.stance == "against":
        return CHALLENGED, people.deciding, people.why
    if people.stance == "split":
        return CONTESTED, people.deciding, people.why
    return _from_models(people, models, about)


def _from_models(people: _Side, models: _Side, about: str) -> tuple[str, tuple[str, ...], str]:
    both = (*people.deciding, *models.deciding)
    if models.stance == "supports" and people.null_trials and not people.good_trials:
        return CONTESTED, both, "studies in animals or the dish support it, but a controlled trial in people does not"
    if models.stance == "supports":
        if about == "biology":
            return BACKED, models.deciding, "studies in animals or the dish support it"
        return (
            MODELS_ONLY,
            models.deciding,
            "studies in animals or the dish support it, but those in people are too few to tell",
        )
    if models.stance == "against":
        return CHALLENGED, models.deciding, "studies in animals or the dish speak against it"
    if models.stance == "split":
        return CONTESTED, models.deciding, "studies in animals or the dish disagree"
    unsure = next((side.why for side in (people, models) if side.why != "too few studies"), "too few studies")
    return INSUFFICIENT, both, unsure
