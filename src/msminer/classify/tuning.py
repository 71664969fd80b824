"""What is fitted on scores out of fold: weights of head and forest, of the stack, joint calibration, thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from msminer.classify import spec
from msminer.classify.heads import Bools, Doubles, Scaling, fit_scaling, logit, softmax
from msminer.classify.models import likeliest

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
# Differences of F1 below this are noise on 741 abstracts.
PLATEAU = 0.006


def fit_stack(features: Doubles, labels: Bools) -> Doubles:
    """Weights of STACK, shared by all outcomes, then one intercept an outcome."""
    from sklearn.linear_model import LogisticRegression

    n, k, m = features.shape
    flat = np.hstack([features.reshape(n * k, m), np.tile(np.eye(k), (n, 1))])
    fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=500).fit(flat, labels.ravel())
    return np.asarray(fitted.coef_[0], np.float64)


def fit_blend(heads: Floats, forest: Doubles, labels: Bools, *, alone: bool = False) -> Doubles:
    """Weights of head and forest (2 x labels), shared by frequent labels; a rare label keeps its head alone.

    alone: all labels keep their heads alone.
    """
    rare = (labels.sum(axis=0) < spec.RARE) | alone
    out = np.zeros((2, labels.shape[1]))
    if not rare.all():
        out[:, ~rare] = _shared([heads[:, ~rare], forest[:, ~rare]], labels[:, ~rare])
    if rare.any():
        out[:1, rare] = _shared([heads[:, rare]], labels[:, rare])
    return out


def _shared(scores: Sequence[npt.NDArray[np.floating]], labels: Bools) -> Doubles:
    """One weight a score, each label with an intercept that calibration refits (dropped here); column vector."""
    from sklearn.linear_model import LogisticRegression

    n, k = labels.shape
    if labels.all() or not labels.any():
        # nothing to learn from an axis without a single example, or without a counterexample
        return np.ones((len(scores), 1))
    flat = np.column_stack([*(s.ravel() for s in scores), np.tile(np.eye(k), (n, 1))])
    fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=500).fit(flat, labels.ravel())
    return np.asarray(np.maximum(fitted.coef_[0, : len(scores)], 0.0), np.float64)[:, None]


def fit_joint(
    chance: Doubles, p: Doubles, share: Doubles, truth: Bools, *, pairs: Rows, labels: Bools, own: Bools
) -> Scaling:
    """Calibration of p(outcome and its likeliest direction).

    chance: abstracts x outcomes; p, truth: directions of the findings at `pairs` (abstract, outcome). own: which
    abstracts count.
    """
    chosen = likeliest(p, share)
    abstract, outcome = pairs[:, 0], pairs[:, 1]
    value, hit = logit(chance * p.max(axis=1).mean()), np.zeros_like(labels)
    value[abstract, outcome] = logit(chance[abstract, outcome] * p[np.arange(len(p)), chosen])
    hit[abstract, outcome] = truth[np.arange(len(p)), chosen]
    return fit_scaling(value[own].reshape(-1, 1), hit[own].reshape(-1, 1))


def fit_temperature(scores: Floats, labels: Bools) -> float:
    """By how much to multiply the log odds of classes that exclude each other, so that their softmax is calibrated."""
    from scipy.optimize import minimize_scalar

    def loss(log_t: float) -> float:
        return -float(np.log(np.clip(softmax(scores * np.exp(log_t))[labels], 1e-9, 1)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def best_threshold(p: Doubles, labels: Bools, decide: Callable[[Doubles, float], Bools] | None = None) -> float:
    """The middle of the thresholds from 0.15 to 0.6 whose micro-F1 on out-of-fold probabilities is the highest or near.

    The peak itself jumps from fold to fold; the middle of all within PLATEAU of it gains 0.001 to 0.003 (2026-11).
    """
    tried = np.arange(0.15, 0.61, 0.025)
    found = []
    for threshold in tried:
        decided = p >= threshold if decide is None else decide(p, float(threshold))
        hit = float((decided & labels).sum())
        found.append(2 * hit / max(float(decided.sum() + labels.sum()), 1.0))
    near = np.array(found) >= max(found) - PLATEAU
    return float(np.median(tried[near]))
