"""False alarms of the trend family and power of the change point on simulated corpora.

Run: python benchmarks/trends.py [--families 200] [--runs 400]

Family: 4 cell types x 2 outcomes, 2 to 8 studies a year over 20 years, no trend; an alarm is any q below 0.05.
Change point: one series, 40 studies a side over 10 years a side, the share rising by 0.3; found is within 2 years.
"""

from __future__ import annotations

import argparse
from datetime import datetime

import numpy as np

from msminer.evidence.claims import load_register
from msminer.evidence.simulate import simulate_publications
from msminer.evidence.trends import trend_table
from msminer.evidence.trendtests import change_point

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


def change_power(runs: int, years_a_side: int, low: float) -> tuple[float, float, float]:
    """Shares of runs: found within 2 years; its 95% range holds the truth; permutation p below 0.05."""
    rng = np.random.default_rng([runs, years_a_side, round(low * 100)])
    years = np.arange(2001, 2001 + 2 * years_a_side)
    n = np.full(len(years), 40 // years_a_side)
    truth = 2001 + years_a_side
    near = held = seen = 0
    for run in range(runs):
        k = rng.binomial(n, np.where(years < truth, low, low + 0.3))
        found = change_point(years, k, n, run)
        near += abs(found["change_point"] - truth) <= 2
        held += found["change_low"] <= truth <= found["change_high"]
        seen += found["change_p"] < 0.05
    return near / runs, held / runs, seen / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=int, default=200)
    parser.add_argument("--runs", type=int, default=400)
    options = parser.parse_args()
    for side in (4, 5, 8, 10, 20):
        for low in (0.2, 0.35, 0.5, 0.65):
            near, held, seen = change_power(options.runs, side, low)
            figures = f"within 2 years {near:.2f}, in range {held:.2f}, p<0.05 {seen:.2f}"
            print(f"{side:2} years a side, {low} to {low + 0.3:.2f}: {figures}")
    for per_year, share in false_alarms(options.families).items():
        print(f"no trend, {per_year} studies a year and series: {share:.3f} of {options.families} families alarm")


if __name__ == "__main__":
    main()
