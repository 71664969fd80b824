"""Agreement of two readers: Cohen's kappa per label and per axis, each with its counts and interval."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from msminer.annotate.compare import Pair, axis_sets, finding_key
from msminer.annotate.journal import Contents, Entry
from msminer.annotate.project import Project
from msminer.vocabulary import Vocabulary, load_vocabulary

COLUMNS = (
    "readers",
    "axis",
    "label",
    "n",
    "both",
    "first_only",
    "second_only",
    "neither",
    "observed",
    "kappa",
    "low",
    "high",
    "note",
)


def agreement(folder: Path, vocabulary: Vocabulary | None = None) -> pd.DataFrame:
    """Agreement of every two readers of a round, over the records that both finished and read in the same text.

    One row a label (yes or no), and one an axis, where label is empty. Columns: readers "A and B"; axis; label;
    n records, or n findings for direction and sentence; both, first_only, second_only, neither: counts (axis rows that
    are no yes-or-no question leave them missing); observed agreement 0 to 1; kappa with its 95% limits; note: why a
    figure is missing.

    Axis rows: study_design, one kappa over its classes; cell_types, populations, routes and outcomes, the yes-or-no
    decisions of all labels pooled; direction, over the findings whose outcome and cell type both gave; sentence, the
    share of findings with the same outcome, direction and cell type whose rationale is the same sentence (a share, so
    no kappa). Kappa and its asymptotic interval (Fleiss, Cohen and Everitt 1969) come from statsmodels; both stand
    missing where chance agreement is 1, as when neither reader ever used a label.
    """
    words = vocabulary or load_vocabulary()
    readings = Project(folder).readings()
    rows = [
        {"readers": f"{first} and {second}", **row}
        for first, second in combinations(sorted(readings), 2)
        for row in _rows(_doubly_read(first, readings[first], second, readings[second]), words)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _doubly_read(first: str, one: Contents, second: str, two: Contents) -> list[Pair]:
    other = two.finished()
    found = [
        Pair(pmid, (first, second), (entry, other[pmid])) for pmid, entry in one.finished().items() if pmid in other
    ]
    return [pair for pair in found if pair.same_text]


def _rows(pairs: Sequence[Pair], words: Vocabulary) -> Iterable[dict[str, Any]]:
    yield _classes("study_design", [tuple(entry.labels.study_design for entry in pair.entries) for pair in pairs])
    for axis in ("cell_types", "populations", "routes"):
        yield from _labels(axis, words.ids(axis), pairs, _chosen(axis))
    yield from _labels("outcomes", words.ids("outcomes"), pairs, _outcomes)
    yield _classes("direction", [found for pair in pairs for found in _directions(pair)])
    yield _sentences(pairs)


def _chosen(axis: str) -> Callable[[Entry], frozenset[object]]:
    return lambda entry: axis_sets(entry.labels)[axis]


def _outcomes(entry: Entry) -> frozenset[object]:
    return frozenset(finding.outcome for finding in entry.labels.findings)


def _labels(
    axis: str, labels: Sequence[str], pairs: Sequence[Pair], chosen: Callable[[Entry], frozenset[object]]
) -> Iterable[dict[str, Any]]:
    pooled = np.zeros((2, 2))
    rows = []
    for label in labels:
        table = np.zeros((2, 2))
        for pair in pairs:
            first, second = (label in chosen(entry) for entry in pair.entries)
            table[int(not first), int(not second)] += 1
        pooled += table
        rows.append(_yes_no(axis, label, table, len(pairs)))
    return [_yes_no(axis, "", pooled, len(pairs)), *rows]


def _yes_no(axis: str, label: str, table: np.ndarray[Any, Any], n: int) -> dict[str, Any]:
    (both, first), (second, neither) = table.astype(int).tolist()
    counts = {"both": both, "first_only": first, "second_only": second, "neither": neither}
    return {"axis": axis, "label": label, "n": n, **counts, **_kappa(table)}


def _classes(axis: str, decisions: Sequence[tuple[Hashable, ...]]) -> dict[str, Any]:
    classes = sorted({str(value) for decision in decisions for value in decision})
    table = np.zeros((len(classes), len(classes)))
    for first, second in decisions:
        table[classes.index(str(first)), classes.index(str(second))] += 1
    return {"axis": axis, "label": "", "n": len(decisions), **_kappa(table)}


def _kappa(table: np.ndarray[Any, Any]) -> dict[str, Any]:
    total = table.sum()
    if not total:
        return {"note": "undefined: nothing was read by both"}
    observed = float(np.trace(table) / total)
    chance = float(table.sum(axis=0) @ table.sum(axis=1) / total**2)
    if chance >= 1.0:
        return {"observed": observed, "note": "undefined: both readers always gave the same one answer"}
    from statsmodels.stats.inter_rater import cohens_kappa

    with np.errstate(invalid="ignore"):
        result = cohens_kappa(table)
    return {
        "observed": observed,
        "kappa": float(result.kappa),
        "low": float(result.kappa_low),
        "high": float(result.kappa_upp),
    }


def _directions(pair: Pair) -> Iterable[tuple[str, ...]]:
    first, second = ({(f.outcome, f.cell_type): f.direction for f in entry.labels.findings} for entry in pair.entries)
    return [(first[key], second[key]) for key in sorted(first.keys() & second.keys())]


def _sentences(pairs: Sequence[Pair]) -> dict[str, Any]:
    same = n = 0
    for pair in pairs:
        one, two = ({finding_key(f): (f.start, f.end) for f in e.labels.findings} for e in pair.entries)
        shared = one.keys() & two.keys()
        n, same = n + len(shared), same + sum(one[key] == two[key] for key in shared)
    if not n:
        return {"axis": "sentence", "label": "", "n": 0, "note": "undefined: no finding was given by both"}
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(same, n, method="wilson")
    limits = f"share of the same sentence, 95% limits {low:.2f} to {high:.2f} (Wilson); no kappa"
    return {"axis": "sentence", "label": "", "n": n, "observed": same / n, "note": limits}
