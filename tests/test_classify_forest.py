"""Trees: what the compiled walk says is what the fitted trees say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from msminer.classify import forest
from msminer.classify.forest import Forest, fit_forest
from msminer.classify.heads import logit


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    table = random.poisson(1, (700, 12)).astype(np.float32)
    return table, np.column_stack([table[:, 0] > 1, table[:, 1] + table[:, 2] > 2, random.random(700) > 0.9])


def test_scores_are_those_of_the_fitted_trees(data: tuple[np.ndarray, np.ndarray]) -> None:
    table, labels = data
    fitted = ExtraTreesRegressor(
        forest.TREES, min_samples_leaf=forest.LEAF, max_features=0.2, random_state=3, bootstrap=False
    ).fit(table[:300], labels[:300].astype(np.float32))
    found = fit_forest(table[:300], labels[:300], ("a", "b", "c"), 3).scores(table)
    np.testing.assert_allclose(found, logit(np.clip(fitted.predict(table), 0.002, 0.998)), atol=1e-4)


def test_fewer_outputs_are_the_same_outputs(data: tuple[np.ndarray, np.ndarray]) -> None:
    table, labels = data
    grown = fit_forest(table[:300], labels[:300], ("a", "b", "c"), 3)
    some = grown.only({"c", "a"})
    assert some.names == ("a", "c")
    np.testing.assert_array_equal(some.scores(table), grown.scores(table)[:, [0, 2]])


def test_a_tree_that_is_one_leaf_and_no_rows() -> None:
    none, half = np.full(1, -2, np.int32), np.full((1, 1), 0.25, np.float32)
    one = Forest(("a",), none * 0, none, none.astype(np.float32), none, none, none * 0, half)
    np.testing.assert_allclose(one.scores(np.zeros((2, 3), np.float32)), logit(np.full((2, 1), 0.25)), atol=1e-6)
    assert one.scores(np.zeros((0, 3), np.float32)).shape == (0, 1)
