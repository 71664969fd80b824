"""Coverage and width of the corrected shares on simulated corpora; prints one row a cell and method.

Run: python benchmarks/interval_coverage.py [--runs 1000] [--shift]

Grid: 3 corpus sizes x 5 true shares x 4 error levels. The gold has 400 findings, near what the shipped gold holds.
With --shift the gold's share is 0.25 off the corpus's: what each method does when gold and corpus are not alike. Widths
are given over that of the whole gold alone, which holds for a corpus like the gold, and of a group's gold alone: the
findings of one cell type, outcome and population, the only ones of which a group like that is a sample.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable

import numpy as np

from msminer.evidence.correction import (
    GoldTable,
    Interval,
    corrected_share,
    error_matrix_share,
    gold_share,
    prediction_powered_share,
)
from msminer.evidence.simulate import simulate_counts

SIZES = (100, 500, 5000)
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
# (sensitivity, specificity), from near perfect to poor.
LEVELS = ((0.97, 0.97), (0.9, 0.9), (0.8, 0.85), (0.7, 0.75))
GOLD = 400
# Of 271 such groups of the gold, nine in ten hold this many findings or fewer; the median is 2 (2026-11).
GROUP = 14

Method = Callable[[GoldTable, float, float, int], Interval]
METHODS: dict[str, Method] = {
    "double sampling": corrected_share,
    "error matrix": error_matrix_share,
    "prediction-powered": lambda gold, positive, total, _: prediction_powered_share(gold, positive, total),
}


def cell(
    size: int, share: float, level: tuple[float, float], runs: int, shift: float
) -> dict[str, tuple[float, float, float]]:
    """Method → (coverage, median width over the width of the gold alone, and over that of a group's gold alone)."""
    key = [size, round(share * 100), round(level[0] * 100), runs]
    rng, of_group = np.random.default_rng(key), np.random.default_rng([*key, GROUP])
    hits: dict[str, list[bool]] = {name: [] for name in METHODS}
    widths: dict[str, list[np.ndarray]] = {name: [] for name in METHODS}
    for run in range(runs):
        gold, positive = simulate_counts(size, share, level, GOLD, rng, gold_share=share + shift)
        group, _ = simulate_counts(0, share, level, GROUP, of_group)
        alone = np.array([one.high - one.low for one in (gold_share(gold, run), gold_share(group, run))])
        for name, method in METHODS.items():
            found = method(gold, positive, size, run)
            hits[name].append(found.low <= share <= found.high)
            widths[name].append((found.high - found.low) / alone)
    return {name: (float(np.mean(hits[name])), *map(float, np.median(widths[name], axis=0))) for name in METHODS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--shift", action="store_true")
    options = parser.parse_args()
    total: dict[str, list[tuple[float, float, float]]] = {name: [] for name in METHODS}
    for size, share, level in itertools.product(SIZES, SHARES, LEVELS):
        shift = (0.25 if share < 0.5 else -0.25) if options.shift else 0.0
        found = cell(size, share, level, options.runs, shift)
        text = "  ".join(f"{name} {cover:.3f} x{all_:.2f} x{own:.2f}" for name, (cover, all_, own) in found.items())
        print(f"size {size:5} share {share} errors {level}: {text}", flush=True)
        for name, figures in found.items():
            total[name].append(figures)
    for name, figures in total.items():
        covers, widths, own = (np.array(one) for one in zip(*figures, strict=True))
        inside = np.mean((covers >= 0.93) & (covers <= 0.97))
        print(
            f"{name}: coverage {covers.min():.3f} to {covers.max():.3f}, mean {covers.mean():.3f}, within 93-97% in "
            f"{inside:.0%} of cells; narrower than the gold alone in {np.mean(widths < 1):.0%}, "
            f"than a group's gold alone in {np.mean(own < 1):.0%}"
        )


if __name__ == "__main__":
    main()
