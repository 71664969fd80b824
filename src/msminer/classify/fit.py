"""Fitting: heads on all abstracts; stack, calibration and thresholds on scores that the heads gave out of fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    Scaling,
    View,
    fit_heads,
    fit_scaling,
    folds,
    logit,
    softmax,
)
from msminer.classify.models import (
    GATE,
    OUTCOMES,
    STACK,
    Beside,
    Direction,
    Learned,
    Parts,
    Raw,
    best_sentences,
    blended,
    direction_chances,
    direction_scores,
    document_scores,
    document_view,
    gather_features,
    likeliest,
    outcome_scores,
    own_columns,
    sentence_view,
    stack_features,
)
from msminer.classify.roles import role_chances
from msminer.classify.targets import Targets
from msminer.classify.views import weighted
from msminer.vocabulary import Vocabulary

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
INNER_FOLDS = 4
# Differences of F1 below this are noise on 741 abstracts.
PLATEAU = 0.006


@dataclass(frozen=True)
class Material:
    """What is learned from: the batch, its targets, near-duplicate group of each abstract, what stands beside its text,
    role chances of sentences (told), views and label matrices.
    """

    batch: Batch
    targets: Targets
    groups: Sequence[int]
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


def make_material(
    encoder: Encoder,
    batch: Batch,
    targets: Targets,
    *,
    groups: Sequence[int],
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
    inner = folds(len(rows), [material.groups[r] for r in rows], INNER_FOLDS, seed)
    labels = {axis: y[rows] for axis, y in material.axes.items()}
    scores, sentences_say = _out_of_fold(material, rows, inner, encoder=encoder, vocabulary=vocabulary, seed=seed)
    blends = {axis: fit_blend(*scores[axis], labels[axis], alone=axis in spec.ALONE) for axis in scores}
    first = _first(material, rows)
    order = np.concatenate([np.arange(material.batch.first[r], material.batch.first[r + 1]) for r in rows])
    named = material.documents.dense[rows]
    own = _own_columns(material, encoder, vocabulary)
    again, axes = rivals.fit_rivals(blended(scores, blends), labels, named, own, inner, seed)
    raw = Raw(axes, sentences_say[order])
    scaling = {axis: fit_scaling(raw.axes[axis], labels[axis]) for axis in ("cell_types", "populations", "routes")}
    stack, gather, outcome_say = _fit_outcomes(
        raw, first, labels[OUTCOMES], inner, seed=seed, named=(named, own[OUTCOMES])
    )
    scaling[OUTCOMES] = fit_scaling(outcome_say, labels[OUTCOMES])
    chance = scaling[OUTCOMES].probabilities(outcome_say)
    context = _context(material, rows, raw, sentences_say, encoder)
    told, known, pairs = _directions_out_of_fold(
        material, rows, inner, context=context, encoder=encoder, vocabulary=vocabulary, seed=seed
    )
    scaling["direction"] = fit_scaling(told, known)
    share = known.mean(axis=0) + 1e-3
    chances = direction_chances(scaling["direction"], told)
    scaling["joint"] = _joint(chance, chances, share, known, pairs=pairs, labels=labels[OUTCOMES])
    thresholds = {
        axis: best_threshold(
            scaling[axis].probabilities(raw.axes[axis]), labels[axis], partial(_decided, axis, vocabulary)
        )
        for axis in ("cell_types", "populations", "routes")
    }
    thresholds[OUTCOMES] = best_threshold(chance, labels[OUTCOMES])
    temperature = _temperature(raw.axes["study_design"], labels["study_design"])
    calibrated = {axis: scaling[axis].probabilities(raw.axes[axis]) for axis in MANY}
    trust = fit_trust(calibrated, labels, material.beside.said.rows(rows))
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
    of_documents = material.documents.rows(rows)
    spread_of = spread(of_documents.dense)
    documents = {}
    for axis, labels in material.axes.items():
        ids = (GATE,) if axis == GATE else vocabulary.ids(axis)
        recipe = Recipe(tuple(ids), spec.document_scales(ideas, axis, ids, topics, hints), spec.WORDS, spec.STRENGTH)
        documents[axis] = fit_heads(of_documents, labels[rows], recipe, spread_of)
    names = tuple(f"{axis}:{name}" for axis, heads in documents.items() for name in heads.names)
    together = np.hstack([material.axes[axis][rows] for axis in documents])
    forest = fit_forest(of_documents.dense, together, names, seed)
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
    for train, test in inner:
        asked, stack = table[test].reshape(-1, table.shape[2]), fit_stack(features[train], labels[train])
        scores[test] = outcome_scores(features[test], asked, stack, grown(train), (dense[test], own))
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
    for train, test in inner:
        documents, forest, heads = _fit_groups(material, rows[train], encoder, vocabulary, seed)
        for axis, both in document_scores(documents, forest, material.documents.rows(rows[test])).items():
            scores[axis][0][test], scores[axis][1][test] = both
        mask = np.isin(material.batch.owner, rows[test])
        sentences[mask] = heads.scores(material.sentences.rows(mask))
    return scores, sentences


def _first(material: Material, rows: Rows) -> npt.NDArray[np.int32]:
    sizes = np.diff(material.batch.first)[rows]
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def fit_stack(features: Doubles, labels: Bools) -> Doubles:
    """Weights of STACK, shared by all outcomes, then one intercept an outcome."""
    from sklearn.linear_model import LogisticRegression

    n, k, m = features.shape
    flat = np.hstack([features.reshape(n * k, m), np.tile(np.eye(k), (n, 1))])
    fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=500).fit(flat, labels.ravel())
    return np.asarray(fitted.coef_[0], np.float64)


def fit_blend(heads: Floats, forest: Doubles, labels: Bools, *, alone: bool = False) -> Doubles:
    """Weights of head and forest (2 x labels), shared by frequent labels; a rare label keeps its head alone.

    alone: all labels keep their heads alone.
    """
    rare = (labels.sum(axis=0) < spec.RARE) | alone
    out = np.zeros((2, labels.shape[1]))
    if not rare.all():
        out[:, ~rare] = _shared([heads[:, ~rare], forest[:, ~rare]], labels[:, ~rare])
    if rare.any():
        out[:1, rare] = _shared([heads[:, rare]], labels[:, rare])
    return out


def _shared(scores: Sequence[npt.NDArray[np.floating]], labels: Bools) -> Doubles:
    """One weight a score, each label with an intercept that calibration refits (dropped here); column vector."""
    from sklearn.linear_model import LogisticRegression

    n, k = labels.shape
    if labels.all() or not labels.any():
        # nothing to learn from an axis without a single example, or without a counterexample
        return np.ones((len(scores), 1))
    flat = np.column_stack([*(s.ravel() for s in scores), np.tile(np.eye(k), (n, 1))])
    fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=500).fit(flat, labels.ravel())
    return np.asarray(np.maximum(fitted.coef_[0, : len(scores)], 0.0), np.float64)[:, None]


def _joint(chance: Doubles, p: Doubles, share: Doubles, truth: Bools, *, pairs: Rows, labels: Bools) -> Scaling:
    """Calibration of p(outcome and its likeliest direction).

    chance: abstracts x outcomes; p, truth: directions of the findings at `pairs` (abstract, outcome).
    """
    chosen = likeliest(p, share)
    abstract, outcome = pairs[:, 0], pairs[:, 1]
    value, hit = logit(chance * p.max(axis=1).mean()), np.zeros_like(labels)
    value[abstract, outcome] = logit(chance[abstract, outcome] * p[np.arange(len(p)), chosen])
    hit[abstract, outcome] = truth[np.arange(len(p)), chosen]
    return fit_scaling(value.reshape(-1, 1), hit.reshape(-1, 1))


def _temperature(scores: Floats, labels: Bools) -> float:
    from scipy.optimize import minimize_scalar

    def loss(log_t: float) -> float:
        return -float(np.log(np.clip(softmax(scores * np.exp(log_t))[labels], 1e-9, 1)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def _decided(axis: str, vocabulary: Vocabulary, p: Doubles, threshold: float) -> Bools:
    return decided_matrix(axis, p, threshold, vocabulary)


def best_threshold(p: Doubles, labels: Bools, decide: Callable[[Doubles, float], Bools] | None = None) -> float:
    """The middle of the thresholds from 0.15 to 0.6 whose micro-F1 on out-of-fold probabilities is the highest or near.

    The peak itself jumps from fold to fold; the middle of all within PLATEAU of it gains 0.001 to 0.003 (2026-11).
    """
    tried = np.arange(0.15, 0.61, 0.025)
    found = []
    for threshold in tried:
        decided = p >= threshold if decide is None else decide(p, float(threshold))
        hit = float((decided & labels).sum())
        found.append(2 * hit / max(float(decided.sum() + labels.sum()), 1.0))
    near = np.array(found) >= max(found) - PLATEAU
    return float(np.median(tried[near]))


__all__ = [
    "STACK",
    "Material",
    "best_sentences",
    "best_threshold",
    "direction_pairs",
    "fit",
    "fit_stack",
    "make_material",
]
