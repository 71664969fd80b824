"""A forest of randomised trees over all labels at once, kept as plain arrays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from msminer.classify.compiled import compiled
from msminer.classify.heads import Doubles, logit

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

# Trees cost time at work: 120 are a compromise, not a tuned number. Leaves were two on the gold alone; on five times as
# many abstracts two made a model file of 19.5 MB, above its bound of 15. Six was chosen by size alone (2026-11).
TREES, LEAF, SHARE = 120, 6, 0.2

# Rows that go through a tree together: 64 to 512 are alike, more leave the cache (2026-11).
_BLOCK = 256


@dataclass(frozen=True)
class Forest:
    """Trees as arrays; names are the outputs' columns as axis:label.

    roots: first node of each tree; feature, threshold: a row goes left where its column is at most the threshold; left,
    right: next nodes; leaf: row of `values` for a leaf, -1 inside a tree.
    """

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
        nodes, roots = self._packed
        total = _walk(np.ascontiguousarray(dense, np.float32), roots, nodes, nodes.view(np.float32), self.values)
        return logit(np.clip(total / np.float32(len(roots)), 0.002, 0.998))

    def only(self, names: Collection[str]) -> Forest:
        """The same trees with some of the outputs: adding up all costs more than walking."""
        kept = [n for n, name in enumerate(self.names) if name in names]
        values = np.ascontiguousarray(self.values[:, kept])
        return replace(self, names=tuple(self.names[n] for n in kept), values=values)

    @cached_property
    def _packed(self) -> tuple[Ints, Ints]:
        """All of a node side by side (feature, threshold's bits, left, right), and roots; ~row stands for a leaf."""
        place = np.where(self.leaf >= 0, ~self.leaf, np.arange(len(self.leaf))).astype(np.int32)
        inside = self.leaf < 0
        children = [np.where(inside, place[np.where(inside, way, 0)], 0) for way in (self.left, self.right)]
        bits = self.threshold.view(np.int32)
        return np.column_stack([self.feature, bits, *children]).astype(np.int32), place[self.roots]


@compiled
def _walk(table, roots, nodes, cuts, values):  # type: ignore[no-untyped-def]
    """Sums of the leaf values that each row of `table` reaches; nodes as `Forest._packed`, cuts the same as floats."""
    n, k = table.shape[0], values.shape[1]
    out = np.zeros((n, k), np.float32)
    row_of, node_of, reached = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.int32)
    # Tree by tree, so that one tree stays in the cache, and all rows of a block a step at a time: the steps of
    # different rows do not wait for each other, and no branch has to be guessed. Unsigned places save the test for
    # negative ones. Together a quarter of the time of row after row.
    for begin in range(0, n, _BLOCK):
        size = min(_BLOCK, n - begin)
        for root in roots:
            for i in range(size):
                row_of[i], node_of[i], reached[i] = np.uint32(i), root, root
            left = size if root >= 0 else 0
            while left > 0:
                kept = 0
                for a in range(left):
                    row, node = np.uint64(row_of[a]), np.uint64(node_of[a])
                    low = table[np.uint64(begin) + row, np.uint64(nodes[node, 0])] <= cuts[node, 1]
                    at_most, above = nodes[node, 2], nodes[node, 3]
                    child = at_most if low else above
                    reached[row] = child
                    row_of[kept], node_of[kept] = row, child
                    kept += child >= 0
                left = kept
            for i in range(size):
                leaf = np.uint64(~reached[i])
                for j in range(k):
                    out[begin + i, j] += values[leaf, j]
    return out


def fit_forest(
    dense: Floats,
    labels: npt.NDArray[np.bool_],
    names: tuple[str, ...],
    seed: int,
    *,
    leaf: int = LEAF,
    share: float = SHARE,
    trees: int = TREES,
    weights: Doubles | None = None,
) -> Forest:
    """Extremely randomised trees (Geurts 2006), one forest for all outputs, so that axes inform each other.

    weights: how much each row counts, default 1.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    fitted = ExtraTreesRegressor(
        trees, min_samples_leaf=leaf, max_features=share, n_jobs=1, random_state=seed, bootstrap=False
    ).fit(dense, labels[:, 0] * 1.0 if labels.shape[1] == 1 else labels.astype(np.float32), weights)
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
