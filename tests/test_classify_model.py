"""The shipped model: what it promises about its output, and which files it refuses."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.classify import models, roles, views
from msminer.classify.decide import AXES
from msminer.classify.files import label_files
from msminer.classify.modelfile import MANIFEST_FILE, MODEL_FILE, Model, load_model
from msminer.classify.statefile import read_state
from msminer.errors import ModelMissing, ModelRefused, UsageError
from msminer.resources import shipped
from msminer.vocabulary import load_vocabulary

TRIAL = {
    "pmid": "1",
    "title": "Intrathecal mesenchymal stem cells in relapsing-remitting multiple sclerosis",
    "abstract": "Ten patients with RRMS received bone marrow-derived mesenchymal stem cells (MSCs) by intrathecal "
    "injection. "
    "EDSS improved in eight patients. There were no serious adverse events.",
}
NASAL = {
    "pmid": "2",
    "title": "Chemotherapy for nasopharyngeal carcinoma (NPC)",
    "abstract": "We treated 40 patients with nasopharyngeal carcinoma (NPC). Survival of NPC patients improved with "
    "NPC-directed chemotherapy.",
}
EMPTY = {"pmid": "3", "title": "", "abstract": ""}


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def labels(model: Model, record: dict[str, Any]) -> dict[str, Any]:
    (out,) = model.label([record])
    return dict(out)


def test_a_plain_trial_is_read(model: Model) -> None:
    out = labels(model, TRIAL)
    assert {"MSC", "MSC-BM"} <= {c["label"] for c in out["cell_types"]}
    assert {"ms", "rrms"} <= {c["label"] for c in out["populations"]}
    assert "safety" in {f["outcome"] for f in out["findings"]}
    safety = next(f for f in out["findings"] if f["outcome"] == "safety")
    assert safety["direction"] == "benefit"
    assert safety["quote"] == "There were no serious adverse events."


def test_an_explained_short_form_is_what_the_text_says(model: Model) -> None:
    assert "NSC" not in {c["label"] for c in labels(model, NASAL)["cell_types"]}


def test_no_text_abstains_on_everything(model: Model) -> None:
    out = labels(model, EMPTY)
    assert out["abstained"] == list(AXES)
    assert out["findings"] == []
    assert out["study_design"] is None


def test_missing_fields_count_as_empty(model: Model) -> None:
    assert labels(model, {"pmid": "4", "title": None, "abstract": None})["abstained"] == list(AXES)


PHRASES = [
    "stem cells",
    "mesenchymal MSC",
    "patients with multiple sclerosis",
    "EAE mice improved.",
    "We found no difference.",
    "Results: EDSS and relapse rate decreased (p < 0.05).",
    "transplantation",
    "myelin Safety was good.",
    "\u03b1 5 % ) ( . .",
    "e.g.",
]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(PHRASES), max_size=12), st.lists(st.sampled_from(PHRASES), max_size=60)),
        max_size=5,
    )
)
def test_contract_holds_on_any_text(texts: list[tuple[list[str], list[str]]]) -> None:
    model, vocabulary = load_model(), load_vocabulary()
    records = [
        {"pmid": str(n), "title": " ".join(t).replace("\n", " "), "abstract": " ".join(a)}
        for n, (t, a) in enumerate(texts)
    ]
    out = list(model.label(records))
    assert [o["pmid"] for o in out] == [r["pmid"] for r in records]
    for record, told in zip(records, out, strict=True):
        text = f"{record['title']}\n{record['abstract']}"
        assert all(f["quote"] == text[f["start"] : f["end"]] and 0 <= f["p"] <= 1 for f in told["findings"])
        assert len({f["outcome"] for f in told["findings"]}) == len(told["findings"])
        for axis in ("cell_types", "populations"):
            found = {e["label"] for e in told[axis]}  # type: ignore[literal-required]
            assert vocabulary.with_parents(found) == found
            assert "none" not in found or found == {"none"}
            assert bool(found) != (axis in told["abstained"])


def test_equal_input_gives_equal_output_in_any_batch(model: Model) -> None:
    alone = [labels(model, r) for r in (TRIAL, NASAL, EMPTY)]
    together = [dict(o) for o in model.label([TRIAL, NASAL, EMPTY] * 2)]
    assert together == alone * 2


def test_the_file_is_small_and_has_enough_golden_predictions() -> None:
    folder = shipped("data", "model")
    manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    assert (folder / MODEL_FILE).stat().st_size < 15_000_000
    assert len(manifest["golden"]) >= 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "model"
    shutil.copytree(shipped("data", "model"), copy)
    return copy


def edit(folder: Path, **changes: Any) -> None:
    path = folder / MANIFEST_FILE
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, **changes}), encoding="utf-8")


def test_no_model_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="msminer train"):
        load_model(tmp_path)


def test_a_damaged_file_is_refused(folder: Path) -> None:
    path = folder / MODEL_FILE
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(bytes(data))
    with pytest.raises(ModelRefused, match="SHA-256"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"sklearn": "0.24.2"}, "another scikit-learn"),
        ({"format": 99}, "another format"),
        ({"model": "msminer-1-00000000"}, "another model"),
        ({"files": {}}, "damaged"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder: Path, changes: dict[str, Any], match: str) -> None:
    edit(folder, **changes)
    with pytest.raises(ModelRefused, match=match):
        load_model(folder)


def test_a_changed_golden_prediction_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    manifest["golden"][0]["labels"]["cell_types"] = []
    edit(folder, golden=manifest["golden"])
    with pytest.raises(ModelRefused, match="golden"):
        load_model(folder)


def test_a_pickle_with_its_own_manifest_is_refused(folder: Path) -> None:
    import hashlib

    data = pickle.dumps({"words": ["x"]})
    (folder / MODEL_FILE).write_bytes(data)
    edit(folder, files={MODEL_FILE: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}})
    with pytest.raises(ModelRefused, match="no skops file"):
        load_model(folder)


def test_the_reader_gives_what_skops_gives() -> None:
    import skops.io

    path = shipped("data", "model", MODEL_FILE)
    theirs, ours = skops.io.load(path), read_state(path)
    assert ours.keys() == theirs.keys()

    def same(one: Any, other: Any) -> bool:
        if isinstance(one, np.ndarray):
            return one.dtype == other.dtype and np.array_equal(one, other)
        if isinstance(one, dict):
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        if isinstance(one, list):
            return len(one) == len(other) and all(map(same, one, other))
        return type(one) is type(other) and bool(one == other)

    assert same(ours, theirs)


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {"a": slice(1)}, {"a": np.array([{}], dtype=object)}])
def test_other_types_are_refused_by_the_reader(value: dict[str, Any], tmp_path: Path) -> None:
    import skops.io

    skops.io.dump(value, tmp_path / "other.skops")
    with pytest.raises(ModelRefused, match=r"types that no model|cannot be read"):
        read_state(tmp_path / "other.skops")


def test_a_skops_file_of_something_else_is_refused(folder: Path) -> None:
    import hashlib

    import skops.io

    skops.io.dump({"hello": 1}, folder / MODEL_FILE)
    data = (folder / MODEL_FILE).read_bytes()
    edit(folder, files={MODEL_FILE: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}})
    with pytest.raises(ModelRefused, match="does not hold a model"):
        load_model(folder)


def jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


@pytest.mark.parametrize("processes", [1, 2])
def test_label_files_writes_one_line_a_record_in_order(tmp_path: Path, processes: int) -> None:
    one = jsonl(tmp_path / "one.jsonl", [TRIAL, EMPTY])
    two = jsonl(tmp_path / "two.jsonl", [NASAL])
    summary = label_files([one, two], tmp_path / "out.jsonl", processes=processes)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["pmid"] for line in lines] == ["1", "3", "2"]
    assert summary.records == 3
    assert {line["model"] for line in lines} == {summary.model}


def test_a_bad_input_is_left_out_and_named(tmp_path: Path) -> None:
    good = jsonl(tmp_path / "good.jsonl", [TRIAL])
    bad = tmp_path / "bad.jsonl"
    bad.write_text(json.dumps(TRIAL) + "\nnot json\n", encoding="utf-8")
    page = tmp_path / "page.xml"
    page.write_text("<html></html>", encoding="utf-8")
    summary = label_files([bad, good, page, tmp_path / "absent.jsonl"], tmp_path / "out.jsonl", processes=1)
    assert [path.name for path, _ in summary.left_out] == ["bad.jsonl", "page.xml", "absent.jsonl"]
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_nothing_is_written_when_no_input_is_left(tmp_path: Path) -> None:
    page = tmp_path / "page.xml"
    page.write_text("hello", encoding="utf-8")
    summary = label_files([page], tmp_path / "out.jsonl", processes=1)
    assert summary.left_out
    assert not (tmp_path / "out.jsonl").exists()


def test_label_files_needs_an_input(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        label_files([], tmp_path / "out.jsonl")


def test_the_fast_path_scores_like_the_view_that_was_trained_on(model: Model) -> None:
    batch = model.encoder.encode([TRIAL, EMPTY, NASAL])
    parts = model.parts
    words = views.weighted(batch.words, parts.learned.idf)
    told = roles.role_chances(batch, model.encoder, words, parts.learned.roles, roles.told_roles([], batch))
    view = models.sentence_view(batch, parts.learned, told)
    fast = models.sentence_scores(parts, batch, view.words, told)
    np.testing.assert_allclose(fast, parts.sentences.scores(view), atol=1e-4)
