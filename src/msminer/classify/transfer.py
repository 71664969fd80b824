"""Heads learned from public sets: does a sentence tell a rise, a fall, no difference, a harmful or a wanted event?"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from msminer.classify import spec
from msminer.classify.directions import cue_view, idea_columns
from msminer.classify.features import Encoder
from msminer.classify.heads import Heads, Recipe, fit_heads
from msminer.classify.leaks import without_leaks
from msminer.classify.views import weighted
from msminer.errors import DataError

Floats = npt.NDArray[np.float32]
# File of a set, where its labels stand, and the labels that heads are made for (Evidence Inference 2; PHEE).
SETS = (
    ("ei_direction.jsonl.gz", "direction", ("decreased", "increased", "no_difference")),
    ("phee.jsonl.gz", "event", ("Adverse_event", "Potential_therapeutic_event")),
)
NAMES = tuple(f"{key}:{label}" for _, key, labels in SETS for label in labels)


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
    parts = [_fit_set(folder / name, key, labels, encoder, idf=idf, held=held) for name, key, labels in SETS]
    return Heads(
        NAMES,
        np.hstack([p.dense for p in parts]),
        np.hstack([p.words for p in parts]),
        np.concatenate([p.intercept for p in parts]),
    )


def _fit_set(
    path: Path,
    key: str,
    labels: Sequence[str],
    encoder: Encoder,
    *,
    idf: Floats,
    held: Sequence[Mapping[str, Any]],
) -> Heads:
    records = without_leaks(read_set(path), held)
    batch = encoder.encode({"title": record["text"], "abstract": ""} for record in records)
    view = cue_view(batch, encoder, weighted(batch.words, idf)).rows(batch.first[:-1].astype(np.int64))
    told = [record["labels"][key] for record in records]
    known = np.array([[label in ([t] if isinstance(t, str) else t) for label in labels] for t in told], bool)
    scales = np.ones((len(labels), view.dense.shape[1]), np.float32)
    recipe = Recipe(tuple(labels), scales, spec.DIRECTION_WORDS, spec.CHANGE_STRENGTH)
    return fit_heads(view, known, recipe, np.asarray(view.dense.std(axis=0) + 0.1, np.float32))


def read_set(path: Path) -> list[Mapping[str, Any]]:
    """Records of a public set; raises DataError when it is missing or damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            return [json.loads(line) for line in stream]
    except (OSError, ValueError) as error:
        raise DataError("a set to learn from cannot be read", file=path.name, why=str(error)) from error
