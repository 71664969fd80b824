"""Verdicts on mentions: whether the literature says a thing at all, by independent sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from msminer.evidence.claims import Claim
from msminer.evidence.direction import BACKED, INSUFFICIENT, MODELS_ONLY, UNSURE
from msminer.evidence.matching import Match
from msminer.evidence.rules import Rules
from msminer.evidence.studies import Studies, newest_first

_MODELS = frozenset({"animal_model", "eae", "toxic_demyelination", "dysmyelination", "none"})


@dataclass(frozen=True)
class Source:
    """One independent source of a mention: a study, or a review by itself. p: chance that it says so."""

    id: str
    match: Match
    human: bool
    solid: bool
    p: float


def sources_of(matches: Sequence[Match], studies: Studies, rules: Rules) -> list[Source]:
    """One source a study; the newest of its strongest design stands for it. Reviews are sources of their own."""
    best: dict[str, Match] = {}
    for match in sorted(matches, key=lambda one: (_rank(one.tier, rules), *newest_first(one.publication))):
        best.setdefault(studies.of(match.publication).id, match)
    return [_source(name, match, rules) for name, match in sorted(best.items())]


def _rank(tier: str, rules: Rules) -> int:
    order = [one.tier for one in rules.block.tiers] + list(rules.block.context)
    return order.index(tier)


def _source(name: str, match: Match, rules: Rules) -> Source:
    primary = rules.scope(match.tier) == "human"
    populations = set(match.publication.populations)
    context = match.tier in rules.block.context and bool(populations - _MODELS)
    p = match.p * max((finding.p for finding in match.findings), default=1.0)
    return Source(name, match, primary or context, primary and rules.may_back(match.tier), p)


def rule_mention(claim: Claim, sources: Sequence[Source], rules: Rules) -> tuple[str, str]:
    """Verdict and the rule that gave it: enough sources, people among them where the claim is about people."""
    missing = [route for route in claim.routes if not any(route in one.match.publication.routes for one in sources)]
    if missing:
        return INSUFFICIENT, f"no study used this route: {', '.join(missing)}"
    if not _enough(claim, sources, rules):
        return INSUFFICIENT, _too_few(claim, sources, rules)
    if claim.about == "people" and not _enough(claim, [one for one in sources if one.human], rules):
        return MODELS_ONLY, "enough papers say so, but too few of them are on people"
    return BACKED, "the literature says so"


def counted(claim: Claim, sources: Sequence[Source], verdict: str) -> list[Source]:
    """Sources that a verdict rests on: all, but for a backed claim about people those on people alone."""
    people = verdict == BACKED and claim.about == "people"
    return [one for one in sources if one.human or not people]


def _too_few(claim: Claim, sources: Sequence[Source], rules: Rules) -> str:
    if not sources:
        return "no paper among the records says so"
    as_read = [replace(one, p=1.0) for one in sources]
    return UNSURE if _enough(claim, as_read, rules) else "too few papers say so"


def _enough(claim: Claim, sources: Sequence[Source], rules: Rules) -> bool:
    block = rules.block
    if not claim.outcome:
        return at_least(block.mention_records, [one.p for one in sources]) >= block.mention_probability
    solid = at_least(block.mention_solid, [one.p for one in sources if one.solid])
    return max(solid, at_least(block.mention_sources, [one.p for one in sources])) >= block.mention_probability


def at_least(count: int, chances: Sequence[float]) -> float:
    """Probability that at least `count` of independent events happen (Poisson binomial, by convolution)."""
    fewer = np.zeros(count)
    fewer[0] = 1.0
    for p in chances:
        fewer = fewer * (1 - p) + np.concatenate(([0.0], fewer[:-1])) * p
    return float(1.0 - fewer.sum())
