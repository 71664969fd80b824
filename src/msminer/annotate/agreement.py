"""Agreement of two readers: Cohen's kappa per label and per axis, each with its counts and interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msminer.annotate.compare import Pair, axis_sets, finding_key
from msminer.annotate.journal import Contents, Entry
from msminer.annotate.project import Project
from msminer.evidence.statistics import wilson
from msminer.vocabulary import Vocabulary, load_vocabulary

COUNTS = ("both", "first_only", "second_only", "neither")
COLUMNS = ("readers", "axis", "label", "n", *COUNTS, "observed", "kappa", "low", "high", "note")
# A thousand resamples put the limits of a 95% interval within about a hundredth; the seed makes them repeatable.
_RESAMPLES, _SEED = 1000, 20261121
Tables = npt.NDArray[np.float64]


def agreement(folder: Path, vocabulary: Vocabulary | None = None) -> pd.DataFrame:
    """Agreement of every two readers of a round, over the records that both finished and read in the same text.

    One row a label (yes or no), and one an axis, where label is empty. Columns: readers "A and B"; axis; label;
    n records, or n findings for direction and sentence; both, first_only, second_only, neither: counts (axis rows that
    are no yes-or-no question leave them missing); observed agreement 0 to 1; kappa (Cohen 1960) with its 95% limits;
    note: why a figure is missing, or how a limit was made.

    Axis rows: study_design, one kappa over its classes; cell_types, populations, routes and outcomes, the yes-or-no
    decisions of all labels pooled; direction, over the findings whose outcome and cell type both gave; sentence, the
    share of findings with the same outcome, direction and cell type whose rationale is the same sentence (no kappa).
    Kappa is missing where chance agreement is 1, as when neither reader ever used a label. Limits are percentiles of
    resampled records, since the decisions on one record hang together. Where the readers never differ, no resample
    does either: then the lower limit is Wilson's for the observed agreement, chance agreement held.
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
    found = [Pair(pmid, (first, second), (a, other[pmid])) for pmid, a in one.finished().items() if pmid in other]
    return [pair for pair in found if pair.same_text]


def _rows(pairs: Sequence[Pair], words: Vocabulary) -> Iterable[dict[str, Any]]:
    yield _classes("study_design", words.designs, [[_designs(pair)] for pair in pairs])
    for axis in ("cell_types", "populations", "routes"):
        yield from _labels(axis, words.ids(axis), pairs, _chosen(axis))
    yield from _labels("outcomes", words.ids("outcomes"), pairs, _outcomes)
    yield _classes("direction", words.ids("directions"), [_directions(pair) for pair in pairs])
    yield _sentences(pairs)


def _designs(pair: Pair) -> tuple[str, str]:
    first, second = (str(entry.labels.study_design) for entry in pair.entries)
    return first, second


def _chosen(axis: str) -> Callable[[Entry], frozenset[object]]:
    return lambda entry: axis_sets(entry.labels)[axis]


def _outcomes(entry: Entry) -> frozenset[object]:
    return frozenset(finding.outcome for finding in entry.labels.findings)


def _labels(
    axis: str, labels: Sequence[str], pairs: Sequence[Pair], chosen: Callable[[Entry], frozenset[object]]
) -> Iterable[dict[str, Any]]:
    tables = np.zeros((len(labels), len(pairs), 2, 2))
    for row, pair in enumerate(pairs):
        first, second = (chosen(entry) for entry in pair.entries)
        for column, label in enumerate(labels):
            tables[column, row, int(label not in first), int(label not in second)] = 1
    for label, table in [("", tables.sum(axis=0)), *zip(labels, tables, strict=True)]:
        counts = dict(zip(COUNTS, table.sum(axis=0).astype(int).ravel().tolist(), strict=True))
        yield {"axis": axis, "label": label, "n": len(pairs), **counts, **measured(table)}


def _classes(axis: str, classes: Sequence[str], decisions: Sequence[Sequence[tuple[str, str]]]) -> dict[str, Any]:
    tables = np.zeros((len(decisions), len(classes), len(classes)))
    for row, made in enumerate(decisions):
        for first, second in made:
            tables[row, classes.index(first), classes.index(second)] += 1
    return {"axis": axis, "label": "", "n": int(tables.sum()), **measured(tables)}


def measured(tables: Tables) -> dict[str, Any]:
    """Observed agreement, kappa, its 95% limits and a note, from one table of counts a record (records × k × k)."""
    whole = tables.sum(axis=0, keepdims=True)
    if not whole.sum():
        return {"note": "undefined: nothing was read by both"}
    observed, chance = (float(part[0]) for part in _parts(whole))
    if chance >= 1.0:
        return {"observed": observed, "note": "undefined: both readers always gave the same one answer"}
    out = {"observed": observed, "kappa": (observed - chance) / (1 - chance)}
    if observed >= 1.0:
        low = (wilson(len(tables), len(tables))[0] - chance) / (1 - chance)
        return out | {"low": max(-1.0, low), "high": 1.0, "note": "they never differ: lower limit by Wilson"}
    draws = np.random.default_rng(_SEED).multinomial(len(tables), np.full(len(tables), 1 / len(tables)), _RESAMPLES)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares, chances = _parts(np.tensordot(draws, tables, axes=1))
        kappas = (shares - chances) / (1 - chances)
    low, high = np.nanpercentile(kappas[np.isfinite(kappas)], [2.5, 97.5])
    return out | {"low": float(low), "high": float(high)}


def _parts(tables: Tables) -> tuple[Tables, Tables]:
    """Observed and chance agreement of each table."""
    totals = tables.sum(axis=(1, 2))
    observed = np.trace(tables, axis1=1, axis2=2) / totals
    return observed, (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1) / totals**2


def _directions(pair: Pair) -> list[tuple[str, str]]:
    one, two = ({(f.outcome, f.cell_type): f.direction for f in entry.labels.findings} for entry in pair.entries)
    return [(one[key], two[key]) for key in sorted(one.keys() & two.keys())]


def _sentences(pairs: Sequence[Pair]) -> dict[str, Any]:
    same = n = 0
    for pair in pairs:
        one, two = ({finding_key(f): (f.start, f.end) for f in entry.labels.findings} for entry in pair.entries)
        shared = one.keys() & two.keys()
        n, same = n + len(shared), same + sum(one[key] == two[key] for key in shared)
    if not n:
        return {"axis": "sentence", "label": "", "n": 0, "note": "undefined: no finding was given by both"}
    low, high = wilson(same, n)
    note = f"a share, no kappa; 95% limits {low:.2f} to {high:.2f} (Wilson)"
    return {"axis": "sentence", "label": "", "n": n, "observed": same / n, "note": note}
