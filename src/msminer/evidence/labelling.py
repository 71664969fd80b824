"""The classifier's errors as chances: how likely each true direction is behind a predicted one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from msminer.evidence.publications import Publication
from msminer.evidence.votes import Labelling

# Added to every cell of the confusion table: a mistake never seen there is rare, not impossible (Jeffreys' half).
_HALF = 0.5
# The gold's name for a predicted finding whose outcome it does not have.
SPURIOUS = "none"
_STEPS = 100
# Findings of the corpus that the gold's mix is worth: rows that look alike to the classifier (mixed and benefit) would
# else let a few findings decide between them.
_GOLD_WORTH = 100.0


def labelling_from(errors: Mapping[str, Any] | None, publications: Iterable[Publication]) -> Labelling | None:
    """The chances behind each predicted direction in these publications; None without errors (labelled by people).

    errors: data/model/errors.json; findings.direction holds counts, gold direction → predicted direction, out of
    fold, the gold direction `none` where the finding is not one. The chance of a prediction given the truth is the
    gold's; how often each direction is true is that of the corpus at hand, found by the steps of Saerens, Latinne and
    Decaestecker (2002, Neural Computation 14:21), so that a corpus of another mix than the gold's is not pulled
    towards it.
    """
    if not errors:
        return None
    table: Mapping[str, Mapping[str, float]] = errors["findings"]["direction"]
    names = [name for name in table if name != SPURIOUS]
    seen = [finding.direction for row in publications for finding in row.findings if finding.kind != "fact"]
    counts = np.array([seen.count(name) for name in names], dtype=float)
    matrix = np.array([[float(table[gold].get(name, 0)) + _HALF for name in names] for gold in names])
    chance = matrix / matrix.sum(axis=1, keepdims=True)
    prior = _mix(chance, counts, matrix.sum(axis=1))
    behind = chance * prior[:, None]
    behind /= behind.sum(axis=0, keepdims=True)
    truth = {p: {g: float(behind[row, column]) for row, g in enumerate(names)} for column, p in enumerate(names)}
    return Labelling(truth, _real(table, names), dict(zip(names, matrix.sum(axis=0).tolist(), strict=True)))


def _mix(chance: np.ndarray, counts: np.ndarray, gold: np.ndarray) -> np.ndarray:
    prior = np.asarray(gold / gold.sum())
    before = _GOLD_WORTH * prior
    for _ in range(_STEPS):
        behind = chance * prior[:, None]
        behind /= behind.sum(axis=0, keepdims=True)
        expected = (behind * counts[None, :]).sum(axis=1) + before
        prior = np.asarray(expected / expected.sum())
    return prior


def _real(table: Mapping[str, Mapping[str, float]], names: list[str]) -> float:
    true = sum(table[gold].get(name, 0) for gold in names for name in names)
    false = sum(table.get(SPURIOUS, {}).get(name, 0) for name in names)
    return float((true + _HALF) / (true + false + 2 * _HALF))
