"""The card: a learning curve that keeps groups whole, tables that show what was measured and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from msminer.classify import card, curve
from msminer.classify.heads import fit_scaling, sigmoid
from msminer.classify.scores import reliability
from msminer.vocabulary import load_vocabulary
from tinygold import gold_row, told_row

N = 40


def test_the_curve_cuts_training_parts_by_group_and_rises_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [n // 2 for n in range(N)]
    seen: list[tuple[int, ...]] = []

    def labelled(_: Any, train: Any, test: Any) -> list[dict[str, Any]]:
        seen.append(tuple(train.tolist()))
        return [told_row(int(row), right=bool(row % 4 < len(train) / 8)) for row in test]

    monkeypatch.setattr(curve, "out_of_fold", labelled)
    ground: Any = SimpleNamespace(
        entries=[gold_row(n) for n in range(N)],
        material=SimpleNamespace(groups=groups),
        vocabulary=load_vocabulary(),
        seed=1,
    )
    rows = np.arange(N)
    outer = [(rows[rows % 8 < 4], rows[rows % 8 >= 4]), (rows[rows % 8 >= 4], rows[rows % 8 < 4])]
    whole = [told_row(n, right=True) for n in range(N)]
    found = curve.learning_curve(ground, outer, whole, 1)
    assert [row["share"] for row in found] == [0.25, 0.5, 1.0]
    assert [row["abstracts"] for row in found] == [4, 10, 20]
    assert all(row % 2 == 1 or row + 1 in train for train in seen for row in train), "a group is never cut in two"
    scores = [row["measures"]["cell_types micro_f1"] for row in found]
    assert scores == sorted(scores)
    assert scores[-1] == 1.0


def test_tables_appear_only_where_something_was_measured() -> None:
    assert list(card._curve(None)) == []
    assert list(card._variants(None)) == []
    assert list(card._further({"files": [], "read": 0, "composed": 0})) == []
    assert list(card._files({"gold": "g 1", "further": {"files": [], "read": 0, "composed": 0}})) == ["Gold: g 1"]
    told = " ".join(card._further({"files": ["x 1"], "read": 12, "composed": 7}))
    assert "from 12 abstracts that a language model read," in told
    assert "the heads of cell types from 7 that it composed" in told
    page = "\n".join(card._curve([{"share": 0.25, "abstracts": 148, "measures": {"cell_types micro_f1": 0.7}}]))
    assert "| cell_types micro_f1 | 0.700 |" in page
    gap = {"difference": {"value": -0.01, "low": -0.02, "high": 0.0}, "value": 0.71}
    page = "\n".join(card._variants({"shipped": {"outcome": 0.72}, "without topics": {"outcome": gap}}))
    assert "| shipped | 0.720 |" in page
    assert "| without topics | -0.010 [-0.020, +0.000] |" in page


def test_the_notes_name_every_public_set_that_training_reads() -> None:
    from msminer.classify.roles import FILE
    from msminer.classify.transfer import SETS

    for name in (FILE, *(one.file for one in SETS)):
        assert name.removesuffix(".jsonl.gz") in card.notes()


def test_a_calibration_error_is_shown_beside_what_chance_gives() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0.3, 1, 180)
    table = reliability(p, rng.random(180) < p)
    mean, high = table["ece_by_chance"]
    assert 0.02 < mean < high < 0.2
    assert table["ece"] < high


def test_a_ceiling_is_found_where_sure_scores_are_often_wrong() -> None:
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(4000, 2)) * 4
    labels = rng.random((4000, 2)) < 0.9 * sigmoid(scores)
    scaling = fit_scaling(scores, labels)
    assert scaling.ceiling == pytest.approx(0.9, abs=0.03)
    assert scaling.probabilities(np.full((1, 2), 30.0)).max() <= scaling.ceiling
