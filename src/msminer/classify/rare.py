"""Labels that the gold has no or hardly any example of: decided by the vocabulary's own words alone.

A head cannot learn what it was never shown (MSC-NP and OPC have no example, dysmyelination and intranasal two,
intracerebral eight), yet claims depend on these labels. So where the words of such a label stand in the title or in two
sentences, it gets the chance with which the same rule is right on labels that do have examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from msminer.classify import views
from msminer.classify.features import Batch, Encoder
from msminer.classify.heads import Doubles


@dataclass(frozen=True)
class Rule:
    """An axis, its rare labels, in how many sentences their words must stand (or in the title), and the chance then.

    beside: idea that must stand in the same sentence for it to count.
    """

    axis: str
    labels: tuple[str, ...]
    sentences: int
    chance: float
    beside: str | None = None


# Chances: the gold's own count for the same rule on the labels with examples, none of it fitted (2026-11):
# cell types 183 of 192 (BM, AD, UC, other, NSC, iPSC, ESC, EV, HSC), populations 145 of 156 (eae, toxic_demyelination,
# rrms, spms, ppms), routes beside what is given 30 of 41 (intravenous, intrathecal, intraperitoneal). The words of
# intracerebral also tell where a toxin or a recording electrode goes: its own count, 3 of 8, is far lower.
RULES = (
    Rule("cell_types", ("MSC-NP", "OPC"), 2, 183 / 192),
    Rule("populations", ("dysmyelination",), 2, 145 / 156),
    Rule("routes", ("intranasal",), 1, 30 / 41, "given:given"),
    Rule("routes", ("intracerebral",), 1, 3 / 8, "given:given"),
)


def raised(
    axes: Mapping[str, Doubles], names: Mapping[str, Sequence[str]], batch: Batch, encoder: Encoder
) -> dict[str, Doubles]:
    """The probabilities with those of rare labels raised where their words stand; axis → abstracts x labels."""
    out = {axis: p.copy() for axis, p in axes.items()}
    title = views.edges(batch)[0]
    for rule in RULES:
        for label in rule.labels:
            idea, where = f"{rule.axis}:{label}", out[rule.axis]
            if label in names[rule.axis] and idea in encoder.book.number:
                stands = batch.ideas[:, encoder.book.number[idea]] > 0
                if rule.beside:
                    stands &= batch.ideas[:, encoder.book.number[rule.beside]] > 0
                weight = np.where(title, rule.sentences, 1).astype(np.float32)
                found = views.summed(stands[:, None].astype(np.float32), batch, weight)[:, 0] >= rule.sentences
                column = list(names[rule.axis]).index(label)
                where[found, column] = np.maximum(where[found, column], rule.chance)
    return out
