"""Scores of a fitted model on gold abstracts that it has not seen: no training, no folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msminer.classify.errors_table import error_tables
from msminer.classify.evaluate import near
from msminer.classify.modelfile import Model
from msminer.classify.scores import calibration, score_all
from msminer.classify.targets import paired, read_gold
from msminer.classify.train import SEED, read_records
from msminer.errors import DataError
from msminer.vocabulary import load_vocabulary


def unseen(gold: Path, trained_on: Sequence[Path]) -> bool:
    """Whether a gold file shares no PMID with those a model was trained on."""
    known = {str(entry["pmid"]) for path in trained_on for entry in read_gold(path)}
    return not known & {str(entry["pmid"]) for entry in read_gold(gold)}


def score_unseen(
    model: Model, gold: Path, records: Sequence[Path], trained_on: Sequence[Path], *, seed: int = SEED
) -> dict[str, Any]:
    """The model's scores on a gold file: per axis and class with 95% bootstrap intervals, calibration, error tables.

    Raises DataError when the gold shares an abstract with what the model was trained on, or its texts do not fit.
    """
    if not unseen(gold, trained_on):
        raise DataError("the model was trained on some of these abstracts; score it on others", gold=gold.name)
    entries, texts = paired(read_gold(gold), read_records(records))
    told: list[Mapping[str, Any]] = [dict(row) for row in model.label(texts)]
    vocabulary = load_vocabulary()
    mine = [number for number, entry in enumerate(entries) if near(entry)]
    return {
        "model": model.id,
        "data": {"gold": gold.name, "abstracts": len(entries), "seed": seed},
        "scores": score_all(entries, told, vocabulary, seed),
        "scores_cells_and_ms": score_all(
            [entries[n] for n in mine], [told[n] for n in mine], vocabulary, seed, each=False
        ) if mine else None,
        "calibration": calibration(entries, told),
        "errors": error_tables(entries, told, vocabulary),
    }  # fmt: skip
