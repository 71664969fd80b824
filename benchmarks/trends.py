"""False alarms of the trend family and power of the change point on simulated corpora.

Run: python benchmarks/trends.py [--families 200] [--runs 400]

Family: 4 cell types x 2 outcomes, 2 to 8 studies a year over 20 years, no trend; an alarm is any q below 0.05.
Change point: one series, 40 studies a side over 4 to 20 years a side, the share rising by 0.3; found is within 2 years.
Beside it the ceiling: an oracle that is told both shares and asks only where they change, with the same prior for the
place and the best answer to "within 2 years" (Bayes rule; no estimate from the counts alone can be expected to do
better). Once with the change in the middle, once anywhere that leaves 3 years on either side.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy import special

from msminer.evidence.claims import load_register
from msminer.evidence.simulate import simulate_publications
from msminer.evidence.trends import trend_table
from msminer.evidence.trendtests import NEAR, Evidence, best_place, change_point, place_weights

YEARS = range(2001, 2021)
NOW = datetime(2026, 11, 1)
CELLS, OUTCOMES = ("HSC", "MSC-BM", "MSC-AD", "NSC"), ("disability", "relapse")


def false_alarms(families: int) -> dict[int, float]:
    """Studies a year and series → share of families with any alarm."""
    register = load_register()
    out = {}
    for per_year in (2, 4, 8):
        rng = np.random.default_rng(per_year)
        alarms = 0
        for _ in range(families):
            papers = simulate_publications(YEARS, per_year, rng, before=0.7, cell_types=CELLS, outcomes=OUTCOMES)
            _, tests = trend_table(papers, None, register, now=NOW)
            alarms += bool((tests["q"].dropna() < 0.05).any())
        out[per_year] = alarms / families
    return out


@dataclass
class Power:
    """Shares of runs: found within 2 years by us, by the oracle; the range holds the truth; permutation p < 0.05."""

    found: float
    ceiling: float
    held: float
    seen: float


def change_power(runs: int, years_a_side: int, low: float, *, anywhere: bool) -> Power:
    rng = np.random.default_rng([runs, years_a_side, round(low * 100), anywhere])
    years = np.arange(2001, 2001 + 2 * years_a_side)
    n = np.full(len(years), 40 // years_a_side)
    rows = []
    for run in range(runs):
        truth = int(rng.integers(years[3], years[-2])) if anywhere else 2001 + years_a_side
        k = rng.binomial(n, np.where(years < truth, low, low + 0.3))
        found = change_point(years, k, n, run)
        told = years[best_place(place_weights(k, n, known_shares(low, low + 0.3))) + 1]
        near = [abs(year - truth) <= NEAR for year in (found["change_point"], told)]
        rows.append([*near, found["change_low"] <= truth <= found["change_high"], found["change_p"] < 0.05])
    return Power(*np.mean(rows, axis=0))


def known_shares(before: float, after: float) -> Evidence:
    """Log likelihood of the counts for someone who knows both shares."""

    def evidence(k1: np.ndarray, n1: np.ndarray, k2: np.ndarray, n2: np.ndarray) -> np.ndarray:
        return _loglik(k1, n1, before) + _loglik(k2, n2, after)

    return evidence


def _loglik(k: np.ndarray, n: np.ndarray, share: float) -> np.ndarray:
    return special.xlogy(k, share) + special.xlog1py(n - k, -share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=int, default=200)
    parser.add_argument("--runs", type=int, default=400)
    options = parser.parse_args()
    for side, low, anywhere in itertools.product((4, 5, 8, 10, 20), (0.2, 0.35, 0.5, 0.65), (False, True)):
        one = change_power(options.runs, side, low, anywhere=anywhere)
        where = "anywhere" if anywhere else "in the middle"
        figures = f"within 2 years {one.found:.2f} (oracle {one.ceiling:.2f}), in range {one.held:.2f}"
        print(f"{side:2} years a side, {low} to {low + 0.3:.2f}, {where}: {figures}, p<0.05 {one.seen:.2f}", flush=True)
    for per_year, share in (false_alarms(options.families) if options.families else {}).items():
        print(f"no trend, {per_year} studies a year and series: {share:.3f} of {options.families} families alarm")


if __name__ == "__main__":
    main()
