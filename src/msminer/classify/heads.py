"""Linear heads: fitted with scikit-learn, one a label, kept as plain arrays so that a whole axis is one product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
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


def fit_heads(view: View, labels: Bools, recipe: Recipe, spread: Floats) -> Heads:
    """Heads by L2-penalised logistic regression (liblinear, deterministic).

    labels: rows x heads. spread: standard deviation of the dense columns. A label with fewer than 2 examples gets a
    constant head with its log odds.
    """
    from sklearn.linear_model import LogisticRegression

    n_dense = view.dense.shape[1]
    dense = np.zeros((n_dense, len(recipe.names)), np.float32)
    words = np.zeros((view.words.shape[1], len(recipe.names)), np.float32)
    intercept = np.zeros(len(recipe.names), np.float32)
    for n in range(len(recipe.names)):
        y = labels[:, n]
        if not _FEWEST <= y.sum() <= len(y) - _FEWEST:
            intercept[n] = np.log((y.sum() + 0.5) / (len(y) - y.sum() + 0.5))
            continue
        scale = recipe.scales[n] / spread
        table = sparse.hstack([sparse.csr_matrix(view.dense * scale), view.words * recipe.words]).tocsr()
        fitted = LogisticRegression(C=recipe.strength, solver="liblinear", tol=1e-3).fit(table, y)
        dense[:, n] = fitted.coef_[0, :n_dense] * scale
        words[:, n] = fitted.coef_[0, n_dense:] * recipe.words
        intercept[n] = fitted.intercept_[0]
    return Heads(recipe.names, dense, words, intercept)


@dataclass(frozen=True)
class Scaling:
    """Log odds to calibrated probability: sigmoid(slope * score + offset), one pair a head (Platt 1999)."""

    slope: Doubles
    offset: Doubles

    def probabilities(self, scores: npt.NDArray[np.floating]) -> Doubles:
        """Rows x heads."""
        return sigmoid(scores * self.slope + self.offset)


def sigmoid(values: npt.NDArray[np.floating]) -> Doubles:
    """The logistic function, safe at the far ends."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -30, 30))), np.float64)


def fit_scaling(scores: npt.NDArray[np.floating], labels: Bools, *, weight: float = 8.0) -> Scaling:
    """Platt scaling of out-of-fold scores, each head drawn towards the line of its whole axis.

    weight: examples that the axis' own line counts for; 8 keeps heads with a handful of positives from running away.
    """
    from scipy.optimize import minimize

    def loss(line: Doubles, x: Doubles, y: Doubles, prior: Doubles | None) -> float:
        z = np.clip(line[0] * x + line[1], -30, 30)
        cost = float(np.sum(np.logaddexp(0, z) - y * z))
        return cost if prior is None else cost + weight / 2 * float(np.sum((line - prior) ** 2))

    flat, y = scores.astype(float).ravel(), labels.astype(float).ravel()
    common = minimize(loss, np.array([1.0, 0.0]), args=(flat, y, None), method="Nelder-Mead").x
    lines = [
        minimize(
            loss, common, args=(scores[:, n].astype(float), labels[:, n].astype(float), common), method="Nelder-Mead"
        ).x
        for n in range(scores.shape[1])
    ]
    return Scaling(np.array([line[0] for line in lines]), np.array([line[1] for line in lines]))


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
