"""The vocabulary: what is shipped, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from msminer.errors import VocabularyError
from msminer.resources import shipped
from msminer.vocabulary import load_vocabulary


def test_shipped_vocabulary_is_whole() -> None:
    vocabulary = load_vocabulary()
    sizes = {axis: len(labels) for axis, labels in vocabulary.axes.items()}
    assert sizes == {
        "cell_types": 15,
        "outcomes": 10,
        "directions": 4,
        "study_design": 11,
        "populations": 12,
        "routes": 6,
    }
    assert vocabulary.designs[0] == "protocol"
    assert vocabulary.designs[-1] == "systematic_review"
    assert vocabulary.claim_populations["ms"] == {"ms", "rrms", "spms", "ppms", "progressive"}
    assert "none" in vocabulary.claim_populations["any"]


def test_every_label_but_none_has_synonyms() -> None:
    bare = [
        f"{axis}.{label.id}"
        for axis, labels in load_vocabulary().axes.items()
        for label in labels
        if not label.synonyms and label.id != "none"
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("labels", "rolled"),
    [
        (["MSC-BM"], {"MSC-BM", "MSC"}),
        (["rrms", "eae"], {"rrms", "ms", "eae", "animal_model"}),
        (["none"], {"none"}),
        ([], set()),
    ],
)
def test_parents_roll_up(labels: list[str], rolled: set[str]) -> None:
    assert load_vocabulary().with_parents(labels) == rolled


def test_unknown_axis_and_label_are_errors() -> None:
    vocabulary = load_vocabulary()
    with pytest.raises(VocabularyError, match="no such axis"):
        vocabulary.ids("cells")
    with pytest.raises(VocabularyError, match="no such label"):
        vocabulary.label("cell_types", "MSC-XX")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("  HSC:\n", "  MSC:\n", "MSC"),
        ("cell_types:", "celltypes:", "celltypes"),
        ("  MSC-BM: MSC\n", "  MSC-BM: ms\n", "MSC-BM"),
        ("  MSC-BM: MSC\n", "  MSC-BM: MSC\n  MSC: MSC-BM\n", "circle"),
        ("  ms: [ms, rrms", "  ms: [msx, rrms", "msx"),
        ("    synonyms: [intranasal,", "    synonym: [intranasal,", "routes.intranasal"),
        ("    synonyms: [intranasal,", "    synonyms: [intranasal, intranasal,", "twice"),
        ("routes:", "routes: [", "no YAML"),
    ],
)
def test_damage_is_named(tmp_path: Path, old: str, new: str, match: str) -> None:
    text = shipped("data", "vocabulary.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "vocabulary.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(VocabularyError, match=match):
        load_vocabulary(path)


def test_missing_file_is_a_vocabulary_error(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="cannot be read"):
        load_vocabulary(tmp_path / "absent.yaml")
