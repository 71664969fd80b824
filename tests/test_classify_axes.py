"""What tells the labels of an abstract: names, look-alikes, what it says of its own kind, shares, thresholds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from msminer.classify import spec, views
from msminer.classify.cues import load_cues
from msminer.classify.features import Batch, Encoder
from msminer.classify.phrases import PhraseBook, cue_phrases, vocabulary_phrases
from msminer.classify.tuning import best_threshold, fit_blend
from msminer.errors import VocabularyError
from msminer.vocabulary import load_vocabulary


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """An encoder that knows the vocabulary and the cues, and no words."""
    return Encoder(PhraseBook([*vocabulary_phrases(load_vocabulary()), *cue_phrases(load_cues())]), [], [])


def _batch(encoder: Encoder, title: str, abstract: str = "") -> Batch:
    return encoder.encode([{"pmid": "1", "title": title, "abstract": abstract}])


def _ideas(encoder: Encoder, title: str) -> set[str]:
    counts = _batch(encoder, title).ideas.sum(axis=0)
    return {name for name, count in zip(encoder.idea_names, counts, strict=True) if count and ">" not in name}


@pytest.mark.parametrize(
    ("text", "idea"),
    [
        ("Syngeneic BMT after total body irradiation in rats", "cell_types:HSC"),
        ("Infections in stem cell transplant recipients", "cell_types:HSC"),
        ("Bone mesenchymal stromal cells become neurons", "cell_types:MSC-BM"),
        ("Stromal cells of the umbilical cord and the liver", "cell_types:MSC-UC"),
        ("Chondroprogenitors for the repair of a joint", "cell_types:MSC-other"),
        ("Drugs for adult hippocampal neurogenesis", "cell_types:NSC"),
        ("A leukodystrophy treated in mice", "populations:dysmyelination"),
        ("Experimental optic neuritis and its treatment", "populations:eae"),
        ("Scores of age-matched controls", "populations:healthy_human"),
        ("Exercise for fatigue: study protocol for a randomised trial", "says:protocol"),
        ("Editorial Commentary: cells for the knee", "says:opinion"),
        ("An expert consensus on family planning", "says:guideline"),
        ("Walking and falls: a systematic review", "says:systematic_review"),
        ("Late oedema of the eye: a case report", "says:case_report"),
        ("A randomised, double-blind, placebo-controlled trial", "says:trial_controlled"),
        ("An open-label phase 1 study", "says:trial_uncontrolled"),
        ("A nationwide registry of births", "says:observational"),
    ],
)
def test_names_of_the_field_are_known(encoder: Encoder, text: str, idea: str) -> None:
    assert idea in _ideas(encoder, text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Stem cell factor and filgrastim", "cell_types:other"),
        ("Cancer stem cells resist the drug", "cell_types:other"),
        ("Ceramides measured by RPLC-MS/MS", "populations:ms"),
        ("Neural stem cell transplantation in the cortex", "cell_types:HSC"),
    ],
)
def test_look_alikes_are_not_taken_for_the_label(encoder: Encoder, text: str, wrong: str) -> None:
    assert wrong not in _ideas(encoder, text)


def test_every_says_cue_is_a_study_design_and_weighs_as_its_own_idea() -> None:
    designs = load_vocabulary().designs
    assert set(load_cues()["says"]) == set(designs)
    ideas = [f"says:{design}" for design in designs]
    scales = spec.document_scales(ideas, "study_design", designs, 0, 0)
    assert (scales[:, : len(ideas)].diagonal() == spec.OWN).all()
    assert (scales[0, 1 : len(ideas)] < spec.OWN).all()


def test_shares_add_up_to_one_in_each_group_that_is_named() -> None:
    names = ["cell_types:HSC", "cell_types:MSC", "populations:ms", "cell_types:HSC>given:given", "given:given"]
    counts = np.array([[3, 1, 5, 2, 2], [0, 0, 4, 0, 0]], np.float32)
    expected = np.array([[0.75, 0.25, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32)
    assert np.array_equal(views.shares(counts, names), expected)


def test_columns_of_the_document_view_are_all_named(encoder: Encoder) -> None:
    dense = views.document_dense(_batch(encoder, "Stem cells", "We gave stem cells to mice."), encoder.idea_names)
    assert dense.shape == (1, len(encoder.idea_names) * len(views.DOCUMENT_ZONES) + len(views.EXTRA_DOCUMENT))


def test_the_threshold_is_the_middle_of_the_best_ones() -> None:
    p = np.array([[0.2], [0.25], [0.55], [0.7]])
    labels = np.array([[False], [False], [True], [True]])
    # all from 0.275 to 0.55 separate perfectly
    assert best_threshold(p, labels) == pytest.approx(0.4125)


def test_a_blend_of_heads_alone_gives_the_forest_no_weight() -> None:
    rng = np.random.default_rng(3)
    labels = rng.random((200, 2)) < 0.5
    told = (labels * 2.0 - 1 + rng.normal(0, 1, labels.shape)).astype(np.float32)
    both = fit_blend(told, told.astype(float), labels)
    alone = fit_blend(told, told.astype(float), labels, alone=True)
    assert both[1].min() > 0
    assert alone[1].max() == 0
    assert alone[0].min() > 0


def test_cues_given_twice_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cues.yaml"
    path.write_text("given:\n  drug: placebo\ngiven:\n  drug: tablets\n", encoding="utf-8")
    with pytest.raises(VocabularyError, match="given twice"):
        load_cues(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Osteochondral autologous transplantation (OAT) of the knee. OAT healed.", set()),
        ("Autologous transplantation was offered.", {"HSC"}),
        ("NSC-34 cells were cultured.", set()),
        ("A scaffold with autologous bone marrow healed.", {"MSC-BM"}),
        ("Adipose-derived cells and synovial cells were compared.", {"MSC-AD", "MSC-other"}),
    ],
)
def test_names_and_look_alikes_of_cells(encoder: Encoder, text: str, told: set[str]) -> None:
    cells = {name.split(":")[1] for name in _ideas(encoder, text) if name.startswith("cell_types:")}
    assert cells - {"lookalike"} == told
