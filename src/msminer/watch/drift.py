"""Whether two counts of classes come from the same population: the population stability index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

# Usual reading of the index: below 0.1 stable, above 0.25 shifted (Siddiqi, Credit Risk Scorecards, 2006).
SHIFTED = 0.25
# Without any shift the index is about chi-square with classes-1 degrees of freedom times (1/n + 1/m) (Yurdakul,
# "Statistical properties of population stability index", 2018). Above this quantile of it chance is no explanation:
# weekly runs over four axes for two years give about four hundred looks, so one false alarm in ten such histories.
_QUANTILE = 0.9998
# A class that one side lacks would make the index infinite; half a count is the usual correction.
_HALF = 0.5


@dataclass(frozen=True)
class Drift:
    """The index, the value that chance alone may reach, and the class that moved most with its two shares."""

    psi: float
    chance: float
    label: str
    before: float
    after: float

    @property
    def shifted(self) -> bool:
        """Large, and larger than chance explains."""
        return self.psi >= max(SHIFTED, self.chance)


def drift(before: Mapping[str, int], after: Mapping[str, int]) -> Drift:
    """The population stability index of two counts of the same classes, natural logarithm.

    An empty side gives an index of 0, because nothing was seen to move.
    """
    from scipy.stats import chi2

    names = sorted(set(before) | set(after))
    n, m = sum(before.values()), sum(after.values())
    if not n or not m or len(names) < 2:
        return Drift(0.0, 0.0, names[0] if names else "", 0.0, 0.0)
    parts = {name: _part(before.get(name, 0), after.get(name, 0), n, m, len(names)) for name in names}
    worst = max(names, key=lambda name: parts[name])
    chance = float(chi2.ppf(_QUANTILE, len(names) - 1)) * (1 / n + 1 / m)
    return Drift(sum(parts.values()), chance, worst, before.get(worst, 0) / n, after.get(worst, 0) / m)


def _part(count: int, other: int, n: int, m: int, classes: int) -> float:
    p = (count + _HALF) / (n + _HALF * classes)
    q = (other + _HALF) / (m + _HALF * classes)
    return (p - q) * log(p / q)
