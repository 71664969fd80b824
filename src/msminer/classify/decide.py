"""From probabilities to decided labels: hierarchy, exclusive none, abstention, findings with their sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from msminer.classify.cells import finding_cell
from msminer.classify.features import Batch, Encoder
from msminer.classify.heads import Bools, Doubles
from msminer.classify.models import OUTCOMES, Parts, Predicted, likeliest
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
    """Labels of each axis in order, and least probability to decide a label, by axis; share of each direction; cell
    type → its column of `Batch.ideas`.
    """

    vocabulary: Vocabulary
    thresholds: Mapping[str, float]
    direction_share: Doubles
    cell_columns: Mapping[str, int]


def make_rules(vocabulary: Vocabulary, parts: Parts, encoder: Encoder) -> Rules:
    """The rules of fitted parts."""
    number = encoder.book.number
    columns = {i: number[f"cell_types:{i}"] for i in vocabulary.ids("cell_types") if f"cell_types:{i}" in number}
    return Rules(vocabulary, dict(parts.thresholds), parts.direction_share, columns)


def decided_matrix(axis: str, p: Doubles, threshold: float, vocabulary: Vocabulary) -> Bools:
    """Decided labels of an axis that holds many, abstracts x labels.

    Labels at or above the threshold, parents added, `none` alone; else the likeliest, unless it is a guess.
    """
    ids = vocabulary.ids(axis)
    decided: Bools = p >= threshold
    if axis in _ALWAYS:
        likeliest_one = p.argmax(axis=1)
        undecided = ~decided.any(axis=1) & (p.max(axis=1) >= ABSTAIN)
        decided[undecided, likeliest_one[undecided]] = True
    if NONE in ids:
        none = ids.index(NONE)
        rest = np.where(decided, p, -1.0)
        rest[:, none] = -1.0
        alone = decided[:, none] & (p[:, none] > rest.max(axis=1))
        decided[:, none] = alone
        decided[alone] = np.arange(len(ids)) == none
    kin = np.array([[parent in vocabulary.with_parents([label]) for parent in ids] for label in ids], bool)
    return np.asarray(decided @ kin, bool)


def _many(axis: str, p: Doubles, rules: Rules) -> list[list[LabelScore]]:
    """`decided_matrix` as labels with their chance; a parent is at least as likely as its likeliest decided child."""
    ids = rules.vocabulary.ids(axis)
    decided = decided_matrix(axis, p, rules.thresholds[axis], rules.vocabulary)
    chance = p.copy()
    for n, label in enumerate(ids):
        if label in rules.vocabulary.parents:
            parent = ids.index(rules.vocabulary.parents[label])
            chance[:, parent] = np.maximum(chance[:, parent], np.where(decided[:, n], p[:, n], 0.0))
    out: list[list[LabelScore]] = [[] for _ in p]
    rows, columns = np.nonzero(decided)
    for row, column, value in zip(rows.tolist(), columns.tolist(), chance[rows, columns].tolist(), strict=True):
        out[row].append({"label": ids[column], "p": round(value, 4)})
    return out


def _designs(p: Doubles, rules: Rules) -> list[LabelScore | None]:
    """The likeliest design of each abstract; None where it is a guess."""
    best, ids = p.argmax(axis=1).tolist(), rules.vocabulary.designs
    return [
        {"label": ids[n], "p": round(value, 4)} if value >= ABSTAIN else None
        for n, value in zip(best, p.max(axis=1).tolist(), strict=True)
    ]


def labelled(
    records: Sequence[Mapping[str, object]], batch: Batch, predicted: Predicted, rules: Rules, model: str
) -> Iterator[LabelledRecord]:
    """One labelled record for each record, in order; a record without text gets none and abstains on every axis."""
    cells, populations, routes = (
        _many(axis, predicted.axes[axis], rules) for axis in ("cell_types", "populations", "routes")
    )
    designs = _designs(predicted.axes["study_design"], rules)
    findings = _findings(batch, predicted, cells, rules)
    for number, record in enumerate(records):
        pmid = str(record["pmid"])
        if not batch.texts[number].strip():
            yield _empty(pmid, model)
            continue
        found = {"cell_types": cells[number], "study_design": designs[number], "populations": populations[number]}
        yield {
            "pmid": pmid,
            "model": model,
            "cell_types": cells[number],
            "study_design": designs[number],
            "populations": populations[number],
            "routes": routes[number],
            "findings": findings[number],
            "abstained": [axis for axis, decided in found.items() if not decided],
        }


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


def _findings(
    batch: Batch, predicted: Predicted, cells: Sequence[Sequence[LabelScore]], rules: Rules
) -> list[list[FindingSpan]]:
    outcomes, directions = rules.vocabulary.ids(OUTCOMES), rules.vocabulary.ids("directions")
    rows, columns = np.nonzero(predicted.outcomes >= rules.thresholds[OUTCOMES])
    sentences = predicted.sentence[rows, columns]
    spans = batch.spans[sentences].tolist()
    chosen = likeliest(predicted.direction[rows, columns], rules.direction_share).tolist()
    p = predicted.joint[rows, columns].tolist()
    out: list[list[FindingSpan]] = [[] for _ in batch.texts]
    for at, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        start, end = spans[at]
        out[row].append(
            {
                "outcome": outcomes[column],
                "direction": directions[chosen[at]],
                "cell_type": _cell_type(cells[row], rules, batch, (row, int(sentences[at]))),
                "start": start,
                "end": end,
                "quote": batch.texts[row][start:end],
                "p": round(p[at], 4),
            }
        )
    return out


def _cell_type(cells: Sequence[LabelScore], rules: Rules, batch: Batch, at: tuple[int, int]) -> str:
    chance = {cell["label"]: cell["p"] for cell in cells}
    return finding_cell(chance, rules.vocabulary.parents, batch, rules.cell_columns, at)
