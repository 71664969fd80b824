"""Shares corrected for the classifier's errors, with intervals that hold both sampling and labelling error.

Three methods on the same inputs: counts of a gold table (true x predicted) and of predictions over a corpus. They are
compared in benchmarks/interval_coverage.py; `corrected_share` is the one kept (docs/statistics.md says why).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

_Z = 1.959964
# Draws for intervals by multiple imputation: the limits move by less than 0.003 from seed to seed (2026-11).
_DRAWS = 4000
# Jeffreys' prior for a share: keeps intervals of small counts honest (Brown, Cai and DasGupta 2001).
_HALF = 0.5


@dataclass(frozen=True)
class GoldTable:
    """Counts of a gold sample: true and predicted positive, true only, predicted only, neither."""

    both: float
    missed: float
    false: float
    neither: float

    @property
    def n(self) -> float:
        """Size of the gold sample."""
        return self.both + self.missed + self.false + self.neither


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval and the method that made it."""

    estimate: float
    low: float
    high: float
    method: str


def corrected_share(gold: GoldTable, positive: float, total: float, seed: int) -> Interval:
    """The true share in a corpus of `total` predictions of which `positive` are positive: double sampling.

    Gold and corpus together give the share predicted positive, the gold the chance of truth behind each prediction; the
    share is their sum (Tenenbein 1970, JASA 65:1350), its interval the middle 95% of draws from Jeffreys posteriors of
    the three shares (multiple imputation). Holds where gold and corpus are alike; `error_matrix_share` needs that less.
    """
    rng = np.random.default_rng(seed)
    predicted = _draw(rng, gold.both + gold.false + positive, gold.missed + gold.neither + total - positive)
    right, wrong = _draw(rng, gold.both, gold.false), _draw(rng, gold.missed, gold.neither)
    return _middle(predicted * right + (1 - predicted) * wrong, "double sampling, multiple imputation")


def error_matrix_share(gold: GoldTable, positive: float, total: float, seed: int) -> Interval:
    """The same by inverting the error matrix: sensitivity and specificity from the gold, the corpus's own share.

    (p - false positive rate) / (sensitivity - false positive rate), cut at 0 and 1 (Rogan and Gladen 1978, Am J
    Epidemiol 107:71); draws as above. Holds where the gold's share differs from the corpus's; wide where the classifier
    is weak, and the whole range where it is no better than chance.
    """
    rng = np.random.default_rng(seed)
    hit, alarm = _draw(rng, gold.both, gold.missed), _draw(rng, gold.false, gold.neither)
    predicted = _draw(rng, positive, total - positive)
    gap = hit - alarm
    safe = np.where(gap > 0.02, gap, 1.0)
    share = np.where(gap > 0.02, np.clip((predicted - alarm) / safe, 0, 1), rng.random(_DRAWS))
    return _middle(share, "error matrix, multiple imputation")


def prediction_powered_share(gold: GoldTable, positive: float, total: float) -> Interval:
    """The same by prediction-powered inference with the power-tuned weight, on the logit scale.

    gold mean + w (corpus mean of predictions - gold mean of predictions), w as in Angelopoulos, Duchi and Zrnic 2023
    (PPI++, arXiv 2311.01453, section 6); half a count is added to each cell so that no variance is zero.
    """
    cells = np.array([gold.both, gold.missed, gold.false, gold.neither]) + _HALF
    n, truth, guess = cells.sum(), cells[:2].sum() / cells.sum(), (cells[0] + cells[2]) / cells.sum()
    far = (positive + _HALF) / (total + 2 * _HALF)
    cov = cells[0] / n - truth * guess
    var_guess = guess * (1 - guess)
    weight = np.clip(cov / ((1 + n / max(total, 1)) * var_guess), 0, 1)
    estimate = float(np.clip(truth + weight * (far - guess), 1e-4, 1 - 1e-4))
    left = truth * (1 - truth) - 2 * weight * cov + weight**2 * var_guess
    variance = left / n + weight**2 * far * (1 - far) / max(total, 1)
    half = _Z * np.sqrt(variance) / (estimate * (1 - estimate))
    middle = special.logit(estimate)
    low, high = special.expit(middle - half), special.expit(middle + half)
    return Interval(estimate, float(low), float(high), "prediction-powered inference")


def gold_share(gold: GoldTable, seed: int) -> Interval:
    """The share in the gold alone, by the same kind of interval: what a correction must beat."""
    rng = np.random.default_rng(seed)
    return _middle(_draw(rng, gold.both + gold.missed, gold.false + gold.neither), "gold alone")


def _draw(rng: np.random.Generator, yes: float, no: float) -> np.ndarray:
    return rng.beta(max(yes, 0.0) + _HALF, max(no, 0.0) + _HALF, _DRAWS)


def _middle(draws: np.ndarray, method: str) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(draws.mean()), float(low), float(high), method)
