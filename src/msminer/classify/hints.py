"""What an indexer would say of an abstract: heads learned from the MeSH headings and types of other records.

Most records have no headings when they are new. Those of the past teach words that tell patients from animals, trials
from series and cells from tissue, far beyond the words of the gold's own abstracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from msminer.classify import spec, views
from msminer.classify.features import Encoder
from msminer.classify.heads import Heads, Recipe, View, fit_heads
from msminer.classify.leaks import without_leaks

Floats = npt.NDArray[np.float32]
# Headings and publication types that stand for one thing; a trailing star takes every heading that begins so. Chosen
# from the commonest headings of 7,297 indexed records, by what the axes ask for, without a look at the gold (2026-11).
GROUPS: Mapping[str, tuple[str, ...]] = {
    "humans": ("Humans",),
    "animals": ("Animals",),
    "laboratory animals": ("Mice*", "Rats*", "Rabbits", "Swine", "Sheep", "Dogs"),
    "animal model": ("Disease Models, Animal",),
    "cells": ("Cells, Cultured", "In Vitro Techniques", "Cell Line"),
    "adults": ("Adult", "Middle Aged", "Aged"),
    "case": ("Case Reports",),
    "review": ("Review", "Systematic Review", "Meta-Analysis"),
    "randomised": (
        "Randomized Controlled Trial",
        "Double-Blind Method",
        "Random Allocation",
        "Single-Blind Method",
        "Cross-Over Studies",
    ),
    "prospective": ("Prospective Studies",),
    "retrospective": ("Retrospective Studies",),
    "cross-sectional": ("Cross-Sectional Studies", "Surveys and Questionnaires", "Case-Control Studies"),
    "cohort": ("Cohort Studies", "Follow-Up Studies", "Longitudinal Studies"),
    "trials as topic": ("Randomized Controlled Trials as Topic", "Clinical Trials as Topic"),
    "treatment outcome": ("Treatment Outcome",),
    "time": ("Time Factors",),
    "multiple sclerosis": ("Multiple Sclerosis*",),
    "mesenchymal": ("Mesenchymal Stem*",),
    "stem cells": ("Stem Cell*", "Mesenchymal Stem*", "Hematopoietic Stem*", "Neural Stem*", "Pluripotent Stem*"),
    "growth": ("Cell Differentiation", "Cell Survival", "Cell Proliferation"),
    "immune": ("Interleukin*", "Cytokines", "T-Lymphocytes*"),
    "imaging": ("Magnetic Resonance Imaging",),
    "recurrence": ("Recurrence",),
    "pain": ("Pain*",),
    "quality of life": ("Quality of Life",),
}
# Indexed records read; 5,000 of 7,142 keep training short. Set by hand (2026-11).
MOST = 5_000
# A group with fewer records teaches nothing.
FEWEST = 30
# A score beyond this is no surer: heads on other fields' texts run away on ours.
_CLEAR = 6.0
_READ_AT_ONCE = 500


def no_hints(encoder: Encoder) -> Heads:
    """Heads that say nothing, for training without indexed records."""
    k = len(GROUPS)
    dense, words = np.zeros((2 * len(encoder.idea_names), k)), np.zeros((encoder.n_words, k))
    return Heads(tuple(GROUPS), dense.astype(np.float32), words.astype(np.float32), np.zeros(k, np.float32))


def fit_hints(
    records: Iterable[Mapping[str, Any]], encoder: Encoder, idf: Floats, held: Sequence[Mapping[str, Any]], seed: int
) -> Heads:
    """GROUPS as heads on abstracts; records that share a PMID, DOI or text with `held` are left out.

    A group that fewer than FEWEST records have says nothing.
    """
    indexed = [record for record in records if record.get("mesh") and record.get("abstract")]
    chosen = np.sort(np.random.default_rng(seed).permutation(len(indexed))[:MOST])
    kept = without_leaks([indexed[n] for n in chosen], held)
    known = np.array([_groups(record) for record in kept], bool).reshape(len(kept), len(GROUPS))
    known[:, known.sum(axis=0) < FEWEST] = False
    if not known.any():
        return no_hints(encoder)
    view = _view(kept, encoder, idf)
    scales = np.ones((len(GROUPS), view.dense.shape[1]), np.float32)
    recipe = Recipe(tuple(GROUPS), scales, spec.DIRECTION_WORDS, spec.DIRECTION_STRENGTH)
    heads = fit_heads(view, known, recipe, np.asarray(view.dense.std(axis=0) + 0.1, np.float32))
    return Heads(heads.names, heads.dense, heads.words, np.where(known.any(axis=0), heads.intercept, 0))


def _groups(record: Mapping[str, Any]) -> list[bool]:
    names = [heading["name"] for heading in record.get("mesh") or ()]
    names += record.get("publication_types") or ()
    return [any(_stands(wanted, names) for wanted in group) for group in GROUPS.values()]


def _stands(wanted: str, names: Sequence[str]) -> bool:
    if wanted.endswith("*"):
        return any(name.startswith(wanted[:-1]) for name in names)
    return wanted in names


def _view(records: Sequence[Mapping[str, Any]], encoder: Encoder, idf: Floats) -> View:
    dense, words = [], []
    for start in range(0, len(records), _READ_AT_ONCE):
        batch = encoder.encode(records[start : start + _READ_AT_ONCE])
        dense.append(hint_columns(views.document_dense(batch, encoder.idea_names), encoder))
        words.append(views.weighted(views.document_counts(batch), idf))
    return View(np.vstack(dense), sparse.vstack(words).tocsr())


def hint_columns(dense: Floats, encoder: Encoder) -> Floats:
    """The zones of `views.document_dense` that the heads read: the whole abstract and the title."""
    return dense[:, : 2 * len(encoder.idea_names)]


def hint_scores(view: View, encoder: Encoder, heads: Heads) -> Floats:
    """Log odds of each group, cut where they run away; abstracts x GROUPS. view: dense as `views.document_dense`."""
    found = heads.scores(View(hint_columns(view.dense, encoder), view.words))
    return np.clip(found, -_CLEAR, _CLEAR).astype(np.float32)
