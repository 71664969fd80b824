"""What the classifier must beat: the commonest labels, keywords, plain TF-IDF with logistic regression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from msminer.classify.fit import Material, Rows
from msminer.classify.heads import Bools
from msminer.classify.models import OUTCOMES
from msminer.vocabulary import NONE, Vocabulary

Told = list[dict[str, Any]]
MANY = ("cell_types", "populations", "routes")


def majority(gold: Sequence[Mapping[str, Any]], train: Rows, test: Rows) -> Told:
    """The commonest set of labels, design and findings of the training abstracts, for every abstract."""
    common = {axis: Counter(tuple(gold[r][axis]) for r in train).most_common(1)[0][0] for axis in MANY}
    design = Counter(gold[r]["study_design"] for r in train).most_common(1)[0][0]
    pairs = Counter((f["outcome"], f["direction"]) for r in train for f in gold[r]["findings"])
    outcome, direction = pairs.most_common(1)[0][0]
    return [_row(common, design, [(outcome, direction)]) for _ in test]


def keywords(material: Material, test: Rows, vocabulary: Vocabulary, ideas: Sequence[str]) -> Told:
    """A label where a synonym stands in the title or twice in the text; findings from the last quarter's synonyms."""
    dense, k = material.documents.dense, len(ideas)
    number = {idea: n for n, idea in enumerate(ideas)}
    out = []
    for row in test:
        everywhere, title, last = dense[row, :k], dense[row, k : 2 * k], dense[row, 3 * k : 4 * k]

        def found(axis: str, everywhere: Any = everywhere, title: Any = title) -> list[str]:
            columns = {i: number.get(f"{axis}:{i}", -1) for i in vocabulary.ids(axis)}
            return [i for i, c in columns.items() if c >= 0 and (title[c] > 0 or everywhere[c] > 1)]

        many = {axis: sorted(vocabulary.with_parents(found(axis))) for axis in MANY}
        for axis in ("cell_types", "populations"):
            many[axis] = many[axis] or [NONE]
        strength = [everywhere[number[f"study_design:{i}"]] for i in vocabulary.designs]
        nothing = last[number["change:nodiff"]] > 0
        findings = [
            (o, "no_effect" if nothing else "benefit")
            for o in vocabulary.ids(OUTCOMES)
            if last[number[f"outcomes:{o}"]] > 0
        ]
        out.append(_row(many, vocabulary.designs[int(np.argmax(strength))], findings))
    return out


def plain(material: Material, train: Rows, test: Rows, vocabulary: Vocabulary) -> Told:
    """TF-IDF of single words and pairs, one logistic regression a label (C = 10), threshold 0.3; direction likewise."""
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    words = material.documents.words

    def chances(labels: Bools) -> npt.NDArray[np.float64]:
        p = np.zeros((len(test), labels.shape[1]))
        for n in range(labels.shape[1]):
            if labels[train, n].all():
                p[:, n] = 1.0
            elif labels[train, n].sum() > 1:
                fitted = LogisticRegression(C=10, solver="liblinear", tol=1e-3).fit(words[train], labels[train, n])
                p[:, n] = fitted.predict_proba(words[test])[:, 1]
        return p

    p = {axis: chances(material.axes[axis]) for axis in (*MANY, "study_design", OUTCOMES)}
    chosen = set(train.tolist())
    seen = [f for f in material.targets.findings if f.abstract in chosen]
    told_ways = [f.direction for f in seen]
    # A small gold may know one direction only: then that is what it tells.
    way: Any = LogisticRegression(C=10, max_iter=300) if len(set(told_ways)) > 1 else DummyClassifier()
    way.fit(words[[f.abstract for f in seen]], told_ways)
    direction = [vocabulary.ids("directions")[d] for d in way.predict(words[test])]
    out = []
    for n in range(len(test)):
        many = {a: [i for i, c in zip(vocabulary.ids(a), p[a][n], strict=True) if c >= 0.3] for a in MANY}
        design = vocabulary.designs[int(p["study_design"][n].argmax())]
        told = [(o, direction[n]) for o, c in zip(vocabulary.ids(OUTCOMES), p[OUTCOMES][n], strict=True) if c >= 0.3]
        out.append(_row(many, design, told))
    return out


def _row(many: Mapping[str, Sequence[str]], design: str, findings: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        **{axis: [{"label": i, "p": 1.0} for i in labels] for axis, labels in many.items()},
        "study_design": {"label": design, "p": 1.0},
        "findings": [{"outcome": o, "direction": d, "cell_type": NONE, "p": 1.0} for o, d in findings],
    }
