"""The second look: which labels are asked again, what is read of each, what rare labels learn from frequent ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from msminer.classify import rivals, views
from msminer.classify.cues import load_cues
from msminer.classify.features import Encoder
from msminer.classify.forest import Forest
from msminer.classify.phrases import PhraseBook, cue_phrases, is_short_form, vocabulary_phrases
from msminer.classify.spec import DOUBTFUL
from msminer.vocabulary import load_vocabulary

AXES = {"cell_types": 15, "populations": 12, "study_design": 11}
FINITE = st.floats(-12, 12, width=32)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """An encoder that knows the vocabulary and the cues, and no words."""
    return Encoder(PhraseBook([*vocabulary_phrases(load_vocabulary()), *cue_phrases(load_cues())]), [], [])


def _always(chance: float) -> Forest:
    """A forest of one leaf."""
    none, values = np.full(1, -2, np.int32), np.full((1, 1), chance, np.float32)
    return Forest(("any",), none * 0, none, none.astype(np.float32), none, none, none * 0, values)


def test_each_label_is_shown_what_stands_of_it_and_no_other(encoder: Encoder) -> None:
    texts = [
        {"title": "Mesenchymal stem cells in mice", "abstract": "Neural stem cells were seen. Cells were grafted."}
    ]
    batch = encoder.encode(texts)
    roles = np.full((len(batch.owner), len(views.ROLES)), 0.5, np.float32)
    dense = np.hstack(
        [
            views.document_dense(batch, encoder.idea_names),
            np.zeros((1, 3), np.float32),
            views.told_dense(batch, len(encoder.book.ideas), roles),
        ]
    )
    ids = load_vocabulary().ids("cell_types")
    columns = rivals.own_columns(encoder, "cell_types", ids, 3)
    shown = rivals.named(np.array([(0, n) for n in range(len(ids))]), dense, columns)
    kinds = (*views.DOCUMENT_ZONES, "told")
    everywhere, title, told = (shown[:, kinds.index(kind)] for kind in ("all", "title", "told"))
    assert {ids[n] for n in np.flatnonzero(everywhere)} == {"MSC", "NSC"}
    assert {ids[n] for n in np.flatnonzero(title)} == {"MSC"}
    assert {ids[n] for n in np.flatnonzero(told)} == {"MSC", "NSC"}
    stem, own = len(kinds), columns[:, : len(kinds)]
    assert (own[ids.index("none")] < 0).all(), "no words speak of none"
    assert shown[ids.index("none"), stem] == pytest.approx(np.log1p(3)), "but words for stem cells do"


def test_cells_are_shown_their_tissue(encoder: Encoder) -> None:
    batch = encoder.encode([{"title": "Stromal cells harvested from fat", "abstract": ""}])
    dense = views.document_dense(batch, encoder.idea_names)
    ids = load_vocabulary().ids("cell_types")
    columns = rivals.own_columns(encoder, "cell_types", ids, 0)
    title = encoder.idea_names.index("tissue:fat") + len(encoder.idea_names)
    assert {ids[n] for n in np.flatnonzero((columns == title).any(axis=1))} == {"MSC-AD"}
    assert dense[0, title] == 1.0


def test_designs_are_shown_what_an_abstract_says_of_itself(encoder: Encoder) -> None:
    batch = encoder.encode([{"title": "Knees: a systematic review", "abstract": ""}])
    dense = views.document_dense(batch, encoder.idea_names)
    ids = load_vocabulary().designs
    columns = rivals.own_columns(encoder, "study_design", ids, 0)
    inside = np.where(columns < dense.shape[1], columns, -1)
    shown = rivals.named(np.array([(0, n) for n in range(len(ids))]), dense, inside)
    assert {ids[n] for n in np.flatnonzero(shown.any(axis=1))} >= {"systematic_review"}


@given(of_numpy.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=FINITE))
def test_every_abstract_is_asked_of_its_best_label_and_of_all_in_doubt(scores: np.ndarray) -> None:
    pairs = {(int(row), int(label)) for row, label in rivals.doubtful(scores)}
    assert {row for row, _ in pairs} == set(range(len(scores)))
    assert {(row, label) for row, label in np.argwhere(scores >= DOUBTFUL).tolist()} <= pairs
    sure = {(row, label) for row, label in pairs if scores[row, label] < DOUBTFUL}
    assert all(scores[row, label] == scores[row].max() for row, label in sure)


def test_what_is_not_in_doubt_and_axes_without_trees_stay_as_they_are() -> None:
    scores = {axis: np.full((2, n), DOUBTFUL - 3, np.float32) for axis, n in AXES.items()}
    scores["routes"] = np.zeros((2, 6), np.float32)
    scores["cell_types"][0, 4] = 2.0
    columns = {axis: np.full((n, 7), -1, np.int64) for axis, n in AXES.items()}
    found = rivals.looked_again(scores, {"cell_types": _always(0.5)}, np.zeros((2, 9), np.float32), columns)
    assert found["cell_types"][0, 4] == 0.0
    assert (np.delete(found["cell_types"][0], 4) == DOUBTFUL - 3).all()
    for axis in ("populations", "study_design", "routes"):
        np.testing.assert_array_equal(found[axis], scores[axis])
    assert scores["cell_types"][0, 4] == 2.0, "the scores asked about are not written over"


def test_a_rare_label_is_judged_by_what_the_frequent_ones_taught() -> None:
    random = np.random.default_rng(4)
    n, k = 240, 15
    named = random.random((n, k)) < 0.3
    named[:, 14] = np.arange(n) % 80 == 0
    truth = {axis: np.zeros((n, size), bool) for axis, size in AXES.items()}
    # a label holds where it is named, and only there; the heads know nothing
    truth["cell_types"] = named.copy()
    for axis in ("populations", "study_design"):
        truth[axis][:, 0] = True
    scores = {axis: np.zeros((n, size), np.float32) for axis, size in AXES.items()}
    dense = named.astype(np.float32)
    columns = {axis: np.full((size, 1), -1, np.int64) for axis, size in AXES.items()}
    columns["cell_types"][:, 0] = np.arange(k)
    rows = np.arange(n)
    inner = [(rows[rows % 2 == part], rows[rows % 2 != part]) for part in (0, 1)]
    # odd rows hold no example of the rare label, so that even ones are judged by the examples of the others alone
    forests, found = rivals.fit_rivals(scores, truth, dense, columns, inner, 1)
    assert set(forests) == set(rivals.AXES)
    rare = found["cell_types"][:, 14]
    assert rare[named[:, 14]].min() > rare[~named[:, 14]].max()
    assert (scores["cell_types"] == 0).all()


@given(st.text(alphabet="aBcDß1é-", max_size=12))
def test_a_short_form_is_one_with_two_capitals_in_eight_signs(word: str) -> None:
    assert is_short_form(word) == (sum(letter.isupper() for letter in word) >= 2 and len(word) <= 8)
