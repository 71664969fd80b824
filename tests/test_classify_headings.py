"""Headings and publication types move the chances of a record that has them, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from msminer.classify.headings import MANY, ONE, TYPE, Headings, fit_trust, weighed
from msminer.errors import DataError
from msminer.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()


def record(*mesh: str, types: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"pmid": "1", "mesh": [{"ui": None, "name": name} for name in mesh], "publication_types": list(types)}


def said_labels(axis: str, *mesh: str, types: tuple[str, ...] = ()) -> set[str]:
    said = Headings(VOCABULARY).read([record(*mesh, types=types)])
    return {label for label, yes in zip(VOCABULARY.ids(axis), said.yes[axis][0], strict=True) if yes}


@pytest.mark.parametrize(
    ("axis", "mesh", "types", "labels"),
    [
        ("cell_types", ("Mesenchymal Stem Cells", "Humans"), (), {"MSC"}),
        ("cell_types", ("Wharton Jelly",), (), {"MSC-UC", "MSC"}),
        ("populations", ("Encephalomyelitis, Autoimmune, Experimental",), (), {"eae", "animal_model"}),
        ("study_design", (), ("Journal Article", "Case Reports"), {"case_report"}),
        ("study_design", ("Retrospective Studies", "Cells, Cultured"), (), set()),
        ("cell_types", (), ("Journal Article",), set()),
    ],
)
def test_headings_name_labels(axis: str, mesh: tuple[str, ...], types: tuple[str, ...], labels: set[str]) -> None:
    assert said_labels(axis, *mesh, types=types) == labels


def test_headings_of_another_shape_are_an_error() -> None:
    with pytest.raises(DataError, match="mesh must be"):
        Headings(VOCABULARY).read([{"pmid": "7", "mesh": ["Humans"]}])


def chances(p: float, n: int) -> dict[str, Any]:
    return {axis: np.full((n, len(VOCABULARY.ids(axis))), p) for axis in (*MANY, ONE)}


def test_records_without_headings_keep_their_chances_and_others_move() -> None:
    bare = {"pmid": "2", "title": "", "abstract": ""}
    said = Headings(VOCABULARY).read([bare, record("Mesenchymal Stem Cells"), {**bare, "mesh": None}])
    trust = {axis: np.array([1.0, -0.5]) for axis in (*MANY, ONE)}
    moved = weighed(chances(0.5, 3), said, trust)
    assert all((moved[axis][[0, 2]] == 0.5).all() for axis in moved)
    ids = VOCABULARY.ids("cell_types")
    assert moved["cell_types"][1, ids.index("MSC")] == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert moved["cell_types"][1, ids.index("HSC")] == pytest.approx(1 / (1 + np.exp(0.5)))
    assert moved["cell_types"][1, ids.index("none")] == 0.5, "no heading stands for none"
    assert moved[ONE][1].tolist() == [0.5] * len(VOCABULARY.designs), "headings tell no design"


def test_a_publication_type_raises_its_design() -> None:
    n = len(VOCABULARY.designs)
    said = Headings(VOCABULARY).read([record(types=("Randomized Controlled Trial",))])
    trust = {ONE: np.array([TYPE, 0.0])}
    moved = weighed({ONE: np.full((1, n), 1 / n)}, said, trust)[ONE][0]
    assert VOCABULARY.designs[int(moved.argmax())] == "trial_controlled"
    assert moved.sum() == pytest.approx(1.0)


def test_headings_that_are_always_right_are_trusted_and_none_gives_no_trust() -> None:
    n, ids = 60, VOCABULARY.ids("cell_types")
    said = Headings(VOCABULARY).read(
        [record("Mesenchymal Stem Cells") if i % 2 else record("Humans") for i in range(n)]
    )
    labels = {axis: np.zeros((n, len(VOCABULARY.ids(axis))), bool) for axis in MANY}
    labels["cell_types"][1::2, ids.index("MSC")] = True
    trust = fit_trust(chances(0.3, n), labels, said)
    assert trust["cell_types"][0] > 1
    assert trust["cell_types"][1] < -0.5
    turned = {**labels, "cell_types": ~labels["cell_types"]}
    assert fit_trust(chances(0.3, n), turned, said)["cell_types"].tolist() == [0, 0], "headings never count backwards"
    bare = Headings(VOCABULARY).read([{"pmid": str(i)} for i in range(n)])
    assert all((fit_trust(chances(0.3, n), labels, bare)[axis] == 0).all() for axis in MANY)
