"""Roles of sentences and hints: learned from other texts than the gold, silent without them, sections believed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msminer.classify.features import Encoder
from msminer.classify.heads import View
from msminer.classify.hints import FEWEST, GROUPS, fit_hints, hint_scores, no_hints
from msminer.classify.models import document_view
from msminer.classify.roles import FILE, fit_roles, no_roles, role_chances, told_roles
from msminer.classify.train import make_encoder
from msminer.classify.views import ROLES, document_counts, document_dense, weighted
from msminer.errors import DataError
from msminer.vocabulary import load_vocabulary

SECTIONS: list[dict[str, Any]] = [
    {"label": "OBJECTIVE", "text": "We asked whether the cells help."},
    {"label": "METHODS AND RESULTS", "text": "Cells were given. Scores fell by half."},
    {"label": None, "text": "More was seen."},
    {"label": "CONCLUSIONS", "text": "The cells are safe."},
]
RECORD: dict[str, Any] = {
    "pmid": "1",
    "title": "Cells in MS",
    "abstract": " ".join(str(section["text"]) for section in SECTIONS),
    "sections": SECTIONS,
}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder([RECORD], load_vocabulary())[0]


def ones(encoder: Encoder) -> Any:
    return np.ones(encoder.n_words, np.float32)


def test_labelled_sections_tell_the_role(encoder: Encoder) -> None:
    plain = {**RECORD, "pmid": "2", "sections": [{"label": None, "text": RECORD["abstract"]}]}
    batch = encoder.encode([plain, RECORD])
    told = told_roles([plain, RECORD], batch)
    first = int(batch.first[1])
    assert told[:first].all(), "without labels every role is open"
    named = [{ROLES[n] for n in np.flatnonzero(row)} for row in told[first:]]
    every = set(ROLES)
    assert named == [every, {"background"}, {"method", "result"}, {"method", "result"}, every, {"conclusion"}]
    words = weighted(batch.words, ones(encoder))
    p = role_chances(batch, encoder, words, no_roles(encoder), told)
    assert p[first + 1].tolist() == pytest.approx([1, 0, 0, 0], abs=1e-4)
    assert p[first + 2].tolist() == pytest.approx([0, 0.5, 0.5, 0], abs=1e-4)
    assert p[[0, first]].sum() == 0, "a title has no role"


def test_sections_that_are_not_the_abstract_say_nothing(encoder: Encoder) -> None:
    other = {**RECORD, "abstract": RECORD["abstract"] + " A sentence more."}
    batch = encoder.encode([other])
    assert told_roles([other], batch).all()


def _roles(folder: Path) -> Path:
    told = [
        ("The disease is common and little is known.", "BACKGROUND"),
        ("Patients were randomised and assessed.", "METHODS"),
        ("Scores were significantly lower in the treated group.", "RESULTS"),
        ("In conclusion, these data suggest that it works.", "CONCLUSIONS"),
    ]
    abstracts = [
        {
            "id": str(n),
            "title": f"Trial {n}",
            "sentences": [{"text": f"{text[:-1]} {n}.", "role": r} for text, r in told],
        }
        for n in range(20)
    ]
    with gzip.open(folder / FILE, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in abstracts)
    return folder


def test_roles_are_learned_from_the_public_set(tmp_path: Path, encoder: Encoder) -> None:
    heads = fit_roles(_roles(tmp_path), encoder, ones(encoder), [])
    text = (
        "Little is known of it. Patients were assessed. Scores were significantly lower. These data suggest it works."
    )
    record = {"pmid": "3", "title": "A", "abstract": text}
    batch = encoder.encode([record])
    p = role_chances(batch, encoder, weighted(batch.words, ones(encoder)), heads, told_roles([record], batch))
    assert p[1:].argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert p[1:].sum(axis=1) == pytest.approx(np.ones(4))
    with pytest.raises(DataError, match="cannot be read"):
        fit_roles(tmp_path / "absent", encoder, ones(encoder), [])


def _indexed(n: int) -> list[dict[str, Any]]:
    rows = []
    for number in range(n):
        mice = number % 2 == 0
        who = "mice were injected and sacrificed" if mice else "patients were enrolled and interviewed"
        name = "Animals" if mice else "Humans"
        mesh = [{"ui": None, "name": name}]
        rows.append({"pmid": str(number), "title": f"Study {number}", "abstract": f"In {number} {who}.", "mesh": mesh})
    return rows


def score(encoder: Encoder, text: str, heads: Any) -> dict[str, float]:
    batch = encoder.encode([{"title": "", "abstract": text}])
    view = View(document_dense(batch, encoder.idea_names), weighted(document_counts(batch), ones(encoder)))
    return dict(zip(GROUPS, hint_scores(view, encoder, heads)[0].tolist(), strict=True))


def test_hints_learn_what_indexers_say_and_rare_groups_say_nothing(encoder: Encoder) -> None:
    heads = fit_hints(_indexed(3 * FEWEST), encoder, ones(encoder), [], 1)
    found = score(encoder, "The mice were injected and sacrificed.", heads)
    assert found["animals"] > 0 > found["humans"]
    assert found["review"] == 0.0


def test_hints_without_indexed_records_are_silent_and_held_texts_are_left_out(encoder: Encoder) -> None:
    records = _indexed(3 * FEWEST)
    for learned in (
        fit_hints([], encoder, ones(encoder), [], 1),
        fit_hints(records, encoder, ones(encoder), records, 1),
    ):
        assert set(score(encoder, "The mice were injected.", learned).values()) == {0.0}
    assert no_hints(encoder).names == tuple(GROUPS)


def test_views_have_a_column_for_every_scale(encoder: Encoder) -> None:
    from msminer.classify import spec
    from msminer.classify.models import Learned, sentence_view
    from msminer.classify.transfer import no_change_heads

    topics = np.zeros((len(encoder.words), 3), np.float32)
    learned = Learned(ones(encoder), topics, no_change_heads(encoder), no_roles(encoder), no_hints(encoder))
    batch = encoder.encode([RECORD])
    told = np.full((len(batch.owner), len(ROLES)), 0.25, np.float32)
    scales = spec.document_scales(encoder.idea_names, "routes", ("other",), 3, len(GROUPS))
    assert document_view(batch, encoder, learned, told).dense.shape[1] == scales.shape[1]
    assert (
        sentence_view(batch, learned, told).dense.shape[1]
        == (spec.sentence_scales(encoder.idea_names, ("mri",), 3).shape[1])
    )
