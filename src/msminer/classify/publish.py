"""Put a new model in place of the one in use, unless it is worse on the abstracts that both were judged by."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msminer.classify.scores import differences
from msminer.classify.targets import read_gold
from msminer.errors import ModelRefused
from msminer.vocabulary import load_vocabulary

# What verdicts rest on; rare classes and single directions swing too much between two runs to decide here.
JUDGED = (
    "cell_types micro_f1",
    "populations micro_f1",
    "study_design micro_f1",
    "findings.outcome micro_f1",
    "findings.direction accuracy",
    "findings.outcome_and_direction micro_f1",
)
_LABELS = "out_of_fold.jsonl"
Worse = dict[str, dict[str, float]]


def publish(made: Path, place: Path, gold: Path, *, seed: int) -> None:
    """Copy the files of the folder `made` (model and card) to `place`.

    Raises ModelRefused, and copies nothing, when the new model is worse on any measure of JUDGED beyond doubt: the 95%
    paired bootstrap interval of new minus old, on the abstracts of the gold that both labelled out of fold, lies below
    0. Also when no abstract was labelled by both. An empty place takes any model.
    """
    if (place / _LABELS).is_file():
        worse = {name: value for name, value in _against(made, place, gold, seed).items() if value["high"] < 0}
        if worse:
            raise ModelRefused("the new model is worse than the one in use", worse=worse)
    place.mkdir(parents=True, exist_ok=True)
    for path in sorted(made.iterdir()):
        shutil.copy2(path, place / path.name)


def _against(made: Path, place: Path, gold: Path, seed: int) -> Worse:
    old, new = _labels(place), _labels(made)
    entries = [entry for entry in read_gold(gold) if entry["pmid"] in old and entry["pmid"] in new]
    if not entries:
        raise ModelRefused("the new model cannot be compared: no abstract was labelled by both", old=len(old))
    both = [[labels[entry["pmid"]] for entry in entries] for labels in (old, new)]
    found = differences(entries, both[0], both[1], load_vocabulary(), seed)
    return {name: found[name] for name in JUDGED}


def _labels(folder: Path) -> dict[str, Mapping[str, Any]]:
    rows = [json.loads(line) for line in (folder / _LABELS).read_text(encoding="utf-8").splitlines()]
    return {row["pmid"]: row for row in rows}
