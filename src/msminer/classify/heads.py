"""Linear heads: fitted with scikit-learn, one a label, kept as plain arrays so that a whole axis is one product."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Item = TypeVar("Item")
Result = TypeVar("Result")
_FEWEST = 2


@dataclass(frozen=True)
class View:
    """Rows to be judged: dense ideas and TF-IDF words."""

    dense: Floats
    words: sparse.csr_matrix

    def rows(self, mask: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> View:
        """The view of some rows."""
        return View(self.dense[mask], self.words[mask])


@dataclass(frozen=True)
class Heads:
    """One linear head a label: dense and word weights (columns are heads) and intercepts."""

    names: tuple[str, ...]
    dense: Floats
    words: Floats
    intercept: Floats

    def scores(self, view: View) -> Floats:
        """Log odds, rows x heads."""
        out: Floats = view.dense @ self.dense + view.words @ self.words + self.intercept
        return out


@dataclass(frozen=True)
class Recipe:
    """How a group of heads is fitted.

    scales: heads x dense columns; a larger scale is a weaker penalty. words: scale of all words. strength: C of
    `LogisticRegression`.
    """

    names: tuple[str, ...]
    scales: Floats
    words: float
    strength: float


@contextmanager
def repeatable() -> Iterator[None]:
    """One thread for the algebra libraries while a model is fitted.

    With two, sums differ in their last digits from run to run, so that the same data and seed gave another model, and
    heads that are fitted side by side wait for each other (585 s of CPU against 333 s, 2026-11).
    """
    # a library that is loaded later would keep its threads
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401

    with threadpool_limits(limits=1):
        yield


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Results of the work on each item, in order, one a core at a time: liblinear and trees free Python's lock."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, items))


def fit_heads(view: View, labels: Bools, recipe: Recipe, spread: Floats, weights: Doubles | None = None) -> Heads:
    """Heads by L2-penalised logistic regression (liblinear, deterministic), one a core at a time.

    labels: rows x heads. spread: standard deviation of the dense columns. weights: how much each row counts, default 1.
    A label with fewer than 2 examples gets a constant head with its log odds.
    """
    n_dense = view.dense.shape[1]

    def one(n: int) -> npt.NDArray[np.floating]:
        y = labels[:, n]
        if not _FEWEST <= y.sum() <= len(y) - _FEWEST:
            odds = np.log((y.sum() + 0.5) / (len(y) - y.sum() + 0.5))
            return np.append(np.zeros(n_dense + view.words.shape[1]), odds)
        return _regression(view, y, recipe, recipe.scales[n] / spread, weights)

    found = np.array(side_by_side(one, range(len(recipe.names))), np.float32).T
    return Heads(
        recipe.names, *(np.ascontiguousarray(part) for part in (found[:n_dense], found[n_dense:-1], found[-1]))
    )


def _regression(
    view: View, y: Bools, recipe: Recipe, scale: Floats, weights: Doubles | None
) -> npt.NDArray[np.floating]:
    """Weights of dense columns and words, then the intercept."""
    from sklearn.linear_model import LogisticRegression

    table = sparse.hstack([sparse.csr_matrix(view.dense * scale), view.words * recipe.words]).tocsr()
    fitted = LogisticRegression(C=recipe.strength, solver="liblinear", tol=1e-3).fit(table, y, weights)
    scales = np.append(scale, np.full(view.words.shape[1], recipe.words))
    return np.append(fitted.coef_[0] * scales, fitted.intercept_[0])


@dataclass(frozen=True)
class Scaling:
    """Log odds to calibrated probability: ceiling * sigmoid(slope * score + offset), a slope and an offset a head.

    The lines are Platt's (1999). The ceiling, one an axis, says how often readers differ where no score could tell: a
    line alone must be too sure at the upper end, or too unsure below it.
    """

    slope: Doubles
    offset: Doubles
    ceiling: float = 1.0

    def probabilities(self, scores: npt.NDArray[np.floating]) -> Doubles:
        """Rows x heads."""
        return np.asarray(self.ceiling * sigmoid(scores * self.slope + self.offset), np.float64)


def sigmoid(values: npt.NDArray[np.floating]) -> Doubles:
    """The logistic function, safe at the far ends."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -30, 30))), np.float64)


# Ceilings tried; a lower one must earn what `weight` sure and right examples more would cost it.
_CEILINGS = (1.0, 0.99, 0.98, 0.97, 0.96, 0.94, 0.92, 0.9, 0.87, 0.84, 0.8)


def fit_scaling(scores: npt.NDArray[np.floating], labels: Bools, *, weight: float = 8.0) -> Scaling:
    """Scaling of out-of-fold scores: ceiling and line of the whole axis, then a line a head, drawn towards the axis'.

    weight: examples that the axis' own line counts for; 8 keeps heads with a handful of positives from running away.
    The ceiling took the log loss of cell types from 0.756 to 0.741, of populations from 1.08 to 1.04, of routes from
    0.39 to 0.37, and the calibration error of routes from 0.069 to 0.039, out of fold on the gold (2026-11).
    """
    from scipy.optimize import minimize

    def loss(line: Doubles, x: Doubles, y: Bools, top: float) -> float:
        p = np.clip(top * sigmoid(line[0] * x + line[1]), 1e-9, 1 - 1e-9)
        return -float(np.sum(np.where(y, np.log(p), np.log1p(-p))))

    def drawn(line: Doubles, x: Doubles, y: Bools, top: float, common: Doubles) -> float:
        return loss(line, x, y, top) + weight / 2 * float(np.sum((line - common) ** 2))

    flat, truth = scores.astype(float).ravel(), labels.ravel()
    start, found = np.array([1.0, 0.0]), []
    for top in _CEILINGS:
        best = minimize(loss, start, args=(flat, truth, top), method="Nelder-Mead")
        start = best.x
        found.append((float(best.fun) - weight * float(np.log(top)), top, best.x))
    _, top, common = min(found, key=lambda one: one[0])
    lines = [
        minimize(drawn, common, args=(scores[:, n].astype(float), labels[:, n], top, common), method="Nelder-Mead").x
        for n in range(scores.shape[1])
    ]
    return Scaling(np.array([line[0] for line in lines]), np.array([line[1] for line in lines]), top)


def softmax(scores: npt.NDArray[np.floating]) -> Doubles:
    """Rows that sum to one."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float64)


def logit(p: npt.NDArray[np.floating]) -> Doubles:
    """Log odds, cut at 1e-4."""
    q = np.clip(p, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(q / (1 - q)), np.float64)


def folds(
    n: int, groups: Sequence[int], k: int, seed: int
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """K splits (train, test) of n rows that keep each group whole."""
    from sklearn.model_selection import GroupKFold

    splitter = GroupKFold(n_splits=k, shuffle=True, random_state=seed)
    return [(train, test) for train, test in splitter.split(np.zeros(n), groups=np.asarray(groups))]
