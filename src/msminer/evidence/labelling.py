"""The classifier's errors as chances: how likely each true direction is behind a predicted one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from msminer.evidence.publications import Publication

Rows = tuple[tuple[float, ...], ...]

# Added to every cell of the confusion table: a mistake never seen there is rare, not impossible (Jeffreys' half).
_HALF = 0.5
# The gold's name for a predicted finding whose outcome it does not have.
SPURIOUS = "none"
# The mix moves by less than 0.001 after 60 steps on the sample and on the gold (2026-11).
_STEPS = 100
# Findings of a corpus that the gold's mix is worth, and studies of a claim that the corpus's mix is worth: rows that
# look alike to the classifier (mixed and benefit) would else let a few findings decide between them.
_GOLD_WORTH, _CORPUS_WORTH = 100.0, 10.0


@dataclass(frozen=True)
class Labelling:
    """How predicted directions relate to true ones.

    names: directions, in the order of rows and columns; chance: row of the true direction → chance of each prediction;
    mix: how often each direction is true in the corpus; real: chance that a predicted finding is a finding of that
    outcome at all; doubt: gold findings behind each predicted direction.
    """

    names: tuple[str, ...]
    chance: Rows
    mix: tuple[float, ...]
    real: float
    doubt: Mapping[str, float]

    def behind(self, predicted: Sequence[str]) -> dict[str, dict[str, float]]:
        """Predicted direction → chance of each true one, in a group of studies with these predictions.

        The group's own mix of directions is found as the corpus's was, from the corpus's with the weight of 10 studies.
        """
        counts = tuple(float(sum(one == name for one in predicted)) for name in self.names)
        table = _behind(self.chance, _adapted(self.chance, counts, self.mix, _CORPUS_WORTH))
        columns = range(len(self.names))
        return {self.names[c]: {self.names[r]: float(table[r, c]) for r in columns} for c in columns}


def labelling_from(errors: Mapping[str, Any] | None, publications: Iterable[Publication]) -> Labelling | None:
    """The labelling of these publications; None without errors (labelled by people).

    errors: data/model/errors.json; findings.direction holds counts, gold direction → predicted direction, out of fold,
    the gold direction `none` where the finding is not one. The chance of a prediction given the truth is the gold's;
    how often each direction is true is that of the corpus at hand, found by the steps of Saerens, Latinne and
    Decaestecker (2002, Neural Computation 14:21), so that a corpus of another mix than the gold's is not pulled to it.
    """
    if not errors:
        return None
    table: Mapping[str, Mapping[str, float]] = errors["findings"]["direction"]
    names = tuple(name for name in table if name != SPURIOUS)
    seen = [finding.direction for row in publications for finding in row.findings if finding.kind != "fact"]
    matrix = np.array([[float(table[gold].get(name, 0)) + _HALF for name in names] for gold in names])
    chance: Rows = tuple(map(tuple, (matrix / matrix.sum(axis=1, keepdims=True)).tolist()))
    gold_mix = tuple((matrix.sum(axis=1) / matrix.sum()).tolist())
    mix = _adapted(chance, tuple(float(seen.count(name)) for name in names), gold_mix, _GOLD_WORTH)
    return Labelling(
        names, chance, mix, _real(table, names), dict(zip(names, matrix.sum(axis=0).tolist(), strict=True))
    )


@lru_cache(maxsize=65536)
def _adapted(chance: Rows, counts: tuple[float, ...], start: tuple[float, ...], worth: float) -> tuple[float, ...]:
    mix, seen, before = np.array(start), np.array(counts), worth * np.array(start)
    for _ in range(_STEPS if seen.any() else 0):
        expected = (_behind(chance, tuple(mix)) * seen[None, :]).sum(axis=1) + before
        mix = expected / expected.sum()
    return tuple(mix.tolist())


def _behind(chance: Rows, mix: Sequence[float]) -> np.ndarray:
    joint = np.array(chance) * np.array(mix)[:, None]
    out: np.ndarray = joint / joint.sum(axis=0, keepdims=True)
    return out


def _real(table: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> float:
    true = sum(table[gold].get(name, 0) for gold in names for name in names)
    false = sum(table.get(SPURIOUS, {}).get(name, 0) for name in names)
    return float((true + _HALF) / (true + false + 2 * _HALF))
