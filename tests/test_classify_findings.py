"""Findings: several sentences are asked for a direction, public sets teach rise and fall, nothing leaks from them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msminer.classify import directions
from msminer.classify.features import Batch, Encoder
from msminer.classify.train import make_encoder
from msminer.classify.transfer import NAMES, fit_change_heads, no_change_heads
from msminer.classify.views import weighted
from msminer.errors import DataError
from msminer.vocabulary import load_vocabulary

TEXTS = [
    {"pmid": "1", "title": "Cells in MS", "abstract": "EDSS improved. Relapses fell. Nothing else changed here."},
    {"pmid": "2", "title": "A drug in mice", "abstract": "The clinical score increased in treated mice."},
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder(TEXTS, load_vocabulary())[0]


def context(encoder: Encoder, batch: Batch, outcomes: Any) -> directions.Context:
    words = weighted(batch.words, np.ones(encoder.n_words, np.float32))
    change = directions.change_scores(batch, encoder, words, no_change_heads(encoder))
    documents = np.zeros((len(batch.first) - 1, 3), np.float32)
    told = np.full((len(batch.owner), 4), 0.25, np.float32)
    return directions.Context(words, np.asarray(outcomes, np.float32), change, documents, told)


def test_the_likeliest_sentences_are_asked_and_weights_sum_to_one(encoder: Encoder) -> None:
    batch = encoder.encode(TEXTS)
    scores = np.zeros((len(batch.owner), 10))
    scores[2, 0] = 3.0
    pairs = np.array([[0, 0], [1, 4]])
    rows, who, weight = directions.asked(batch, context(encoder, batch, scores), pairs)
    assert rows[0].tolist() == [2, 0]
    assert np.bincount(who, weight) == pytest.approx([1.0, 1.0])
    assert set(batch.owner[rows[who == 1, 0]]) == {1}
    answers = directions.pooled(np.full((len(rows), 4), 0.25), who, weight, 2)
    assert answers == pytest.approx(np.full((2, 4), 0.25))


def test_a_direction_does_not_depend_on_the_other_abstracts_of_the_batch(encoder: Encoder) -> None:
    both, one = encoder.encode(TEXTS), encoder.encode(TEXTS[1:])
    scores = np.arange(len(both.owner) * 10, dtype=np.float32).reshape(-1, 10) / 50
    together = directions.abstract_view(both, encoder, context(encoder, both, scores), np.array([[1, 3]]))
    alone_scores = scores[both.owner == 1]
    alone = directions.abstract_view(one, encoder, context(encoder, one, alone_scores), np.array([[0, 3]]))
    assert together.dense == pytest.approx(alone.dense, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "more", "less"),
    [
        ("The clinical score was reduced.", "sign:bad_noun>change:down", "sign:bad_noun>change:up"),
        ("Cyclosporine impaired OPC survival.", "change:worse", "change:event"),
        ("Two patients died.", "change:event", "change:worse"),
        ("Treatment did not significantly affect walking.", "change:nodiff", "change:better"),
    ],
)
def test_cues_tell_good_from_bad(encoder: Encoder, text: str, more: str, less: str) -> None:
    ideas = encoder.encode([{"title": text, "abstract": ""}]).ideas[0]
    names = encoder.idea_names
    assert ideas[names.index(more)] > ideas[names.index(less)]


def _sets(folder: Path) -> Path:
    told = [("Pain increased.", "increased"), ("Pain decreased.", "decreased"), ("No difference.", "no_difference")]
    rows = [{"text": f"{text} Site {n} saw it.", "labels": {"direction": d}} for n in range(9) for text, d in told]
    events = [("A rash occurred.", "Adverse_event"), ("It healed well.", "Potential_therapeutic_event")]
    more = [{"text": f"{text} Case {n} says so.", "labels": {"event": [e]}} for n in range(9) for text, e in events]
    results = [("Both groups did well. It helped.", "positive_only"), ("It failed.", "mixed_or_negative")]
    third = [{"text": f"Trial {n}. {text}", "labels": {"direction": d}} for n in range(9) for text, d in results]
    answers = [("It works.", "yes"), ("It does not work.", "no"), ("It may work.", "maybe")]
    fourth = [
        {"conclusion": f"{c} Study {n}.", "text": f"{c} {n}", "labels": {"answer": a}}
        for n in range(9)
        for c, a in answers
    ]
    sets = {"ei_direction": rows, "phee": more, "negresult": third, "pubmedqa": fourth}
    for name, lines in sets.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(line) + "\n" for line in lines)
    return folder


def test_public_sets_teach_rise_and_fall(tmp_path: Path, encoder: Encoder) -> None:
    heads = fit_change_heads(_sets(tmp_path), encoder, np.ones(encoder.n_words, np.float32), TEXTS)
    assert heads.names == NAMES
    batch = encoder.encode(
        [{"title": "Fatigue increased.", "abstract": ""}, {"title": "It decreased.", "abstract": ""}]
    )
    words = weighted(batch.words, np.ones(encoder.n_words, np.float32))
    found = directions.change_scores(batch, encoder, words, heads)[batch.first[:-1]]
    assert found[0, 1] > found[1, 1]
    assert found[1, 0] > found[0, 0]


def test_a_missing_or_damaged_set_is_named(tmp_path: Path, encoder: Encoder) -> None:
    ones = np.ones(encoder.n_words, np.float32)
    with pytest.raises(DataError, match="cannot be read"):
        fit_change_heads(tmp_path, encoder, ones, TEXTS)
    (tmp_path / "ei_direction.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match="cannot be read"):
        fit_change_heads(tmp_path, encoder, ones, TEXTS)
