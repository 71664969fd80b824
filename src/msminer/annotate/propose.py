"""Which records to read next: those that narrow the intervals most, those with rare labels, and a fair sample."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from msminer.annotate.project import Project, Proposal
from msminer.annotate.series import ASSUMED, UNDECIDED, Certainty, claim_series, narrowing, placed, trend_series
from msminer.errors import UsageError
from msminer.evidence.claims import Register
from msminer.evidence.publications import Publication

if TYPE_CHECKING:
    import pandas as pd

# Of five records three narrow intervals, one holds rare labels, one is drawn at random. A choice, not a measurement
# (2026-11): without the random fifth no share could be estimated from the readings, without the rare fifth the labels
# that the classifier knows least would stay unread.
SHARES = {"narrowing": 0.6, "rare": 0.2}


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
    they stay a fair sample; for the same reason a place that another draw cannot fill stays empty. Raises UsageError
    for the sample's records: their abstracts are digests, and labels of a digest are no gold.
    """
    if any(finding.kind == "digest" for publication in publications for finding in publication.findings):
        raise UsageError("the sample's abstracts are digests; annotate the records of another source")
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
        (str(one.pmid), "study_design", ASSUMED): 0.5 for one in publications if one.study_design == UNDECIDED
    }
    chosen += _narrowing(
        [placed(one) for one in publications], certainty, register, quota["narrowing"], open_.keys() - taken
    )
    taken |= {proposal.pmid for proposal in chosen}
    chosen += _rare([open_[pmid] for pmid in sorted(open_.keys() - taken)], rows, certainty, quota["rare"])
    dice.shuffle(chosen)
    return chosen


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


def _narrowing(
    publications: Sequence[Publication],
    certainty: Certainty,
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


def _largest(parts: Mapping[str, float]) -> str:
    three = sorted(parts, key=lambda name: -parts[name])[:3]
    return "; ".join(f"{name}: {parts[name]:.2f}" for name in three)


def _certainties(labels: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    columns = (labels[name] for name in ("pmid", "axis", "label", "p"))
    return {(pmid, axis, label): float(p) for pmid, axis, label, p in zip(*columns, strict=True)}


def _rare(
    publications: Sequence[Publication],
    gold: Sequence[Mapping[str, Any]],
    certainty: Certainty,
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


def _expected(publication: Publication, certainty: Certainty) -> dict[str, float]:
    axes = {
        "cell_types": publication.cell_types,
        "populations": publication.populations,
        "routes": publication.routes,
        "study_design": tuple({publication.study_design} - {UNDECIDED}),
    }
    found = {
        f"{axis} {label}": certainty.get((str(publication.pmid), axis, label), 1.0)
        for axis, names in axes.items()
        for label in names
    }
    return found | {f"{finding.outcome} {finding.direction}": finding.p for finding in publication.findings}
