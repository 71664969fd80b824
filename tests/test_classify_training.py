"""Training and its honesty: leaks are found, scores are right, the same seed gives the same model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msminer.classify.errors_table import error_tables
from msminer.classify.heads import fit_scaling
from msminer.classify.leaks import check_no_leak, groups_of, leaks, without_leaks
from msminer.classify.scores import reliability, score_all
from msminer.classify.targets import paired, read_gold, text_sha256
from msminer.classify.train import train
from msminer.errors import DataError
from msminer.resources import shipped
from msminer.vocabulary import load_vocabulary
from tinygold import tiny_gold

TEXT = (
    "Twelve people with a rare illness were given a new cell product and followed for two years in one hospital by us."
)


def record(pmid: str, text: str, **more: Any) -> dict[str, Any]:
    return {"pmid": pmid, "title": "A study", "abstract": text, **more}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (record("1", "Something else entirely was done here with other words than those above it."), "pmid"),
        (record("2", "Something else entirely was done here with other words.", doi="10.1/ABC"), "doi"),
        (record("3", TEXT + " A last sentence was added."), "text"),
    ],
)
def test_leaks_are_found(other: dict[str, Any], why: str) -> None:
    found = leaks([record("1", TEXT, doi="10.1/abc")], [other])
    assert why in {reason for _, _, reason in found}
    with pytest.raises(DataError, match="share a text"):
        check_no_leak([record("1", TEXT, doi="10.1/abc")], [other], ("a", "b"))
    assert without_leaks([other], [record("1", TEXT, doi="10.1/abc")]) == []


def test_different_texts_are_no_leak() -> None:
    check_no_leak(
        [record("1", TEXT)],
        [record("2", "Mice were fed another diet and weighed each week until the end.")],
        ("a", "b"),
    )


def test_groups_join_versions_of_one_text() -> None:
    found = groups_of(
        [record("1", TEXT), record("2", "Mice were fed and weighed each week until the end."), record("3", TEXT)]
    )
    assert found[0] == found[2] != found[1]


def test_a_changed_gold_text_is_an_error() -> None:
    text = record("1", TEXT)
    gold = [{"pmid": "1", "text_sha256": text_sha256(text)}]
    assert paired(gold, [text])[1] == [text]
    with pytest.raises(DataError, match="not the one that was read"):
        paired(gold, [record("1", TEXT + ".")])
    with pytest.raises(DataError, match="no record"):
        paired(gold, [])


def test_a_damaged_gold_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"pmid": "1"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="lacks fields"):
        read_gold(path)


def finding(outcome: str, direction: str, p: float = 0.9) -> dict[str, Any]:
    return {"outcome": outcome, "direction": direction, "cell_type": "none", "p": p, "start": 0, "end": 1}


GOLD = [
    {
        "pmid": "1",
        "cell_types": ["none"],
        "populations": ["ms"],
        "routes": [],
        "study_design": "animal",
        "findings": [finding("mri", "harm")],
    },
    {"pmid": "2", "cell_types": ["HSC"], "populations": ["ms"], "routes": [], "study_design": "animal", "findings": []},
]


def told(cells: list[str], design: str, findings: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cell_types": [{"label": c, "p": 0.8} for c in cells],
        "populations": [{"label": "ms", "p": 0.8}],
        "routes": [],
        "study_design": {"label": design, "p": 0.7},
        "findings": findings,
    }


TOLD = [
    told(["none"], "animal", [finding("mri", "benefit")]),
    told(["none"], "in_vitro", [finding("mri", "harm", 0.2)]),
]


def test_scores_by_hand() -> None:
    scores = score_all(GOLD, TOLD, load_vocabulary(), 1)
    assert scores["cell_types"]["micro_f1"]["value"] == 0.5
    assert scores["study_design"]["micro_f1"]["value"] == 0.5
    assert scores["findings"]["outcome"]["micro_f1"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert scores["findings"]["direction"]["accuracy"]["value"] == 0.0
    assert scores["findings"]["outcome_and_direction"]["micro_f1"]["value"] == 0.0


def test_error_tables_by_hand() -> None:
    tables = error_tables(GOLD, TOLD, load_vocabulary())
    assert tables["findings"]["direction"]["harm"]["benefit"] == 1
    assert tables["findings"]["direction"]["none"]["harm"] == 1
    assert tables["axes"]["cell_types"]["HSC"] == {"both": 0, "missed": 1, "false": 0, "neither": 1}
    assert tables["axes"]["study_design"]["animal"]["in_vitro"] == 1


def test_reliability_by_hand() -> None:
    table = reliability(np.array([0.95, 0.95, 0.15, 0.15]), np.array([True, True, False, True]))
    assert table["ece"] == pytest.approx(0.5 * 0.05 + 0.5 * 0.35, abs=1e-4)


def test_scaling_recovers_known_odds() -> None:
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(4000, 1)) * 2
    labels = rng.random((4000, 1)) < 1 / (1 + np.exp(-(0.5 * scores - 1)))
    scaling = fit_scaling(scores, labels)
    assert scaling.slope[0] == pytest.approx(0.5, abs=0.06)
    assert scaling.offset[0] == pytest.approx(-1.0, abs=0.12)


@pytest.mark.slow
def test_training_twice_gives_the_same_predictions(tmp_path: Path) -> None:
    gold, records = tiny_gold(tmp_path)
    models = [train(gold, [records], tmp_path / name, seed=3) for name in ("a", "b")]
    assert models[0].id == models[1].id
    ask = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()][:5]
    assert list(models[0].label(ask)) == list(models[1].label(ask))


@pytest.mark.slow
@pytest.mark.corpus
def test_no_text_of_the_gold_stands_on_both_sides_of_a_split(corpus: Path) -> None:
    from msminer.classify.heads import folds
    from msminer.classify.train import read_records

    files = sorted((corpus / "pubmed").glob("*.xml.gz"))
    gold = read_gold(shipped("data", "gold", "gold.jsonl"))
    _, texts = paired(gold, read_records(files))
    assert len(texts) == len(gold)
    for train_rows, test_rows in folds(len(texts), groups_of(texts), 5, 20261101):
        check_no_leak([texts[r] for r in train_rows], [texts[r] for r in test_rows], ("train", "test"))
