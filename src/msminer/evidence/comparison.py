"""Verdicts on comparisons of two cell types, whose studies stand apart: the difference of two pooled shares."""

from __future__ import annotations

from collections.abc import Sequence

from msminer.evidence.direction import BACKED, CHALLENGED, CONTESTED, INSUFFICIENT, MODELS_ONLY, tables_of
from msminer.evidence.phrases import share
from msminer.evidence.rules import Rules
from msminer.evidence.statistics import chance_above
from msminer.evidence.tiers import TierTable, share_of
from msminer.evidence.votes import Vote


def rule_comparison(
    first: Sequence[Vote], second: Sequence[Vote], about: str, rules: Rules
) -> tuple[str, str, list[TierTable], list[TierTable]]:
    """Verdict, why, and the tiers of both sides.

    In people first, in models where people lack studies on either side. Each side needs the least number of studies;
    the first must be above the second with the rules' probability and by the rules' difference.
    """
    tables = tables_of(first, {}, rules), tables_of(second, {}, rules)
    for scope, backed in (("human", BACKED), ("model", BACKED if about == "biology" else MODELS_ONLY)):
        sides = [[v for t in side if t.scope == scope and rules.may_back(t.tier) for v in t.votes] for side in tables]
        if min(len(side) for side in sides) >= rules.block.minimum_studies:
            verdict, why = _difference(sides[0], sides[1], backed, rules)
            return verdict, why, *tables
    return INSUFFICIENT, f"too few studies to set side by side, {len(first)} against {len(second)}", *tables


def _difference(first: Sequence[Vote], second: Sequence[Vote], backed: str, rules: Rules) -> tuple[str, str]:
    one, other = share_of(first, rules), share_of(second, rules)
    chance, gap = chance_above(one, other), one.share - other.share
    told = " against ".join(
        share(sum(vote.agrees is True for vote in side), len(side), estimate.share)
        for side, estimate in ((first, one), (second, other))
    )
    text = f"set side by side from separate studies, {told} support it"
    limit = rules.block.comparison_probability
    if chance >= limit and gap >= rules.block.comparison_difference:
        return backed, text
    return (CHALLENGED if chance <= 1 - limit else CONTESTED), text
