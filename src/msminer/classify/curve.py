"""How the scores grow with the number of gold abstracts: what more of them would be worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from msminer.classify.fit import Rows
from msminer.classify.nested import Ground, Told, in_processes, out_of_fold
from msminer.classify.scores import measures

SHARES = (0.25, 0.5)


def learning_curve(
    ground: Ground, outer: Sequence[tuple[Rows, Rows]], whole: Sequence[Mapping[str, Any]], processes: int
) -> list[dict[str, Any]]:
    """Scores out of fold when each outer fold's training part is cut to a share of its near-duplicate groups.

    The parts hold gold and other abstracts alike, one draw a share and fold. One row a share: share, abstracts trained
    on (mean over folds), and each measure. The last row is that of all abstracts, from the labels `whole`.
    """
    jobs = [(share, fold) for share in SHARES for fold in range(len(outer))]

    def work(number: int) -> tuple[int, list[Told]]:
        share, fold = jobs[number]
        train = _part(outer[fold][0], ground.material.groups, share, ground.seed + fold)
        return len(train), out_of_fold(ground, train, outer[fold][1])

    found = in_processes(work, len(jobs), processes)
    rows = []
    for share in SHARES:
        drawn = [(outer[job[1]][1], *result) for job, result in zip(jobs, found, strict=True) if job[0] == share]
        rows.append(_row(ground, share, [size for _, size, _ in drawn], _in_order(drawn, len(whole))))
    return [*rows, _row(ground, 1.0, [len(train) for train, _ in outer], whole)]


def _part(train: Rows, groups: Sequence[int], share: float, seed: int) -> Rows:
    """A share of the rows, drawn by group."""
    kinds = np.unique([groups[row] for row in train])
    kept = np.random.default_rng(seed).permutation(kinds)[: max(1, round(share * len(kinds)))]
    chosen = set(kept.tolist())
    return np.array([row for row in train if groups[row] in chosen], np.int64)


def _in_order(folds: Sequence[tuple[Rows, int, list[Told]]], n: int) -> list[Told]:
    out: list[Told] = [{} for _ in range(n)]
    for test, _, told in folds:
        for row, one in zip(test, told, strict=True):
            out[int(row)] = one
    return out


def _row(ground: Ground, share: float, sizes: Sequence[int], told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ones = np.ones(len(told))
    found = measures(ground.entries[: len(told)], told, ground.vocabulary)
    return {
        "share": share,
        "abstracts": round(float(np.mean(sizes))),
        "measures": {name: round(float(measure(ones)), 4) for name, measure in found.items()},
    }
