"""How much a record's labels would narrow the intervals of verdicts and trends.

The score of a record is the sum, over the series it serves, of how much their 95% intervals would narrow if its labels
were certain. A series is a claim in one tier of evidence, or a trend (cell type × outcome × population group). In a
series of expected size m and share s, with every study in it by its probability r (finding × cell type × population ×
design), the variance of the share is taken as

    V = s (1 - s) / m  +  sum of r (1 - r) / m²

the first part from there being m studies, the second from labelling: a wrong label moves the count by at most one.
Reading a record takes its r (1 - r) away, so the interval of half width 1.96 √V narrows by

    1.96 (√V - √(V - r (1 - r) / m²))

with a half width of at most one half, since a share lies between 0 and 1. Of a claim's tiers count the one that
decides (the strongest with enough studies) and every stronger one, since the weaker cannot change the verdict.
Uncertain records of small, strong tiers that many claims rest on come first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from msminer.evidence.claims import Claim, Register
from msminer.evidence.matching import Matcher, matches_population
from msminer.evidence.publications import Finding, Publication
from msminer.vocabulary import NONE

_Z = 1.959964
# A record whose design the classifier left open may be any study; it is placed, with even chances, at the weakest
# design that may back a claim about people.
UNDECIDED, ASSUMED = "unknown", "observational"


@dataclass(frozen=True)
class Member:
    """One record's part in one series: the chance that it belongs, and whether its direction is the counted one."""

    pmid: str
    r: float
    counted: bool


Certainty = Mapping[tuple[str, str, str], float]
Series = dict[tuple[str, ...], list[Member]]


def narrowing(members: Sequence[Member]) -> dict[str, float]:
    """PMID → how much the 95% interval of the series' share narrows once that record's labels are certain.

    In points of share, 0 to 100. Members without uncertainty narrow nothing. A series of less than one expected study
    counts as one, so that what may not exist does not weigh more than what does.
    """
    total = sum(member.r for member in members)
    m = max(1.0, total)
    share = sum(member.r for member in members if member.counted) / total if total else 0.0
    parts = {member.pmid: member.r * (1 - member.r) / m**2 for member in members}
    variance = share * (1 - share) / m + sum(parts.values())
    return {pmid: 100 * (_half_width(variance) - _half_width(variance - part)) for pmid, part in parts.items()}


def _half_width(variance: float) -> float:
    return min(0.5, _Z * math.sqrt(max(0.0, variance)))


def claim_series(publications: Iterable[Publication], certainty: Certainty, register: Register) -> Series:
    """(claim, tier) → members, for the tiers that could decide the claim; mention claims pool their tiers."""
    rows = list(publications)
    open_rules = register.with_rules(minimum_probability=0.0).rules
    out: Series = {}
    for claim in register.claims:
        if claim.check in {"figure", "citation"} or not claim.outcome:
            continue
        tiers: dict[str, list[Member]] = defaultdict(list)
        for match in Matcher(claim, open_rules, register.vocabulary).run(rows).primary:
            tier = "any" if claim.check == "mention" else match.tier
            tiers[tier].append(_member(match.publication, match.findings, certainty, claim.expect))
        out |= {(claim.id, tier): tiers[tier] for tier in _deciding(tiers, claim, register)}
    return out


def trend_series(publications: Iterable[Publication], certainty: Certainty, register: Register) -> Series:
    """(cell type rolled up, outcome, population group) → members; the share is that of benefit.

    The groups are people with MS and models of MS, which the claims are about. Fewer expected studies than the rules'
    minimum make no trend; nor do drugs (cell type none).
    """
    out: Series = defaultdict(list)
    words = register.vocabulary
    for publication in publications:
        groups = [one for one in ("ms", "animal_model") if matches_population([one], publication.populations, words)]
        for finding in publication.findings:
            member = _member(publication, (finding,), certainty, "benefit")
            cells = words.with_parents([finding.cell_type]) - {NONE}
            for cell, group in product(cells, groups):
                out[(cell, finding.outcome, group)].append(member)
    least = register.rules.block.minimum_studies
    return {key: members for key, members in out.items() if sum(member.r for member in members) >= least}


def placed(publication: Publication) -> Publication:
    """The record at the design it is assumed to have where the classifier left it open."""
    return replace(publication, study_design=ASSUMED) if publication.study_design == UNDECIDED else publication


def _deciding(tiers: Mapping[str, Sequence[Member]], claim: Claim, register: Register) -> list[str]:
    if claim.check == "mention":
        return list(tiers)
    rules = register.rules
    human, model = (list(rules.tiers(scope)) for scope in ("human", "model"))
    enough = [tier for tier in human + model if sum(m.r for m in tiers.get(tier, ())) >= rules.block.minimum_studies]
    last = (human + model).index(enough[0]) if enough else len(human + model) - 1
    return [tier for tier in (human + model)[: last + 1] if tier in tiers]


def _member(publication: Publication, findings: Sequence[Finding], certainty: Certainty, expect: str) -> Member:
    pmid = str(publication.pmid)
    best = max(findings, key=lambda finding: finding.p)
    axes = (
        ("cell_types", [best.cell_type]),
        ("populations", publication.populations),
        ("study_design", [publication.study_design]),
    )
    r = best.p * math.prod(
        max((certainty.get((pmid, axis, label), 1.0) for label in found), default=1.0) for axis, found in axes
    )
    return Member(pmid, r, expect in {"present", best.direction})
