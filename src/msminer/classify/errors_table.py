"""Confusion of out-of-fold predictions with the gold, for correcting shares and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msminer.vocabulary import NONE, Vocabulary

Rows = Sequence[Mapping[str, Any]]
Counts = dict[str, dict[str, int]]
MANY = ("cell_types", "populations", "routes")


def error_tables(gold: Rows, predicted: Rows, vocabulary: Vocabulary) -> dict[str, Any]:
    """Counts gold → predicted, of records in the same order.

    axes: per label of a many-label axis {"both", "missed", "false", "neither"}; study_design as a matrix.
    findings.direction: direction → direction of findings whose outcome is in both; the gold row `none` holds predicted
    findings that the gold lacks, the predicted column `none` those that were missed.
    findings.by_outcome: the same per outcome. findings.cell_type: gold → predicted cell type of shared outcomes.
    """
    axes: dict[str, Any] = {axis: _labels(gold, predicted, axis, vocabulary.ids(axis)) for axis in MANY}
    axes["study_design"] = _designs(gold, predicted, vocabulary.designs)
    outcomes, directions = vocabulary.ids("outcomes"), vocabulary.ids("directions")
    by_outcome = {outcome: _directions(gold, predicted, outcome, directions) for outcome in outcomes}
    total = _square(directions)
    for table in by_outcome.values():
        for truth, row in table.items():
            for told, n in row.items():
                total[truth][told] += n
    return {
        "records": len(gold),
        "axes": axes,
        "findings": {
            "direction": total,
            "by_outcome": by_outcome,
            "cell_type": _cells(gold, predicted, vocabulary.ids("cell_types")),
        },
    }


def _labels(gold: Rows, predicted: Rows, axis: str, ids: Sequence[str]) -> Counts:
    out = {label: {"both": 0, "missed": 0, "false": 0, "neither": 0} for label in ids}
    for truth, told in zip(gold, predicted, strict=True):
        said = {entry["label"] for entry in told[axis]}
        for label in ids:
            key = {(True, True): "both", (True, False): "missed", (False, True): "false", (False, False): "neither"}
            out[label][key[label in truth[axis], label in said]] += 1
    return out


def _designs(gold: Rows, predicted: Rows, ids: Sequence[str]) -> Counts:
    out = _square(ids)
    for truth, told in zip(gold, predicted, strict=True):
        out[truth["study_design"]][told["study_design"]["label"] if told["study_design"] else NONE] += 1
    return out


def _directions(gold: Rows, predicted: Rows, outcome: str, ids: Sequence[str]) -> Counts:
    out = _square(ids)
    for truth, told in zip(gold, predicted, strict=True):
        real = {f["direction"] for f in truth["findings"] if f["outcome"] == outcome}
        said = {f["direction"] for f in told["findings"] if f["outcome"] == outcome}
        if real or said:
            one = min(real & said or real or {NONE})
            out[one][min(real & said or said or {NONE})] += 1
    return out


def _cells(gold: Rows, predicted: Rows, ids: Sequence[str]) -> Counts:
    out = _square(ids)
    for truth, told in zip(gold, predicted, strict=True):
        real = {f["outcome"]: f["cell_type"] for f in truth["findings"]}
        for finding in told["findings"]:
            if finding["outcome"] in real:
                out[real[finding["outcome"]]][finding["cell_type"]] += 1
    return out


def _square(ids: Sequence[str]) -> Counts:
    names = [*ids, *([] if NONE in ids else [NONE])]
    return {a: dict.fromkeys(names, 0) for a in names}
