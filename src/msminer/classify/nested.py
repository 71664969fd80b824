"""Labels of abstracts by models that never saw them, fold by fold, in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from msminer.classify import decide, models
from msminer.classify.features import Encoder
from msminer.classify.fit import Material, Rows, fit
from msminer.classify.roles import told_roles
from msminer.vocabulary import Vocabulary

Told = dict[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Ground:
    """What all folds stand on: gold entries and their texts in order, encoder, material, vocabulary, seed of fits."""

    entries: Sequence[Mapping[str, Any]]
    texts: Sequence[Mapping[str, Any]]
    encoder: Encoder
    material: Material
    vocabulary: Vocabulary
    seed: int


def out_of_fold(ground: Ground, train: Rows, test: Rows) -> list[Told]:
    """Labelled records of the abstracts `test` by a model fitted on the abstracts `train`, all tuning within these."""
    parts = fit(ground.material, train, ground.encoder, ground.vocabulary, ground.seed)
    texts = [ground.texts[row] for row in test]
    batch = ground.encoder.encode(texts)
    rules = decide.make_rules(ground.vocabulary, parts, ground.encoder)
    beside = models.Beside(ground.material.beside.said.rows(test), told_roles(texts, batch))
    predicted = models.predict(parts, ground.encoder, batch, beside)
    return [dict(row) for row in decide.labelled(texts, batch, predicted, rules, "out of fold")]


# What forked workers find in their memory: the material is too large to send.
_WORK: list[Callable[[int], Any]] = []


def in_processes(work: Callable[[int], Result], n: int, processes: int) -> list[Result]:
    """Results of work(0) to work(n - 1), in order, by forked processes where the system can fork."""
    if processes <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        return [work(number) for number in range(n)]
    _WORK[:] = [work]
    try:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
            return list(pool.map(_one, range(n)))
    finally:
        _WORK.clear()


def _one(number: int) -> Any:
    return _WORK[0](number)
