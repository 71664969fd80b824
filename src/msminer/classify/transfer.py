"""Heads learned from public sets: does a sentence tell a rise, a fall, no difference, a harmful or a wanted event?"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from msminer.classify import spec
from msminer.classify.directions import cue_view, idea_columns
from msminer.classify.features import Encoder
from msminer.classify.heads import Heads, Recipe, fit_heads
from msminer.classify.leaks import without_leaks
from msminer.classify.text import sentence_spans
from msminer.classify.views import weighted
from msminer.errors import DataError

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Set:
    """A public set: its file, the field of its sentence, where its labels stand, the labels that heads are made for.

    last: only the last so many sentences of the field are read, as the labels of whole abstracts rest on these.
    """

    file: str
    field: str
    key: str
    labels: tuple[str, ...]
    last: int | None = None


# Evidence Inference 2, PHEE, NegativeResultDetector, PubMedQA.
SETS = (
    Set("ei_direction.jsonl.gz", "text", "direction", ("decreased", "increased", "no_difference")),
    Set("phee.jsonl.gz", "text", "event", ("Adverse_event", "Potential_therapeutic_event")),
    Set("negresult.jsonl.gz", "text", "direction", ("mixed_or_negative",), last=3),
    Set("pubmedqa.jsonl.gz", "conclusion", "answer", ("no", "maybe")),
)
NAMES = tuple(f"{one.key}:{label}" for one in SETS for label in one.labels)


def no_change_heads(encoder: Encoder) -> Heads:
    """Heads that say nothing, for training without the public sets."""
    k, n_dense = len(NAMES), len(idea_columns(encoder))
    return Heads(
        NAMES,
        np.zeros((n_dense, k), np.float32),
        np.zeros((encoder.n_words, k), np.float32),
        np.zeros(k, np.float32),
    )


def fit_change_heads(folder: Path, encoder: Encoder, idf: Floats, held: Sequence[Mapping[str, Any]]) -> Heads:
    """NAMES as heads on single sentences; records that share a text with `held` are left out.

    Raises DataError when a set is missing from the folder.
    """
    parts = [_fit_set(folder / one.file, one, encoder, idf, held) for one in SETS]
    return Heads(
        NAMES,
        np.hstack([p.dense for p in parts]),
        np.hstack([p.words for p in parts]),
        np.concatenate([p.intercept for p in parts]),
    )


def _fit_set(path: Path, one: Set, encoder: Encoder, idf: Floats, held: Sequence[Mapping[str, Any]]) -> Heads:
    records = without_leaks(read_set(path), held)
    # a title is one sentence, whatever stands in it
    batch = encoder.encode({"title": _part(record[one.field], one.last), "abstract": ""} for record in records)
    view = cue_view(batch, encoder, weighted(batch.words, idf)).rows(batch.first[:-1].astype(np.int64))
    told = [record["labels"][one.key] for record in records]
    known = np.array([[label in ([t] if isinstance(t, str) else t) for label in one.labels] for t in told], bool)
    scales = np.ones((len(one.labels), view.dense.shape[1]), np.float32)
    recipe = Recipe(one.labels, scales, spec.DIRECTION_WORDS, spec.CHANGE_STRENGTH)
    return fit_heads(view, known, recipe, np.asarray(view.dense.std(axis=0) + 0.1, np.float32))


def _part(text: str, last: int | None) -> str:
    """The last sentences of a text in one line; all of it by default."""
    plain = " ".join(text.split())
    spans = sentence_spans(f"\n{plain}")[1:]
    return plain if last is None or len(spans) <= last else plain[spans[-last][0] - 1 :]


def read_set(path: Path) -> list[Mapping[str, Any]]:
    """Records of a public set; raises DataError when it is missing or damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            return [json.loads(line) for line in stream]
    except (OSError, ValueError) as error:
        raise DataError("a set to learn from cannot be read", file=path.name, why=str(error)) from error
