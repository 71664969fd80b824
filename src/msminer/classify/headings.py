"""What PubMed's own indexers say of a record: MeSH headings and publication types, where a record has them.

New records have neither, so the heads read text alone. Where headings stand they move the chances that the text gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from msminer.classify.heads import Bools, Doubles, logit, sigmoid, softmax
from msminer.errors import DataError
from msminer.vocabulary import Vocabulary

MANY = ("cell_types", "populations", "routes")
ONE = "study_design"
# Weights are drawn towards 0 by this times their squares: few records of the gold have headings (155 of 741), so an
# axis must show more than chance before its headings count. Set by hand (2026-11).
SHRINK = 2.0
# Log odds that a publication type adds to its study design. Set by hand (2026-11): types are given by people who read
# the paper, but only 8 records of the gold have one that tells a design, too few to learn from.
TYPE = 2.0
Trust = Mapping[str, Doubles]


@dataclass(frozen=True)
class Said:
    """Axis → abstracts x labels: `yes` where a heading or type of the label stands (or of a narrower label), `no` where
    the label has headings and the record is indexed without one.
    """

    yes: Mapping[str, Bools]
    no: Mapping[str, Bools]

    def rows(self, rows: npt.NDArray[np.int64]) -> Said:
        """What is said of some abstracts."""
        return Said({a: y[rows] for a, y in self.yes.items()}, {a: n[rows] for a, n in self.no.items()})


class Headings:
    """The headings that the vocabulary's labels name, ready to be looked up.

    A study design is told by publication types alone: MeSH headings such as Cells, Cultured or Retrospective Studies
    were right in 84 of 140 cases of the gold (2026-11), less than the text.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._sizes = {axis: len(vocabulary.axes[axis]) for axis in (*MANY, ONE)}
        self._speaks = {axis: np.array([bool(one.mesh) for one in vocabulary.axes[axis]]) for axis in (*MANY, ONE)}
        self._speaks[ONE][:] = False
        self._columns: dict[str, dict[str, list[int]]] = {axis: {} for axis in (*MANY, ONE)}
        for axis, columns in self._columns.items():
            ids = vocabulary.ids(axis)
            for label in vocabulary.axes[axis]:
                wider = [ids.index(i) for i in sorted(vocabulary.with_parents([label.id]))]
                for name in label.mesh:
                    columns.setdefault(name, []).extend(wider)

    def read(self, records: Sequence[Mapping[str, Any]]) -> Said:
        """What `mesh` (headings with a `name`) and `publication_types` of the records say; nothing where both lack.

        Raises DataError for headings of another shape.
        """
        n = len(records)
        yes = {axis: np.zeros((n, size), bool) for axis, size in self._sizes.items()}
        headings = [_headings(record) for record in records]
        types = [record.get("publication_types") or () for record in records]
        indexed = np.array([bool(names) for names in headings], bool).reshape(-1, 1)
        for axis, columns in self._columns.items():
            named = types if axis == ONE else [(*both, *types[row]) for row, both in enumerate(headings)]
            said = [(row, at) for row, names in enumerate(named) for name in names for at in columns.get(name, ())]
            if said:
                yes[axis][tuple(np.array(said).T)] = True
        return Said(yes, {axis: indexed & self._speaks[axis] & ~y for axis, y in yes.items()})


def _headings(record: Mapping[str, Any]) -> list[str]:
    try:
        return [heading["name"] for heading in record.get("mesh") or ()]
    except (TypeError, KeyError) as error:
        raise DataError("mesh must be a list of headings, each with a name", pmid=record.get("pmid")) from error


def weighed(chances: Mapping[str, Doubles], said: Said, trust: Trust) -> dict[str, Doubles]:
    """The chances of each axis, moved by what the headings say; unchanged for records without any."""
    return {axis: _moved(axis, p, trust[axis], said.yes[axis], said.no[axis]) for axis, p in chances.items()}


def _moved(axis: str, p: Doubles, weights: Doubles, yes: Bools, no: Bools) -> Doubles:
    heard = (yes | no).any(axis=1)
    if not heard.any():
        return p
    out = p.copy()
    step = weights[0] * yes[heard] + weights[1] * no[heard]
    if axis == ONE:
        out[heard] = softmax(np.log(np.clip(p[heard], 1e-9, 1)) + step)
    else:
        out[heard] = sigmoid(logit(p[heard]) + step)
    return out


def fit_trust(chances: Mapping[str, Doubles], labels: Mapping[str, Bools], said: Said) -> dict[str, Doubles]:
    """Axis → log odds added where a heading of the label stands, and where none does though the record is indexed.

    chances: calibrated, out of fold. The two weights of an axis, the first at least and the second at most 0, maximise
    the likelihood of the labels of records with headings, less SHRINK times their squares; both are 0 where no record
    has any. For study design: TYPE and 0.
    """
    found = {axis: _fitted(axis, chances[axis], labels[axis], said.yes[axis], said.no[axis]) for axis in MANY}
    return {**found, ONE: np.array([TYPE, 0.0])}


def _fitted(axis: str, chances: Doubles, labels: Bools, yes: Bools, no: Bools) -> Doubles:
    from scipy.optimize import minimize

    heard = (yes | no).any(axis=1)
    if not heard.any():
        return np.zeros(2)
    p, y, stands, lacks = chances[heard], labels[heard], yes[heard], no[heard]

    def loss(weights: Doubles) -> float:
        moved = _moved(axis, p, weights, stands, lacks)
        return float(-np.log(np.clip(np.where(y, moved, 1 - moved), 1e-9, 1)).sum() + SHRINK * np.square(weights).sum())

    # a heading never speaks against its label, nor its absence for it: few records can make it look so
    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=((0, None), (None, 0)))
    return np.asarray(found.x, np.float64)
