"""Training and its honesty: leaks are found, scores are right, the same seed gives the same model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from msminer.classify import spec
from msminer.classify.errors_table import error_tables
from msminer.classify.evaluate import evaluate, splits
from msminer.classify.fit import _fit_groups
from msminer.classify.heads import Recipe, View, fit_heads, fit_scaling
from msminer.classify.leaks import check_no_leak, groups_of, leaks, without_leaks
from msminer.classify.scores import reliability, score_all
from msminer.classify.targets import BY_MODEL, COMPOSED, paired, read_all, read_gold, shipped_further, text_sha256
from msminer.classify.text import full_text
from msminer.classify.train import prepare, read_records, train
from msminer.errors import DataError
from msminer.resources import shipped
from msminer.vocabulary import NONE, load_vocabulary
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


def entry(pmid: str, **more: Any) -> dict[str, Any]:
    known = {"cell_types": [NONE], "study_design": "animal", "populations": ["ms"], "routes": [], "findings": []}
    return {"pmid": pmid, **known, **more}


def test_further_labels_are_marked_and_never_stand_for_the_gold(tmp_path: Path) -> None:
    files = {
        "gold": [entry("1", how="agreed")],
        "more": [entry("1"), entry("2"), entry("9")],
        "composed": [entry("c-1", title="Ours.", abstract="It was so.")],
    }
    for name, rows in files.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    further = [tmp_path / "more", tmp_path / "composed"]
    entries, texts = read_all(tmp_path / "gold", further, [record("2", "Two."), record("1", "One.")])
    assert [(one["pmid"], one["how"]) for one in entries] == [("1", "agreed"), ("2", BY_MODEL), ("c-1", COMPOSED)]
    assert [one["pmid"] for one in texts] == ["1", "2", "c-1"]
    assert texts[2] == {"pmid": "c-1", "title": "Ours.", "abstract": "It was so."}, "no label beside the text"
    with pytest.raises(DataError, match="no record of the gold"):
        read_all(tmp_path / "gold", further, [record("2", "Two.")])


def test_further_abstracts_are_trained_on_where_they_leak_nothing_and_never_tested() -> None:
    groups = [*range(20), 3, 30, 31]
    own = np.arange(23) < 20
    material: Any = SimpleNamespace(own=own, groups=groups, real=np.arange(23))
    outer = splits(material, 5)
    assert sorted(np.concatenate([test for _, test in outer]).tolist()) == list(range(20))
    for train_rows, test_rows in outer:
        assert {21, 22} <= set(train_rows.tolist())
        assert (20 in train_rows) == (3 not in test_rows)
        assert not set(train_rows.tolist()) & set(test_rows.tolist())


def test_a_composed_abstract_that_copies_the_gold_is_refused(tmp_path: Path) -> None:
    gold, records = tiny_gold(tmp_path)
    text = next(iter(read_records([records])))
    copied = {**entry("c-1"), "title": text["title"], "abstract": text["abstract"]}
    (tmp_path / "composed").write_text(json.dumps(copied) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="share"):
        evaluate(gold, [records], seed=3, further=[tmp_path / "composed"])


def test_composed_abstracts_teach_the_heads_of_cell_types_alone(tmp_path: Path) -> None:
    gold, records = tiny_gold(tmp_path)
    texts, vocabulary = list(read_records([records])), load_vocabulary()
    entries = [{**row, "how": COMPOSED} if n % 4 == 0 else row for n, row in enumerate(read_gold(gold))]
    encoder, material = prepare(*paired(entries, texts), texts, vocabulary, 3)
    assert material.composed.sum() == len(material.own) - material.own.sum() > 0
    assert not material.composed[material.real].any()
    assert (material.weights[material.composed] == spec.COMPOSED).all()
    unread = replace(material, composed=np.zeros_like(material.composed))
    taught, alone = (_fit_groups(one, material.real, encoder, vocabulary, 3) for one in (material, unread))
    changed = {axis for axis in taught[0] if not np.array_equal(taught[0][axis].dense, alone[0][axis].dense)}
    assert changed == {"cell_types"}
    assert np.array_equal(taught[1].values, alone[1].values)
    assert np.array_equal(taught[2].dense, alone[2].dense)


def test_a_row_of_no_weight_teaches_nothing() -> None:
    rng = np.random.default_rng(2)
    table, words = rng.normal(size=(80, 3)).astype(np.float32), sparse.csr_matrix((80, 1))
    labels = (table[:, :1] + rng.normal(size=(80, 1)) > 0) ^ (np.arange(80) >= 50)[:, None]
    recipe, spread = Recipe(("a",), np.ones((1, 3), np.float32), 1.0, 1.0), np.ones(3, np.float32)
    alone = fit_heads(View(table, words).rows(np.arange(50)), labels[:50], recipe, spread)
    beside = fit_heads(View(table, words), labels, recipe, spread, (np.arange(80) < 50).astype(float))
    np.testing.assert_allclose(beside.dense, alone.dense, atol=0.01)
    together = fit_heads(View(table, words), labels, recipe, spread)
    assert np.abs(together.dense - alone.dense).max() > 0.1


def test_shipped_labels_of_the_language_model_are_in_the_vocabulary_and_none_is_of_the_gold() -> None:
    vocabulary = load_vocabulary()
    gold = {row["pmid"] for row in read_gold(shipped("data", "gold", "gold.jsonl"))}
    read, composed = map(read_gold, shipped_further())
    assert {row["how"] for row in read} == {BY_MODEL}
    assert {row["how"] for row in composed} == {COMPOSED}
    rows = [*read, *composed]
    assert len({row["pmid"] for row in rows}) == len(rows)
    assert not gold & {row["pmid"] for row in rows}
    for row in rows:
        for axis in ("cell_types", "populations", "routes"):
            assert set(row[axis]) <= set(vocabulary.ids(axis)), row["pmid"]
            parents = {vocabulary.parents[label] for label in row[axis] if label in vocabulary.parents}
            assert parents <= set(row[axis]), row["pmid"]
        assert NONE not in row["cell_types"] or row["cell_types"] == [NONE], row["pmid"]
        assert row["study_design"] in vocabulary.ids("study_design")
        for found in row["findings"]:
            assert found["outcome"] in vocabulary.ids("outcomes")
            assert found["direction"] in vocabulary.ids("directions")
            assert found["cell_type"] in {NONE, *row["cell_types"]}, row["pmid"]
            assert 0 <= found["start"] < found["end"]


def test_composed_abstracts_hold_their_rationales_and_no_two_are_alike() -> None:
    rows = read_gold(shipped_further()[1])
    for row in rows:
        assert row["pmid"].startswith("composed-"), "never to be taken for a PMID"
        text = full_text(row["title"], row["abstract"])
        for found in row["findings"]:
            assert text[found["start"] : found["end"]].strip(), row["pmid"]
            assert found["end"] <= len(text), row["pmid"]
    assert len(set(groups_of(rows))) == len(rows)


@pytest.mark.slow
def test_scores_are_of_the_gold_alone(tmp_path: Path) -> None:
    gold, records = tiny_gold(tmp_path)
    rows = gold.read_text(encoding="utf-8").splitlines(keepends=True)
    kept, further = tmp_path / "kept.jsonl", tmp_path / "further.jsonl"
    kept.write_text("".join(rows[: 2 * len(rows) // 3]), encoding="utf-8")
    further.write_text("".join(rows[len(rows) // 3 :]), encoding="utf-8")
    made = evaluate(kept, [records], seed=3, further=[further])
    assert [row["pmid"] for row in made["out_of_fold"]] == [row["pmid"] for row in read_gold(kept)]
    assert made["data"]["abstracts"] == 2 * len(rows) // 3
    assert made["data"]["further"]["read"] == len(rows) - 2 * len(rows) // 3
    assert made["data"]["further"]["composed"] == 0


@pytest.mark.slow
@pytest.mark.corpus
def test_no_text_of_the_gold_stands_on_both_sides_of_a_split(corpus: Path) -> None:
    everything = list(read_records(sorted((corpus / "pubmed").glob("*.xml.gz"))))
    gold, further = shipped("data", "gold", "gold.jsonl"), shipped_further()
    entries, texts = read_all(gold, further, everything)
    assert len(texts) == len(read_gold(gold)) + sum(len(read_gold(path)) for path in further)
    own = np.array([entry["how"] not in {BY_MODEL, COMPOSED} for entry in entries])
    composed, groups = np.array([entry["how"] == COMPOSED for entry in entries]), np.array(groups_of(texts))
    assert not set(groups[composed]) & set(groups[~composed]), "a composed abstract copies a real one"
    material: Any = SimpleNamespace(own=own, groups=groups.tolist(), real=np.flatnonzero(~composed))
    for train_rows, test_rows in splits(material, 20261101):
        check_no_leak([texts[r] for r in train_rows], [texts[r] for r in test_rows], ("train", "test"))
