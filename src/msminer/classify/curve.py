"""How the scores grow with the number of gold abstracts: what more of them would be worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from msminer.classify.fit import Rows
from msminer.classify.nested import Ground, Told, in_processes, out_of_fold
from msminer.classify.scores import measures

SHARES = (0.25, 0.5)
REPEATS = 1


def learning_curve(
    ground: Ground, outer: Sequence[tuple[Rows, Rows]], whole: Sequence[Mapping[str, Any]], processes: int
) -> list[dict[str, Any]]:
    """Scores out of fold when each outer fold's training part is cut to a share of its near-duplicate groups.

    The parts hold gold and other abstracts alike. One row a share: share, abstracts trained on (mean), and each measure
    as its mean over REPEATS draws, with the least and the greatest. The last row is that of all abstracts, from the
    labels `whole`.
    """
    jobs = [(repeat, share, fold) for share in SHARES for repeat in range(REPEATS) for fold in range(len(outer))]

    def work(number: int) -> tuple[int, list[Told]]:
        repeat, share, fold = jobs[number]
        train = _part(outer[fold][0], ground.material.groups, share, ground.seed + 100 * repeat + fold)
        return len(train), out_of_fold(ground, train, outer[fold][1])

    found = in_processes(work, len(jobs), processes)
    rows = []
    for share in SHARES:
        drawn = [
            [(outer[job[2]][1], *result) for job, result in zip(jobs, found, strict=True) if job[:2] == (repeat, share)]
            for repeat in range(REPEATS)
        ]
        sizes = [size for folds in drawn for _, size, _ in folds]
        rows.append(_row(ground, share, sizes, [_in_order(folds, len(whole)) for folds in drawn]))
    return [*rows, _row(ground, 1.0, [len(train) for train, _ in outer], [whole])]


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


def _row(
    ground: Ground, share: float, sizes: Sequence[int], repeats: Sequence[Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    own = ground.entries[: len(repeats[0])]
    ones = np.ones(len(own))
    values: dict[str, list[float]] = {}
    for told in repeats:
        for name, measure in measures(own, told, ground.vocabulary).items():
            values.setdefault(name, []).append(measure(ones))
    return {
        "share": share,
        "abstracts": round(float(np.mean(sizes))),
        "measures": {
            name: {"mean": round(float(np.mean(v)), 4), "least": round(min(v), 4), "greatest": round(max(v), 4)}
            for name, v in values.items()
        },
    }
