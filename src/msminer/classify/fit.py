"""Fitting: heads on all abstracts; what is tuned on scores (`tuning`), on those that heads gave out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from msminer.classify import directions, rivals, spec
from msminer.classify.decide import decided_matrix
from msminer.classify.features import Batch, Encoder
from msminer.classify.forest import Forest, fit_forest
from msminer.classify.headings import MANY, fit_trust
from msminer.classify.heads import (
    Bools,
    Doubles,
    Heads,
    Recipe,
    View,
    fit_heads,
    fit_scaling,
    folds,
    side_by_side,
)
from msminer.classify.models import (
    GATE,
    OUTCOMES,
    Beside,
    Direction,
    Learned,
    Parts,
    Raw,
    blended,
    direction_chances,
    direction_scores,
    document_scores,
    document_view,
    gather_features,
    outcome_scores,
    own_columns,
    sentence_view,
    stack_features,
)
from msminer.classify.roles import role_chances
from msminer.classify.targets import Targets
from msminer.classify.tuning import best_threshold, fit_blend, fit_joint, fit_stack, fit_temperature
from msminer.classify.views import weighted
from msminer.vocabulary import Vocabulary

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
# Four on the gold alone; with five times as many abstracts three leave as much to learn from, and save a quarter of the
# time, which is bounded by five minutes on two cores (305 s with four, 2026-11).
INNER_FOLDS = 3


@dataclass(frozen=True)
class Material:
    """What is learned from: the batch, its targets, near-duplicate group of each abstract, what stands beside its text,
    role chances of sentences (told), views and label matrices.

    own: which abstracts are the gold's. The others were read or written by a language model: heads and trees learn from
    them, but what says how sure the answers are, and from where on a label is given, is fitted on the gold alone.
    composed: which abstracts a language model wrote: they are never among the rows of `fit`, and teach the heads of
    `spec.COMPOSED_FOR` beside these.
    """

    batch: Batch
    targets: Targets
    groups: Sequence[int]
    own: Bools
    composed: Bools
    learned: Learned
    beside: Beside
    told: Floats
    documents: View
    sentences: View
    axes: Mapping[str, Bools]
    rationales: Bools

    @property
    def size(self) -> int:
        """Number of abstracts."""
        return len(self.batch.first) - 1

    @property
    def real(self) -> Rows:
        """The abstracts that nobody composed."""
        return np.flatnonzero(~self.composed)

    @property
    def weights(self) -> Doubles:
        """How much each abstract counts where whole abstracts are learned from."""
        read = np.where(self.composed, spec.COMPOSED, spec.FURTHER)
        return np.asarray(np.where(self.own, 1.0, read), np.float64)


def make_material(
    encoder: Encoder,
    batch: Batch,
    targets: Targets,
    *,
    groups: Sequence[int],
    own: Bools,
    composed: Bools,
    learned: Learned,
    beside: Beside,
    vocabulary: Vocabulary,
) -> Material:
    """Views and label matrices of a batch."""
    k = len(vocabulary.ids(OUTCOMES))
    n = len(batch.first) - 1
    outcomes = targets.outcomes(n, k)
    axes: dict[str, Bools] = {
        **targets.axes,
        OUTCOMES: outcomes,
        GATE: np.asarray(outcomes.any(axis=1, keepdims=True), bool),
    }
    words = weighted(batch.words, learned.idf)
    told = role_chances(batch, encoder, words, learned.roles, beside.roles)
    return Material(
        batch,
        targets,
        groups,
        own,
        composed,
        learned,
        beside,
        told,
        document_view(batch, encoder, learned, told),
        sentence_view(batch, learned, told),
        axes,
        targets.sentences(len(batch.owner), k),
    )


def fit(material: Material, rows: Rows, encoder: Encoder, vocabulary: Vocabulary, seed: int) -> Parts:
    """The parts fitted on the abstracts `rows` of the material, nothing else of it is looked at."""
    own = material.own[rows]
    inner = folds(len(rows), [material.groups[r] for r in rows], INNER_FOLDS, seed)
    labels = {axis: y[rows] for axis, y in material.axes.items()}
    scores, sentences_say = _out_of_fold(material, rows, inner, encoder=encoder, vocabulary=vocabulary, seed=seed)
    blends = {axis: fit_blend(*scores[axis], labels[axis], alone=axis in spec.ALONE) for axis in scores}
    first = _first(material, rows)
    order = np.concatenate([np.arange(material.batch.first[r], material.batch.first[r + 1]) for r in rows])
    named = material.documents.dense[rows]
    own_ideas = _own_columns(material, encoder, vocabulary)
    again, axes = rivals.fit_rivals(blended(scores, blends), labels, named, own_ideas, inner, seed)
    raw = Raw(axes, sentences_say[order])
    stack, gather, outcome_say = _fit_outcomes(
        raw, first, labels[OUTCOMES], inner, seed=seed, named=(named, own_ideas[OUTCOMES])
    )
    said: dict[str, npt.NDArray[np.floating]] = {**raw.axes, OUTCOMES: outcome_say}
    scaling = {axis: fit_scaling(said[axis][own], labels[axis][own]) for axis in (*MANY, OUTCOMES)}
    context = _context(material, rows, raw, sentences_say, encoder)
    told, known, pairs = _directions_out_of_fold(
        material, rows, inner, context=context, encoder=encoder, vocabulary=vocabulary, seed=seed
    )
    of_own = own[pairs[:, 0]]
    scaling["direction"] = fit_scaling(told[of_own], known[of_own])
    share = known[of_own].mean(axis=0) + 1e-3
    chance, chances = scaling[OUTCOMES].probabilities(outcome_say), direction_chances(scaling["direction"], told)
    scaling["joint"] = fit_joint(chance, chances, share, known, pairs=pairs, labels=labels[OUTCOMES], own=own)
    calibrated = {axis: scaling[axis].probabilities(raw.axes[axis][own]) for axis in MANY}
    gold = {axis: y[own] for axis, y in labels.items()}
    thresholds = {
        axis: best_threshold(p, gold[axis], partial(_decided, axis, vocabulary)) for axis, p in calibrated.items()
    }
    thresholds[OUTCOMES] = best_threshold(chance[own], gold[OUTCOMES])
    temperature = fit_temperature(raw.axes["study_design"][own], gold["study_design"])
    trust = fit_trust(calibrated, gold, material.beside.said.rows(rows[own]))
    documents, forest, sentences = _fit_groups(material, rows, encoder, vocabulary, seed)
    direction = fit_direction(material, rows, context, encoder, vocabulary=vocabulary, seed=seed)
    return Parts(
        material.learned,
        documents,
        forest,
        blends,
        again,
        sentences,
        stack,
        gather,
        direction,
        share,
        scaling,
        temperature,
        thresholds,
        trust,
    )


def _own_columns(material: Material, encoder: Encoder, vocabulary: Vocabulary) -> dict[str, Rows]:
    names = {axis: vocabulary.ids(axis) for axis in (*rivals.AXES, OUTCOMES)}
    return own_columns(encoder, names, material.learned)


def _fit_groups(
    material: Material, rows: Rows, encoder: Encoder, vocabulary: Vocabulary, seed: int
) -> tuple[dict[str, Heads], Forest, Heads]:
    ideas, topics, hints = encoder.idea_names, material.learned.topics.shape[1], len(material.learned.hints.names)
    of_documents, more = material.documents.rows(rows), np.append(rows, np.flatnonzero(material.composed))
    with_composed = material.documents.rows(more)
    alone = (rows, of_documents, spread(of_documents.dense))
    beside = (more, with_composed, spread(with_composed.dense))
    documents = {}
    for axis, labels in material.axes.items():
        ids = (GATE,) if axis == GATE else vocabulary.ids(axis)
        recipe = Recipe(tuple(ids), spec.document_scales(ideas, axis, ids, topics, hints), spec.WORDS, spec.STRENGTH)
        seen, view, spread_of = beside if axis in spec.COMPOSED_FOR else alone
        documents[axis] = fit_heads(view, labels[seen], recipe, spread_of, material.weights[seen])
    heard = [axis for axis in documents if axis not in spec.ALONE]
    names = tuple(f"{axis}:{name}" for axis in heard for name in documents[axis].names)
    together = np.hstack([material.axes[axis][rows] for axis in heard])
    forest = fit_forest(of_documents.dense, together, names, seed, weights=material.weights[rows])
    mask = np.isin(material.batch.owner, rows)
    of_sentences = material.sentences.rows(mask)
    ids = vocabulary.ids(OUTCOMES)
    recipe = Recipe(ids, spec.sentence_scales(ideas, ids, topics), spec.SENTENCE_WORDS, spec.SENTENCE_STRENGTH)
    sentences = fit_heads(of_sentences, material.rationales[mask], recipe, spread(of_sentences.dense))
    return documents, forest, sentences


def spread(dense: Floats) -> Floats:
    """Standard deviation of each column, for `fit_heads`."""
    # 0.1 keeps columns that are nearly always zero from being blown up
    return np.asarray(dense.std(axis=0) + 0.1, np.float32)


def direction_pairs(material: Material, rows: Rows) -> tuple[Rows, Rows, npt.NDArray[np.int64]]:
    """(sentence, outcome) and (abstract, outcome) of the findings of the rows, and their directions."""
    chosen = set(rows.tolist())
    found = [f for f in material.targets.findings if f.abstract in chosen]
    sentences = np.array([(f.sentence, f.outcome) for f in found], np.int64).reshape(-1, 2)
    abstracts = np.array([(f.abstract, f.outcome) for f in found], np.int64).reshape(-1, 2)
    return sentences, abstracts, np.array([f.direction for f in found], np.int64)


def _context(material: Material, rows: Rows, raw: Raw, sentences_say: Floats, encoder: Encoder) -> directions.Context:
    """Context of the whole batch; abstracts other than `rows` have no scores and are not asked."""
    about = directions.document_context(raw.axes)
    documents = np.zeros((material.size, about.shape[1]), np.float32)
    documents[rows] = about
    words = material.sentences.words
    change = directions.change_scores(material.batch, encoder, words, material.learned.change)
    return directions.Context(words, sentences_say, change, documents, material.told)


def fit_direction(
    material: Material, rows: Rows, context: directions.Context, encoder: Encoder, *, vocabulary: Vocabulary, seed: int
) -> Direction:
    """Heads and forests on the labelled findings of the rows."""
    of_sentences, of_abstracts, truth = direction_pairs(material, rows)
    ids = vocabulary.ids("directions")
    known = np.eye(len(ids), dtype=bool)[truth]
    parts: list[tuple[Heads, Forest]] = []
    for view in (
        directions.sentence_view(material.batch, encoder, context, of_sentences),
        directions.abstract_view(material.batch, encoder, context, of_abstracts),
    ):
        scales = np.ones((len(ids), view.dense.shape[1]), np.float32)
        recipe = Recipe(ids, scales, spec.DIRECTION_WORDS, spec.DIRECTION_STRENGTH)
        heads = fit_heads(view, known, recipe, spread(view.dense))
        parts.append((heads, fit_forest(view.dense, known, ids, seed)))
    return Direction(*parts[0], *parts[1])


def _directions_out_of_fold(
    material: Material,
    rows: Rows,
    inner: Sequence[tuple[Rows, Rows]],
    *,
    context: directions.Context,
    encoder: Encoder,
    vocabulary: Vocabulary,
    seed: int,
) -> tuple[Doubles, Bools, Rows]:
    """Of the findings of the rows: scores by heads that never saw their abstract, truth, (place in rows, outcome)."""
    place = np.zeros(material.size, np.int64)
    place[rows] = np.arange(len(rows))
    told, known, pairs = [], [], []
    for train, test in inner:
        parts = fit_direction(material, rows[train], context, encoder, vocabulary=vocabulary, seed=seed)
        _, asked, truth = direction_pairs(material, rows[test])
        if len(asked):
            told.append(direction_scores(parts, material.batch, encoder, context, asked))
            known.append(np.eye(len(vocabulary.ids("directions")), dtype=bool)[truth])
            pairs.append(np.column_stack([place[asked[:, 0]], asked[:, 1]]))
    return np.concatenate(told), np.concatenate(known), np.concatenate(pairs)


def _fit_outcomes(
    raw: Raw,
    first: npt.NDArray[np.int32],
    labels: Bools,
    inner: Sequence[tuple[Rows, Rows]],
    *,
    seed: int,
    named: tuple[Floats, Rows],
) -> tuple[Doubles, Forest, Doubles]:
    """Stack and forest that gather outcomes, and their scores out of fold, abstracts x outcomes.

    named: as `models.outcome_scores` reads it.
    """
    features, (dense, own) = stack_features(raw, first), named
    table = gather_features(features, raw, first).reshape(*labels.shape, -1)
    names = rivals.named(np.argwhere(np.ones_like(labels)), dense, own).reshape(*labels.shape, -1)

    def grown(rows: Rows) -> Forest:
        known, read = labels[rows].reshape(-1, 1), np.dstack([table[rows], names[rows]]).astype(np.float32)
        flat = read.reshape(len(known), -1)
        return fit_forest(flat, known, ("outcomes:any",), seed, leaf=spec.GATHER_LEAF, share=spec.GATHER_SHARE)

    scores = np.zeros(labels.shape)

    def asked(fold: tuple[Rows, Rows]) -> Doubles:
        train, test = fold
        rows, stack = table[test].reshape(-1, table.shape[2]), fit_stack(features[train], labels[train])
        return outcome_scores(features[test], rows, stack, grown(train), (dense[test], own))

    for (_, test), found in zip(inner, side_by_side(asked, inner), strict=True):
        scores[test] = found
    return fit_stack(features, labels), grown(np.arange(len(labels))), scores


Scores = dict[str, tuple[Floats, Doubles]]


def _out_of_fold(
    material: Material,
    rows: Rows,
    inner: Sequence[tuple[Rows, Rows]],
    *,
    encoder: Encoder,
    vocabulary: Vocabulary,
    seed: int,
) -> tuple[Scores, Floats]:
    """Scores of each abstract by heads and forest that never saw its group; outcome scores of all sentences."""
    scores: Scores = {
        a: (np.zeros((len(rows), y.shape[1]), np.float32), np.zeros((len(rows), y.shape[1])))
        for a, y in material.axes.items()
    }
    sentences = np.zeros((len(material.batch.owner), material.rationales.shape[1]), np.float32)

    def asked(fold: tuple[Rows, Rows]) -> tuple[dict[str, tuple[Floats, Doubles]], Bools, Floats]:
        train, test = fold
        documents, forest, heads = _fit_groups(material, rows[train], encoder, vocabulary, seed)
        mask = np.isin(material.batch.owner, rows[test])
        said = document_scores(documents, forest, material.documents.rows(rows[test]))
        return said, mask, heads.scores(material.sentences.rows(mask))

    for (_, test), (said, mask, of_sentences) in zip(inner, side_by_side(asked, inner), strict=True):
        for axis, both in said.items():
            scores[axis][0][test], scores[axis][1][test] = both
        sentences[mask] = of_sentences
    return scores, sentences


def _first(material: Material, rows: Rows) -> npt.NDArray[np.int32]:
    sizes = np.diff(material.batch.first)[rows]
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def _decided(axis: str, vocabulary: Vocabulary, p: Doubles, threshold: float) -> Bools:
    return decided_matrix(axis, p, threshold, vocabulary)
