"""Scores of predicted labels against the gold, each with a bootstrap interval over abstracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from msminer.vocabulary import Vocabulary

Rows = Sequence[Mapping[str, Any]]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Measure = Callable[[Doubles], float]
MANY = ("cell_types", "populations", "routes")
RESAMPLES = 1_000
BINS = 10
# Classes with fewer examples than this say nothing in a macro mean.
FEWEST = 3


class Counts:
    """Hits, false and missed labels: abstracts x labels."""

    def __init__(self, truth: npt.NDArray[np.bool_], told: npt.NDArray[np.bool_]) -> None:
        self.hit = (truth & told).astype(float)
        self.false = (told & ~truth).astype(float)
        self.missed = (truth & ~told).astype(float)

    def f1(self, weight: Doubles) -> tuple[float, float, Doubles]:
        """Micro-F1, macro-F1 over labels with 3 or more, F1 of each label; weight: times each abstract counts."""
        hit, false, missed = weight @ self.hit, weight @ self.false, weight @ self.missed
        each = 2 * hit / np.maximum(2 * hit + false + missed, 1e-9)
        enough = (self.hit + self.missed).sum(axis=0) >= FEWEST
        micro = 2 * hit.sum() / max(2 * hit.sum() + false.sum() + missed.sum(), 1e-9)
        return float(micro), float(each[enough].mean()) if enough.any() else 0.0, each


def interval(measure: Measure, n: int, seed: int) -> dict[str, float]:
    """Value and 95% percentile bootstrap limits of a measure of abstract weights."""
    rng = np.random.default_rng(seed)
    drawn = [measure(rng.multinomial(n, np.full(n, 1 / n)).astype(float)) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"value": round(measure(np.ones(n)), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def score_all(gold: Rows, told: Rows, vocabulary: Vocabulary, seed: int, *, each: bool = True) -> dict[str, Any]:
    """Scores of every axis and of findings; gold and told hold the same abstracts in the same order."""
    n = len(gold)
    out: dict[str, Any] = {"abstracts": n}
    for axis in (*MANY, "study_design"):
        ids = vocabulary.ids(axis)
        out[axis] = _axis(Counts(_truth(gold, axis, ids), _told(told, axis, ids)), ids, n, seed, each)
    out["findings"] = _findings(gold, told, vocabulary, seed, each)
    return out


def _axis(counts: Counts, ids: Sequence[str], n: int, seed: int, each: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "micro_f1": interval(lambda w: counts.f1(w)[0], n, seed),
        "macro_f1": interval(lambda w: counts.f1(w)[1], n, seed),
    }
    if each:
        support = (counts.hit + counts.missed).sum(axis=0)
        out["each"] = {
            label: {**interval(lambda w, k=k: float(counts.f1(w)[2][k]), n, seed), "n": int(support[k])}  # type: ignore[misc]
            for k, label in enumerate(ids)
        }
    return out


def _truth(rows: Rows, axis: str, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    if axis == "study_design":
        return np.array([[row[axis] == i for i in ids] for row in rows], bool)
    return np.array([[i in row[axis] for i in ids] for row in rows], bool)


def _told(rows: Rows, axis: str, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    if axis == "study_design":
        return np.array([[bool(row[axis]) and row[axis]["label"] == i for i in ids] for row in rows], bool)
    return np.array([[i in {e["label"] for e in row[axis]} for i in ids] for row in rows], bool)


def _by_outcome(row: Mapping[str, Any]) -> dict[str, str]:
    return {finding["outcome"]: finding["direction"] for finding in row["findings"]}


@dataclass(frozen=True)
class _Findings:
    """Findings of abstracts compared: outcomes, outcomes with their direction, and the directions of shared outcomes as
    (abstract, gold direction, told direction).
    """

    outcome: Counts
    joint: Counts
    shared: Ints


def _compared(gold: Rows, told: Rows, vocabulary: Vocabulary) -> _Findings:
    outcomes, directions = vocabulary.ids("outcomes"), vocabulary.ids("directions")
    real, said = [_by_outcome(g) for g in gold], [_by_outcome(t) for t in told]
    outcome = Counts(
        np.array([[o in r for o in outcomes] for r in real], bool),
        np.array([[o in s for o in outcomes] for s in said], bool),
    )
    pairs = [(o, d) for o in outcomes for d in directions]
    joint = Counts(
        np.array([[r.get(o) == d for o, d in pairs] for r in real], bool),
        np.array([[s.get(o) == d for o, d in pairs] for s in said], bool),
    )
    shared = [
        (k, directions.index(r[o]), directions.index(s[o]))
        for k, (r, s) in enumerate(zip(real, said, strict=True))
        for o in r
        if o in s
    ]
    return _Findings(outcome, joint, np.array(shared, np.int64).reshape(-1, 3))


def _findings(gold: Rows, told: Rows, vocabulary: Vocabulary, seed: int, each: bool) -> dict[str, Any]:
    n, outcomes, directions = len(gold), vocabulary.ids("outcomes"), vocabulary.ids("directions")
    found = _compared(gold, told, vocabulary)
    by_direction = _macro(np.ones(n), found.shared, len(directions))[1]
    return {
        "outcome": _axis(found.outcome, outcomes, n, seed, each),
        "outcome_and_direction": {"micro_f1": interval(lambda w: found.joint.f1(w)[0], n, seed)},
        "direction": {
            "accuracy": interval(lambda w: _accuracy(w, found.shared), n, seed),
            "macro_f1": interval(lambda w: _macro(w, found.shared, len(directions))[0], n, seed),
            "each": {d: round(float(by_direction[k]), 4) for k, d in enumerate(directions)},
            "n": len(found.shared),
        },
        "at_coverage": at_coverage(gold, told),
    }


def measures(gold: Rows, told: Rows, vocabulary: Vocabulary) -> dict[str, Measure]:
    """The measures that bars are set for, each a function of how often every abstract counts: "axis measure" → it."""
    found, n = _compared(gold, told, vocabulary), len(vocabulary.ids("directions"))
    axes = {}
    for axis in (*MANY, "study_design"):
        ids = vocabulary.ids(axis)
        axes[axis] = Counts(_truth(gold, axis, ids), _told(told, axis, ids))
    return {
        "cell_types micro_f1": lambda w: axes["cell_types"].f1(w)[0],
        "cell_types macro_f1": lambda w: axes["cell_types"].f1(w)[1],
        "populations micro_f1": lambda w: axes["populations"].f1(w)[0],
        "routes micro_f1": lambda w: axes["routes"].f1(w)[0],
        "study_design micro_f1": lambda w: axes["study_design"].f1(w)[0],
        "study_design macro_f1": lambda w: axes["study_design"].f1(w)[1],
        "findings.outcome micro_f1": lambda w: found.outcome.f1(w)[0],
        "findings.direction accuracy": lambda w: _accuracy(w, found.shared),
        "findings.direction macro_f1": lambda w: _macro(w, found.shared, n)[0],
        "findings.outcome_and_direction micro_f1": lambda w: found.joint.f1(w)[0],
    }


def differences(gold: Rows, one: Rows, other: Rows, vocabulary: Vocabulary, seed: int) -> dict[str, dict[str, float]]:
    """Measure → other minus one on the same abstracts, with 95% limits of the paired bootstrap."""
    before, after = measures(gold, one, vocabulary), measures(gold, other, vocabulary)
    return {
        name: interval(lambda w, name=name: after[name](w) - before[name](w), len(gold), seed)  # type: ignore[misc]
        for name in before
    }


def _accuracy(weight: Doubles, shared: Ints) -> float:
    counted = weight[shared[:, 0]]
    return float((counted * (shared[:, 1] == shared[:, 2])).sum() / max(counted.sum(), 1e-9))


def _macro(weight: Doubles, shared: Ints, k: int) -> tuple[float, Doubles]:
    w, each = weight[shared[:, 0]], np.zeros(k)
    for d in range(k):
        hit = (w * ((shared[:, 1] == d) & (shared[:, 2] == d))).sum()
        each[d] = 2 * hit / max((w * (shared[:, 1] == d)).sum() + (w * (shared[:, 2] == d)).sum(), 1e-9)
    return float(each.mean()), each


def finding_chances(gold: Rows, told: Rows) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """Chance p of every predicted finding, and whether outcome and direction are right."""
    chances, right = [], []
    for truth, row in zip(gold, told, strict=True):
        real = _by_outcome(truth)
        for finding in row["findings"]:
            chances.append(finding["p"])
            right.append(real.get(finding["outcome"]) == finding["direction"])
    return np.array(chances, float), np.array(right, bool)


def at_coverage(gold: Rows, told: Rows) -> list[dict[str, float]]:
    """Precision of outcome and direction among the surest predicted findings, and F1 over all gold findings."""
    chances, right = finding_chances(gold, told)
    order = np.argsort(-chances, kind="stable")
    total = sum(len(_by_outcome(g)) for g in gold)
    out = []
    for share in (0.1, 0.25, 0.5, 0.75, 1.0):
        kept = order[: max(1, round(len(order) * share))] if len(order) else order
        hit = float(right[kept].sum())
        out.append(
            {
                "coverage": share,
                "findings": len(kept),
                "precision": round(hit / max(len(kept), 1), 4),
                "f1": round(2 * hit / max(len(kept) + total, 1), 4),
            }
        )
    return out


def reliability(chances: Doubles, right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Brier score, expected calibration error (10 equal bins) and the curve: mean p, share right, n per bin.

    ece_by_chance: what so many probabilities would show if all were exactly right, as mean and 95th percentile of
    500 draws: a smaller error cannot be told from none.
    """
    if not len(chances):
        return {"n": 0, "brier": None, "ece": None, "ece_by_chance": None, "curve": []}
    bins = np.minimum((chances * BINS).astype(int), BINS - 1)
    curve = [
        {
            "p": round(float(chances[bins == b].mean()), 4),
            "right": round(float(right[bins == b].mean()), 4),
            "n": int((bins == b).sum()),
        }
        for b in range(BINS)
        if (bins == b).any()
    ]
    drawn = np.random.default_rng(0).random((500, len(chances))) < chances
    by_chance = [_ece(chances, draw, bins) for draw in drawn]
    return {
        "n": len(chances),
        "brier": round(float(((chances - right) ** 2).mean()), 4),
        "ece": round(_ece(chances, right, bins), 4),
        "ece_by_chance": [round(float(np.mean(by_chance)), 4), round(float(np.percentile(by_chance, 95)), 4)],
        "curve": curve,
    }


def _ece(chances: Doubles, right: npt.NDArray[np.bool_], bins: Ints) -> float:
    return float(np.abs(np.bincount(bins, chances - right, BINS)).sum() / len(chances))


def calibration(gold: Rows, told: Rows) -> dict[str, Any]:
    """Reliability of the probabilities that are given with decided labels, per axis and of findings."""
    out = {}
    for axis in MANY:
        pairs = [(e["p"], e["label"] in g[axis]) for g, t in zip(gold, told, strict=True) for e in t[axis]]
        out[axis] = reliability(np.array([p for p, _ in pairs], float), np.array([r for _, r in pairs], bool))
    designs = [
        (t["study_design"]["p"], t["study_design"]["label"] == g["study_design"])
        for g, t in zip(gold, told, strict=True)
        if t["study_design"]
    ]
    out["study_design"] = reliability(np.array([p for p, _ in designs], float), np.array([r for _, r in designs], bool))
    out["findings"] = reliability(*finding_chances(gold, told))
    return out
