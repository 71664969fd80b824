"""Which records to read next: those whose labels would narrow the intervals of verdicts and trends most.

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
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from msminer.annotate.project import Project, Proposal
from msminer.evidence.claims import Claim, Register
from msminer.evidence.matching import Matcher
from msminer.evidence.publications import Finding, Publication

if TYPE_CHECKING:
    import pandas as pd

# Of five records three narrow intervals, one holds rare labels, one is drawn at random. A choice, not a measurement
# (2026-11): without the random fifth no share could be estimated from the readings, without the rare fifth the labels
# that the classifier knows least would stay unread.
SHARES = {"narrowing": 0.6, "rare": 0.2}
_Z = 1.959964
# A record whose design the classifier left open may be any study; it is placed, with even chances, at the weakest
# design that may back a claim about people.
_UNDECIDED, _ASSUMED = "unknown", "observational"


@dataclass(frozen=True)
class Member:
    """One record's part in one series: the chance that it belongs, and whether its direction is the counted one."""

    pmid: str
    r: float
    counted: bool


Series = dict[tuple[str, ...], list[Member]]


def propose(
    publications: Sequence[Publication],
    labels: pd.DataFrame,
    register: Register,
    *,
    n: int,
    seed: int,
    gold: Iterable[Mapping[str, Any]] = (),
    exclude: frozenset[str] = frozenset(),
) -> list[Proposal]:
    """Up to n proposals in shuffled order, so that neither place nor order tells a reader why a record is there.

    publications: with findings and their p; labels: the table of schema.LABELS; gold: rows already labelled, left out
    like `exclude` and counted to know which labels are rare. Records drawn at random are drawn first and from all, so
    they stay a fair sample. Fewer candidates than places in one draw leave more to the random one.
    """
    rows = list(gold)
    done = exclude | {str(row["pmid"]) for row in rows}
    open_ = {pub.pmid: pub for pub in publications if pub.pmid is not None and pub.pmid not in done}
    dice = random.Random(seed)  # noqa: S311 - a draw, no secret
    order = dice.sample(sorted(open_), len(open_))
    quota = {draw: round(n * share) for draw, share in SHARES.items()}
    fair = order[: max(0, n - sum(quota.values()))]
    taken = set(fair)
    chosen = [Proposal(pmid=pmid, draw="random", score=0.0, why="") for pmid in fair]
    certainty = _certainties(labels) | {
        (str(one.pmid), "study_design", _ASSUMED): 0.5 for one in publications if one.study_design == _UNDECIDED
    }
    chosen += _narrowing(
        [_placed(one) for one in publications], certainty, register, quota["narrowing"], open_.keys() - taken
    )
    taken |= {proposal.pmid for proposal in chosen}
    chosen += _rare([open_[pmid] for pmid in sorted(open_.keys() - taken)], rows, certainty, quota["rare"])
    taken |= {proposal.pmid for proposal in chosen}
    spare = [pmid for pmid in order if pmid not in taken][: max(0, n - len(chosen))]
    chosen += [Proposal(pmid=pmid, draw="random", score=0.0, why="") for pmid in spare]
    dice.shuffle(chosen)
    return chosen[:n]


def fill_queue(
    folder: Path,
    publications: Sequence[Publication],
    labels: pd.DataFrame,
    register: Register,
    *,
    n: int,
    seed: int,
    gold: Iterable[Mapping[str, Any]] = (),
) -> int:
    """Propose records that the round's folder does not hold yet, add them to its queue; returns how many were added."""
    project = Project(folder)
    known = frozenset(proposal.pmid for proposal in project.queue())
    return project.add(propose(publications, labels, register, n=n, seed=seed, gold=gold, exclude=known))


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


def claim_series(
    publications: Iterable[Publication], certainty: Mapping[tuple[str, str, str], float], register: Register
) -> Series:
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


def trend_series(
    publications: Iterable[Publication], certainty: Mapping[tuple[str, str, str], float], register: Register
) -> Series:
    """(cell type rolled up, outcome, population group) → members; the share is that of benefit."""
    out: Series = defaultdict(list)
    parents, groups = register.vocabulary.with_parents, ("ms", "animal_model", "other_disease")
    for publication in publications:
        populations = parents(publication.populations)
        for finding in publication.findings:
            for cell in parents([finding.cell_type]):
                member = _member(publication, (finding,), certainty, "benefit")
                for group in populations.intersection(groups):
                    out[(cell, finding.outcome, group)].append(member)
    return dict(out)


