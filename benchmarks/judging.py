"""Time to judge all claims and to make the trend table on 5,000 articles; prints processor and wall seconds.

Run: python benchmarks/judging.py [--articles 5000]

The articles are invented: every cell type, outcome and tier of the register, years 1990 to 2026, once as labelled by
people and once as read by the model (a probability for each label, the shipped table of errors). Quote processor time:
wall time depends on what else runs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from msminer.evidence.claims import load_register
from msminer.evidence.publications import Finding, Publication
from msminer.evidence.trends import trend_table
from msminer.evidence.verdicts import judge
from msminer.resources import shipped

NOW = datetime(2026, 11, 1)
CELLS = ("MSC", "MSC-BM", "MSC-AD", "MSC-UC", "HSC", "NSC", "iPSC", "ESC", "OPC", "endogenous", "none")
OUTCOMES = ("disability", "relapse", "mri", "remyelination", "immune", "neuroprotection", "safety", "engraftment")
DESIGNS = ("trial_controlled", "trial_uncontrolled", "observational", "case_report", "animal", "in_vitro")
REVIEWS = ("systematic_review", "narrative_review", "guideline")
DIRECTIONS = ("benefit", "benefit", "benefit", "benefit", "benefit", "mixed", "no_effect", "harm")
PEOPLE = (("ms", "rrms"), ("ms", "spms"), ("ms",), ("other_disease",))


def invented(articles: int) -> list[Publication]:
    rng = np.random.default_rng(7)

    def pick(options: Any) -> Any:
        return options[rng.integers(len(options))]

    out = []
    for number in range(articles):
        cell, design = pick(CELLS), pick((*DESIGNS, *DESIGNS, *REVIEWS))
        outcomes = rng.choice(OUTCOMES, size=rng.integers(1, 4), replace=False)
        found = tuple(Finding(str(one), pick(DIRECTIONS), cell, f"The {one} was reported.") for one in outcomes)
        people = ("animal_model", "eae") if design in {"animal", "in_vitro"} else pick(PEOPLE)
        out.append(
            Publication(
                id=f"A{number:05}",
                study_design=design,
                cell_types=("MSC", cell) if cell.startswith("MSC-") else (cell,),
                populations=people,
                findings=found,
                routes=(pick(("intravenous", "intrathecal", "intracerebral")),),
                year=int(rng.integers(1990, 2027)),
                first_author=f"Author{rng.integers(2000)}",
                title=f"Invented study {number}",
                n=float(rng.integers(1, 200)),
                follow_up_months=float(rng.integers(1, 60)),
            )
        )
    return out


def as_read(papers: list[Publication]) -> list[Publication]:
    rng = np.random.default_rng(8)
    out = []
    for paper in papers:
        labels = [("study_design", paper.study_design)] + [("populations", one) for one in paper.populations]
        labels += [("cell_types", one) for one in paper.cell_types]
        found = tuple(replace(one, kind="quote", p=float(rng.uniform(0.3, 1))) for one in paper.findings)
        chances = {key: float(1 - rng.exponential(0.08) % 0.6) for key in labels}
        out.append(replace(paper, findings=found, label_p=chances))
    return out


def timed(papers: list[Publication], errors: Mapping[str, Any] | None) -> str:
    register = load_register()
    cpu, wall = time.process_time(), time.perf_counter()
    judge(register, papers, errors=errors)
    middle = time.process_time()
    trend_table(papers, None, register, now=NOW, errors=errors)
    end = time.process_time()
    took = f"verdicts {middle - cpu:.1f} s, trends {end - middle:.1f} s of processor time"
    return f"{took}; wall {time.perf_counter() - wall:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=5000)
    papers = invented(parser.parse_args().articles)
    errors = json.loads(shipped("data", "model", "errors.json").read_text("utf-8"))
    print("labelled by people:", timed(papers, None), flush=True)
    print("read by the model: ", timed(as_read(papers), errors), flush=True)


if __name__ == "__main__":
    main()
