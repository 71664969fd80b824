"""The classifier's errors as chances: how likely each true direction is behind a predicted one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msminer.evidence.votes import Labelling

# Added to every cell of a confusion table: a direction never seen there is rare, not impossible (Jeffreys' half).
_HALF = 0.5
_SPURIOUS = ("none", "spurious", "absent")


def labelling_from(errors: Mapping[str, Any] | None) -> Labelling | None:
    """The chances from errors.json (findings.direction: counts gold → predicted, out of fold); None without errors.

    A predicted finding whose outcome the gold does not have counts under the gold label `none`.
    """
    if not errors:
        return None
    table: Mapping[str, Mapping[str, float]] = errors["findings"]["direction"]
    predicted = sorted({name for row in table.values() for name in row} - set(_SPURIOUS))
    gold = [name for name in table if name not in _SPURIOUS]
    truth = {p: {g: float(table[g].get(p, 0)) + _HALF for g in gold} for p in predicted}
    return Labelling(truth, _real(table, predicted))


def _real(table: Mapping[str, Mapping[str, float]], predicted: list[str]) -> float:
    total = sum(row.get(p, 0) for row in table.values() for p in predicted)
    false = sum(row.get(p, 0) for name, row in table.items() if name in _SPURIOUS for p in predicted)
    return float((total - false + _HALF) / (total + 2 * _HALF))