def _narrowing(
    publications: Sequence[Publication],
    certainty: Mapping[tuple[str, str, str], float],
    register: Register,
    n: int,
    allowed: set[str],
) -> list[Proposal]:
    gains: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    series = claim_series(publications, certainty, register) | trend_series(publications, certainty, register)
    for key, members in series.items():
        for pmid, gain in narrowing(members).items():
            gains[pmid][" ".join(key)] += gain
    scores = {pmid: sum(parts.values()) for pmid, parts in gains.items() if pmid in allowed}
    best = sorted((pmid for pmid, score in scores.items() if score > 0), key=lambda pmid: (-scores[pmid], pmid))[:n]
    return [Proposal(pmid=pmid, draw="narrowing", score=scores[pmid], why=_largest(gains[pmid])) for pmid in best]


def _placed(publication: Publication) -> Publication:
    return replace(publication, study_design=_ASSUMED) if publication.study_design == _UNDECIDED else publication


def _largest(parts: Mapping[str, float]) -> str:
    three = sorted(parts, key=lambda name: -parts[name])[:3]
    return "; ".join(f"{name}: {parts[name]:.2f}" for name in three)


def _deciding(tiers: Mapping[str, Sequence[Member]], claim: Claim, register: Register) -> list[str]:
    if claim.check == "mention":
        return list(tiers)
    rules = register.rules
    human, model = (list(rules.tiers(scope)) for scope in ("human", "model"))
    enough = [tier for tier in human + model if sum(m.r for m in tiers.get(tier, ())) >= rules.block.minimum_studies]
    last = (human + model).index(enough[0]) if enough else len(human + model) - 1
    return [tier for tier in (human + model)[: last + 1] if tier in tiers]


def _member(
    publication: Publication, findings: Sequence[Finding], certainty: Mapping[tuple[str, str, str], float], expect: str
) -> Member:
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


def _certainties(labels: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    columns = (labels[name] for name in ("pmid", "axis", "label", "p"))
    return {(pmid, axis, label): float(p) for pmid, axis, label, p in zip(*columns, strict=True)}


def _rare(
    publications: Sequence[Publication],
    gold: Sequence[Mapping[str, Any]],
    certainty: Mapping[tuple[str, str, str], float],
    n: int,
) -> list[Proposal]:
    """The records with the rarest labels, one after the other, each counted as an example once it is chosen."""
    seen = Counter(name for row in gold for name in _names(row))
    held = [_expected(publication, certainty) for publication in publications]
    names = sorted({name for one in held for name in one})
    place = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(held), len(names)))
    for row, one in enumerate(held):
        for name, p in one.items():
            matrix[row, place[name]] = p
    counts = np.array([float(seen[name]) for name in names])
    out: list[Proposal] = []
    for _ in range(min(n, len(held))):
        scores = matrix @ (1 / (1 + counts))
        row = int(np.argmax(scores))
        if scores[row] <= 0:
            break
        rarest = min(held[row], key=lambda name: counts[place[name]])
        out.append(Proposal(pmid=str(publications[row].pmid), draw="rare", score=float(scores[row]), why=rarest))
        counts += matrix[row]
        matrix[row] = 0
    return out


def _names(row: Mapping[str, Any]) -> Iterable[str]:
    """Labels of a gold row: those of its axes, and outcome with direction."""
    yield from (f"{axis} {label}" for axis in ("cell_types", "populations", "routes") for label in row[axis])
    yield f"study_design {row['study_design']}"
    yield from (f"{finding['outcome']} {finding['direction']}" for finding in row["findings"])


def _expected(publication: Publication, certainty: Mapping[tuple[str, str, str], float]) -> dict[str, float]:
    axes = {
        "cell_types": publication.cell_types,
        "populations": publication.populations,
        "routes": publication.routes,
        "study_design": (publication.study_design,),
    }
    found = {
        f"{axis} {label}": certainty.get((str(publication.pmid), axis, label), 1.0)
        for axis, names in axes.items()
        for label in names
    }
    return found | {f"{finding.outcome} {finding.direction}": finding.p for finding in publication.findings}
