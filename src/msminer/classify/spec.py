"""Which columns each head may lean on, and how strongly: the settings of training in one place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from msminer.classify.views import DOCUMENT_ZONES, EXTRA_DOCUMENT, EXTRA_SENTENCE, ROLES

Floats = npt.NDArray[np.float32]

# Scales of a head's own ideas, those of its axis and kin, and all others; C of the regression and scale of the words.
# Chosen out of fold on the gold among six settings (2026-11); the curve is flat near the optimum.
OWN, KIN, REST = 8.0, 2.0, 0.4
WORDS, STRENGTH = 4.0, 0.02
TOPIC, SENTENCE_TOPIC = 2.4, 1.0
SENTENCE_OWN, SENTENCE_REST, SENTENCE_TITLE, SENTENCE_BESIDE = 4.0, 0.3, 0.7, 0.3
SENTENCE_WORDS, SENTENCE_STRENGTH = 8.0, 0.02
DIRECTION_WORDS, DIRECTION_STRENGTH = 6.0, 0.03
# Roles of a sentence as columns of the sentence heads; hints and roles as columns of the document heads. Log loss of
# the sentence heads: 4.38 without roles, 4.11 at scale 1, 3.90 at 2 with the neighbours' roles. Of the document heads
# of cell types, populations, design and outcomes together: 4.73 without hints and roles, 4.54 with both at scale 1.
# Out of fold on the gold (2026-11).
ROLE, HINT, DOCUMENT_ROLE = 2.0, 1.0, 1.0
# C of the heads learned from public sets: 0.755 right on Evidence Inference's own test sentences (2026-11).
CHANGE_STRENGTH = 0.1
# Leaves and share of columns of the trees that gather outcomes: one row an outcome, few columns.
GATHER_LEAF, GATHER_SHARE = 8, 0.4
# The likeliest direction is that with the highest p / share**POWER: without it harm and mixed are hardly ever said.
# Macro-F1 0.41 -> 0.49 for 0.01 of accuracy, out of fold on the gold (2026-11).
POWER = 0.35
# A label with fewer examples is left to its linear head, because trees rarely split on it; set by hand (2026-11).
RARE = 40
# On these axes the forest adds nothing: out of fold on the gold 0.896 with it and 0.901 without in cell types, 0.861
# and 0.866 in study design; populations and routes keep it (2026-11).
ALONE = ("cell_types", "study_design")
KINDRED = {
    "cell_types": ("tissue:", "given:"),
    "populations": ("disease:", "subject:", "design:bench", "design:living"),
    "study_design": ("subject:", "role:", "design:", "says:"),
    "routes": ("given:",),
    "outcomes": ("role:", "change:"),
}


def _scale(ideas: Sequence[str], axis: str, label: str, *, own: float, kin: float, rest: float) -> Floats:
    def weight(idea: str) -> float:
        head = idea.split(">", maxsplit=1)[0]
        if head in {f"{axis}:{label}", f"says:{label}"}:
            return own
        return kin if head.startswith((f"{axis}:", *KINDRED.get(axis, ()))) else rest

    return np.array([weight(idea) for idea in ideas], np.float32)


def document_scales(ideas: Sequence[str], axis: str, labels: Sequence[str], topics: int, hints: int) -> Floats:
    """Heads x columns of `models.document_view`; topics, hints: numbers of such columns."""
    single = [n for n, idea in enumerate(ideas) if ">" not in idea]
    rows = []
    for label in labels:
        one = _scale(ideas, axis, label, own=OWN, kin=KIN, rest=REST)
        blocks = [np.tile(one, len(DOCUMENT_ZONES)), np.full(len(EXTRA_DOCUMENT), REST), np.full(topics, TOPIC)]
        blocks += [one[single], np.full(3 * len(ROLES), DOCUMENT_ROLE), np.full(hints, HINT)]
        rows.append(np.concatenate(blocks))
    return np.array(rows, np.float32)


def sentence_scales(ideas: Sequence[str], outcomes: Sequence[str], topics: int) -> Floats:
    """Heads x columns of `models.sentence_view`."""
    rows = []
    for outcome in outcomes:
        one = _scale(ideas, "outcomes", outcome, own=SENTENCE_OWN, kin=1.0, rest=SENTENCE_REST)
        extra = np.ones(len(EXTRA_SENTENCE), np.float32)
        topic, role = np.full(topics, SENTENCE_TOPIC, np.float32), np.full(4 * len(ROLES), ROLE, np.float32)
        beside = [one * SENTENCE_BESIDE, one * SENTENCE_BESIDE]
        rows.append(np.concatenate([one, one * SENTENCE_TITLE, *beside, extra, topic, role]))
    return np.array(rows, np.float32)
