"""Coverage of the intervals in the verdicts' tier tables, where a model read the labels; prints one row a cell.

Run: python benchmarks/verdict_intervals.py [--runs 400]

A claim of 5, 10, 30 or 100 studies as read. Each belongs to the claim's stratum (cell type, population, design) with
the probability that its labels have; the others report a benefit with another share, unknown to the method. Directions
are read with the errors of the shipped model, and some findings are none. Beside the interval: the same without doubt
about who belongs, and the gold alone: GOLD labelled studies that belong to such a claim. And how often the tier is
said to support the claim, by people's labels and, at three least probabilities, by the model's: wrong where no more
than half of its studies do.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from msminer.evidence.claims import Register, load_register
from msminer.evidence.correction import GoldTable, gold_share
from msminer.evidence.labelling import labelling_from
from msminer.evidence.publications import Finding, Publication
from msminer.evidence.tiers import share_of, stance_of
from msminer.evidence.votes import Vote, as_read, score_of
from msminer.resources import shipped

SIZES = (5, 10, 30, 100)
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
# Mean probability that a study belongs: labels nearly sure, usual, poor. Spread: Beta of strength 8.
BELONGS = (0.97, 0.9, 0.75)
# Share of benefit among those who do not belong: that of those who do, or 0.9 as in animals.
STRANGERS = ("alike", "positive")
# Set by hand: a direction claim finds a handful of studies among the 741 abstracts of the gold (2026-11).
GOLD = 5
# Least probabilities at which a model's reading may support a claim.
LEAST = (0.8, 0.9, 0.95)
NAMES = ("benefit", "no_effect", "harm", "mixed")


def read_votes(size: int, share: float, belongs: float, strangers: str, errors: Mapping[str, Any], seed: int) -> Any:
    """Votes as the model would read them: [(direction, chance that it belongs)]."""
    rng = np.random.default_rng([size, round(share * 10), round(belongs * 100), len(strangers), seed])
    table = errors["findings"]["direction"]
    rows = {name: np.array([table[name][one] for one in NAMES], float) for name in (*NAMES, "none")}
    real = sum(rows[name].sum() for name in NAMES) / sum(row.sum() for row in rows.values())
    chances = rng.beta(8 * belongs, 8 * (1 - belongs), size).clip(0.3, 1.0)
    inside = rng.random(size) < chances
    good = rng.random(size) < np.where(inside, share, share if strangers == "alike" else 0.9)
    truth = np.where(rng.random(size) < real, np.where(good, "benefit", "no_effect"), "none")
    told = [str(rng.choice(NAMES, p=rows[name] / rows[name].sum())) for name in truth]
    return list(zip(told, chances.tolist(), strict=True))


def votes_of(read: list[tuple[str, float]], register: Register) -> list[Vote]:
    out = []
    for index, (direction, chance) in enumerate(read):
        finding = Finding("disability", direction, "MSC", "It was so.", "quote", 0, 10, 0.9)
        paper = Publication(f"R{index}", "observational", ("MSC",), ("ms",), (finding,))
        score = score_of(direction, "benefit", register.rules)
        agrees = direction == "benefit"
        blank = Vote(paper.id, paper, "observational", direction, agrees, "MSC", (finding,), score)
        out.append(replace(blank, belongs=chance))
    return out


def corpus_of(errors: Mapping[str, Any], size: int) -> list[Publication]:
    """Findings of a corpus with the mix of the gold, as read."""
    table = errors["findings"]["direction"]
    told = np.array([sum(row[name] for row in table.values()) for name in NAMES], float)
    drawn = np.random.default_rng(size).choice(NAMES, p=told / told.sum(), size=size)
    finding = [Finding("disability", str(name), "MSC", "It was so.", "quote", 0, 10, 0.9) for name in drawn]
    return [Publication(f"C{i}", "observational", ("MSC",), ("ms",), (one,)) for i, one in enumerate(finding)]


def cell(
    register: Register, errors: Mapping[str, Any], size: int, share: float, belongs: float, strangers: str, runs: int
) -> list[float]:
    rows = []
    labelling = labelling_from(errors, corpus_of(errors, 1000))
    limits = [register.with_rules(support_probability_read=one).rules for one in LEAST]
    for run in range(runs):
        votes = votes_of(read_votes(size, share, belongs, strangers, errors, run), register)
        blind = [replace(vote, belongs=1.0) for vote in votes]
        read = [as_read(one, "benefit", register.rules, labelling) for one in (votes, blind)]
        found, without = (share_of(one, register.rules) for one in read)
        known = np.random.default_rng([run, size]).binomial(GOLD, share)
        alone = gold_share(GoldTable(known, 0, 0, GOLD - known), run)
        width = found.high - found.low
        held = [one.low <= share <= one.high for one in (found, without)]
        said = [stance_of(read[0], found, rules) == "supports" for rules in limits]
        rows.append([*held, width, width < alone.high - alone.low, *said])
    return [float(value) for value in np.mean(rows, axis=0)]


def by_people(register: Register, size: int, share: float, runs: int) -> float:
    """How often a tier of that size, labelled by people, is said to support the claim."""
    said = 0
    for run in range(runs):
        good = np.random.default_rng([run, size, round(share * 10)]).random(size) < share
        votes = votes_of([("benefit" if one else "no_effect", 1.0) for one in good], register)
        said += stance_of(votes, share_of(votes, register.rules), register.rules) == "supports"
    return said / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    options = parser.parse_args()
    register = load_register()
    errors = json.loads(shipped("data", "model", "errors.json").read_text("utf-8"))
    total, said = [], defaultdict(list)
    for size, share, belongs, strangers in itertools.product(SIZES, SHARES, BELONGS, STRANGERS):
        covers, blind, width, narrower, *supports = cell(
            register, errors, size, share, belongs, strangers, options.runs
        )
        total.append((covers, blind, narrower > 0.5))
        said[size, share].append(supports)
        figures = f"covers {covers:.3f}, without doubt of belonging {blind:.3f}, width {width:.2f}"
        print(f"{size:3} studies, share {share}, belongs {belongs}, others {strangers}: {figures}", flush=True)
    covers, blind, narrower = (np.array(one) for one in zip(*total, strict=True))
    print(f"coverage {covers.min():.3f} to {covers.max():.3f}, mean {covers.mean():.3f}")
    print(f"without doubt of belonging {blind.min():.3f} to {blind.max():.3f}, mean {blind.mean():.3f}")
    print(f"narrower than the gold alone in {narrower.mean():.0%} of cells")
    for (size, share), rates in said.items():
        people = by_people(register, size, share, options.runs)
        at = ", ".join(f"{rate:.1%} at {least}" for rate, least in zip(np.mean(rates, axis=0), LEAST, strict=True))
        print(
            f"{size:3} studies, share {share}: said to support by people's labels in {people:.1%}, "
            f"by the model's in {at}"
        )


if __name__ == "__main__":
    main()
