"""Simulated corpora with a known truth, for tests and benchmarks of the statistics."""

from __future__ import annotations

import numpy as np

from msminer.evidence.correction import GoldTable
from msminer.evidence.publications import Finding, Publication


def simulate_counts(
    size: int,
    share: float,
    level: tuple[float, float],
    gold: int,
    rng: np.random.Generator,
    *,
    gold_share: float | None = None,
) -> tuple[GoldTable, int]:
    """A gold table and the predicted positives of a corpus of `size`, both drawn with the same errors.

    level: (sensitivity, specificity); gold: size of the gold sample; gold_share: its own true share, by default that of
    the corpus.
    """
    hit, pass_ = level
    true = rng.binomial(size, share)
    positive = rng.binomial(true, hit) + rng.binomial(size - true, 1 - pass_)
    known = rng.binomial(gold, share if gold_share is None else gold_share)
    both, false = rng.binomial(known, hit), rng.binomial(gold - known, 1 - pass_)
    return GoldTable(both, known - both, false, gold - known - false), int(positive)


def simulate_publications(
    years: range,
    per_year: int,
    rng: np.random.Generator,
    *,
    before: float = 0.6,
    after: float | None = None,
    change: int | None = None,
    cell_types: tuple[str, ...] = ("MSC",),
    outcomes: tuple[str, ...] = ("disability",),
) -> list[Publication]:
    """Uncontrolled trials in people, `per_year` a year, cell type and outcome; each finds benefit with a known share.

    before: the share; after: the share from the year `change` on, `before` by default. The rest find no effect.
    """
    out: list[Publication] = []
    for year in years:
        share = before if after is None or change is None or year < change else after
        for cell in cell_types:
            for outcome in outcomes:
                good = rng.random(per_year) < share
                out += [_paper(len(out) + index, year, (cell, outcome), bool(one)) for index, one in enumerate(good)]
    return out


def _paper(number: int, year: int, about: tuple[str, str], good: bool) -> Publication:
    cell, outcome = about
    direction = "benefit" if good else "no_effect"
    return Publication(
        id=f"S{number:06}",
        study_design="trial_uncontrolled",
        cell_types=("MSC", cell) if cell.startswith("MSC-") else (cell,),
        populations=("ms",),
        findings=(Finding(outcome, direction, cell, f"{outcome} {direction.replace('_', ' ')}"),),
        year=year,
        title=f"simulated {number}",
    )
