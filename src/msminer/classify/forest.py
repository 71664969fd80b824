"""A forest of randomised trees over all labels at once, kept as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msminer.classify import kernels
from msminer.classify.heads import Doubles, logit

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

# Trees cost time at work: 120 are a compromise, not a tuned number. Leaves of two keep rare labels visible (2026-11).
TREES, LEAF, SHARE = 120, 2, 0.2


@dataclass(frozen=True)
class Forest:
    """Trees as arrays: see `kernels.walk_trees`; names are the outputs' columns as axis:label."""

    names: tuple[str, ...]
    roots: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    leaf: Ints
    values: Floats

    def scores(self, dense: Floats) -> Doubles:
        """Log odds of the mean leaf share, rows x outputs."""
        mean = kernels.walk_trees(
            dense, self.roots, self.feature, self.threshold, self.left, self.right, self.leaf, self.values
        )
        return logit(np.clip(mean, 0.002, 0.998))


def fit_forest(
    dense: Floats,
    labels: npt.NDArray[np.bool_],
    names: tuple[str, ...],
    seed: int,
    *,
    leaf: int = LEAF,
    share: float = SHARE,
) -> Forest:
    """Extremely randomised trees (Geurts 2006), one forest for all outputs, so that axes inform each other."""
    from sklearn.ensemble import ExtraTreesRegressor

    fitted = ExtraTreesRegressor(
        TREES, min_samples_leaf=leaf, max_features=share, n_jobs=1, random_state=seed, bootstrap=False
    ).fit(dense, labels[:, 0] * 1.0 if labels.shape[1] == 1 else labels.astype(np.float32))
    roots, parts, at, leaves = [], [], 0, 0
    for estimator in fitted.estimators_:
        tree = estimator.tree_
        inside = tree.children_left >= 0
        place = np.where(inside, -1, leaves + np.cumsum(~inside) - 1)
        values = tree.value[~inside, :, 0]
        parts.append((tree.feature, tree.threshold, tree.children_left + at, tree.children_right + at, place, values))
        roots.append(at)
        at += tree.node_count
        leaves += len(values)
    joined = [np.concatenate([part[n] for part in parts]) for n in range(6)]
    feature, left, right, leaves_of = (joined[n].astype(np.int32) for n in (0, 2, 3, 4))
    threshold, values = joined[1].astype(np.float32), joined[5].astype(np.float32)
    return Forest(names, np.array(roots, np.int32), feature, threshold, left, right, leaves_of, values)
