"""From probabilities to decided labels: hierarchy, exclusive none, abstention, findings with their sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from msminer.classify.features import Batch
from msminer.classify.heads import Doubles
from msminer.classify.models import OUTCOMES, Predicted, likeliest
from msminer.vocabulary import NONE, Vocabulary

if TYPE_CHECKING:
    from msminer.schema import FindingSpan, LabelledRecord, LabelScore

AXES = ("cell_types", "study_design", "populations", "routes", "findings")
# These always hold of an abstract with text, so that the likeliest label is given where none passes the threshold.
_ALWAYS = ("cell_types", "populations")
# Below this the likeliest label is a guess: the axis abstains. Set by hand (2026-11).
ABSTAIN = 0.2


@dataclass(frozen=True)
class Rules:
    """Labels of each axis in order, and least probability to decide a label, by axis; share of each direction."""

    vocabulary: Vocabulary
    thresholds: Mapping[str, float]
    direction_share: Doubles


def decided_labels(axis: str, chance: Mapping[str, float], threshold: float, vocabulary: Vocabulary) -> frozenset[str]:
    """Labels at or above the threshold, parents added, `none` alone; else the likeliest, unless it is a guess."""
    decided = {label for label, value in chance.items() if value >= threshold}
    if not decided and axis in _ALWAYS:
        likeliest_one = max(chance, key=lambda label: chance[label])
        decided = {likeliest_one} if chance[likeliest_one] >= ABSTAIN else set()
    if NONE in decided and len(decided) > 1:
        rest = max(chance[label] for label in decided if label != NONE)
        decided = {NONE} if chance[NONE] > rest else decided - {NONE}
    return vocabulary.with_parents(decided)


def decided_matrix(axis: str, p: Doubles, threshold: float, vocabulary: Vocabulary) -> npt.NDArray[np.bool_]:
    """`decided_labels` of many abstracts: abstracts x labels."""
    ids = vocabulary.ids(axis)
    rows = (decided_labels(axis, dict(zip(ids, row, strict=True)), threshold, vocabulary) for row in p.tolist())
    return np.array([[label in row for label in ids] for row in rows], bool)


def many(axis: str, p: Sequence[float], rules: Rules) -> list[LabelScore]:
    """Decided labels of an axis that holds many, parents added, `none` alone; empty where nothing is sure enough."""
    ids = rules.vocabulary.ids(axis)
    chance = dict(zip(ids, map(float, p), strict=True))
    wanted = decided_labels(axis, chance, rules.thresholds[axis], rules.vocabulary)
    return [{"label": i, "p": round(_with_children(i, chance, wanted, rules), 4)} for i in ids if i in wanted]


def _with_children(label: str, chance: Mapping[str, float], wanted: frozenset[str], rules: Rules) -> float:
    """A parent is at least as likely as its likeliest decided child."""
    children = [chance[c] for c in wanted if rules.vocabulary.parents.get(c) == label]
    return max([chance[label], *children])


def labelled(
    records: Sequence[Mapping[str, object]], batch: Batch, predicted: Predicted, rules: Rules, model: str
) -> Iterator[LabelledRecord]:
    """One labelled record for each record, in order; a record without text gets none and abstains on every axis."""
    for number, record in enumerate(records):
        pmid = str(record["pmid"])
        if not batch.texts[number].strip():
            yield _empty(pmid, model)
        else:
            yield _one(pmid, number, batch, predicted, rules=rules, model=model)


def _empty(pmid: str, model: str) -> LabelledRecord:
    return {
        "pmid": pmid,
        "model": model,
        "cell_types": [],
        "study_design": None,
        "populations": [],
        "routes": [],
        "findings": [],
        "abstained": list(AXES),
    }


def _one(pmid: str, number: int, batch: Batch, predicted: Predicted, *, rules: Rules, model: str) -> LabelledRecord:
    cells = many("cell_types", predicted.axes["cell_types"][number].tolist(), rules)
    populations = many("populations", predicted.axes["populations"][number].tolist(), rules)
    design = _design(predicted.axes["study_design"][number], rules)
    abstained = [
        axis
        for axis, empty in (
            ("cell_types", not cells),
            ("study_design", design is None),
            ("populations", not populations),
        )
        if empty
    ]
    return {
        "pmid": pmid,
        "model": model,
        "cell_types": cells,
        "study_design": design,
        "populations": populations,
        "routes": many("routes", predicted.axes["routes"][number].tolist(), rules),
        "findings": list(_findings(number, batch, predicted, cells, rules)),
        "abstained": abstained,
    }


def _design(p: Doubles, rules: Rules) -> LabelScore | None:
    best = int(p.argmax())
    if p[best] < ABSTAIN:
        return None
    return {"label": rules.vocabulary.designs[best], "p": round(float(p[best]), 4)}


def _findings(
    number: int, batch: Batch, predicted: Predicted, cells: Sequence[LabelScore], rules: Rules
) -> Iterator[FindingSpan]:
    text = batch.texts[number]
    directions = rules.vocabulary.ids("directions")
    for column, outcome in enumerate(rules.vocabulary.ids(OUTCOMES)):
        if predicted.outcomes[number, column] < rules.thresholds[OUTCOMES]:
            continue
        start, end = batch.spans[predicted.sentence[number, column]].tolist()
        yield {
            "outcome": outcome,
            "direction": directions[
                int(likeliest(predicted.direction[number, column][None], rules.direction_share)[0])
            ],
            "cell_type": _cell_type(cells, rules),
            "start": start,
            "end": end,
            "quote": text[start:end],
            "p": round(float(predicted.joint[number, column]), 4),
        }


def _cell_type(cells: Sequence[LabelScore], rules: Rules) -> str:
    """The likeliest of the most specific cell types; `none` where nothing else is decided."""
    parents = {rules.vocabulary.parents.get(c["label"]) for c in cells}
    leaves = [c for c in cells if c["label"] not in parents]
    best = max(leaves, key=lambda c: c["p"], default=None)
    return best["label"] if best else NONE
