"""The fitted classifier: from a batch of records to probabilities, and from these to labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse
from threadpoolctl import ThreadpoolController

from msminer.classify import directions, headings, hints, rare, rivals, roles, sums, views
from msminer.classify.features import Batch, Encoder
from msminer.classify.forest import Forest
from msminer.classify.heads import Bools, Doubles, Heads, Scaling, View, logit, sigmoid, softmax
from msminer.classify.spec import POWER
from msminer.classify.topics import topics_of

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
OUTCOMES = "outcomes"
GATE = "any_finding"
# Log odds of the stack (3 in 100) below which trees are not asked: no outcome is decided there, and they cost time.
_SURE = -3.5
STACK = ("abstract", "best_sentence", "any_sentence", "any_finding", "against_best_outcome", "against_best_sentence")


@dataclass(frozen=True)
class Direction:
    """Heads and forest on single sentences (`directions.sentence_view`), and on abstracts (`abstract_view`)."""

    sentence: Heads
    sentence_forest: Forest
    abstract: Heads
    abstract_forest: Forest


@dataclass(frozen=True)
class Learned:
    """What is learned without the gold's labels.

    idf: weights of words; topics: words x topics; heads of `transfer` (change), `roles` and `hints`.
    """

    idf: Floats
    topics: Floats
    change: Heads
    roles: Heads
    hints: Heads


@dataclass(frozen=True)
class Beside:
    """What records bring beside their text: headings and types; roles of sentences that their sections leave open."""

    said: headings.Said
    roles: Bools


@dataclass(frozen=True)
class Parts:
    """All that training fits.

    documents: axis → heads on abstracts (also `outcomes`, `any_finding`); forest: all their labels in one forest;
    blends: axis → weights of head and forest; rivals: axis → trees that look again at labels in doubt (`rivals`).
    sentences: heads on sentences, one an outcome. stack: weights of STACK and one intercept an outcome; gather: forest
    on the same and more. direction: heads and forests; direction_share: how common each direction is.
    scaling: axis → calibration (also `direction`, `joint`). temperature: of study design. thresholds: axis → least p.
    trust: weights of headings (`headings.fit_trust`).
    """

    learned: Learned
    documents: Mapping[str, Heads]
    forest: Forest
    blends: Mapping[str, Doubles]
    rivals: Mapping[str, Forest]
    sentences: Heads
    stack: Doubles
    gather: Forest
    direction: Direction
    direction_share: Doubles
    scaling: Mapping[str, Scaling]
    temperature: float
    thresholds: Mapping[str, float]
    trust: headings.Trust

    @cached_property
    def asked_forest(self) -> Forest:
        """The forest of documents for the labels whose blend listens to it."""
        heard = {
            f"{axis}:{name}"
            for axis, heads in self.documents.items()
            for name, weight in zip(heads.names, self.blends[axis][1], strict=True)
            if weight
        }
        return self.forest.only(heard)


@dataclass(frozen=True)
class Raw:
    """Uncalibrated scores: axis → abstracts x heads; sentences x outcomes."""

    axes: Mapping[str, Floats]
    sentences: Floats


@dataclass(frozen=True)
class Predicted:
    """Calibrated probabilities of a batch.

    axes: axis → abstracts x labels. outcomes: abstracts x outcomes. sentence: abstracts x outcomes, the sentence
    (number in the batch) that states it best. direction: abstracts x outcomes x directions, 0 where not asked.
    joint: abstracts x outcomes, p of the outcome and its likeliest direction.
    """

    axes: Mapping[str, Doubles]
    outcomes: Doubles
    sentence: Ints
    direction: Doubles
    joint: Doubles


def document_view(batch: Batch, encoder: Encoder, learned: Learned, told: Floats) -> View:
    """Abstracts as rows; blocks of columns: `views.document_dense`, topics, `views.told_dense`, hints.

    told: `roles.role_chances` of the sentences.
    """
    counts = views.document_counts(batch)
    view = View(views.document_dense(batch, encoder.idea_names), views.weighted(counts, learned.idf))
    results = views.told_dense(batch, len(encoder.book.ideas), told)
    hinted = hints.hint_scores(view, encoder, learned.hints)
    return View(np.hstack([view.dense, topics_of(counts, learned.topics), results, hinted]), view.words)


def sentence_view(batch: Batch, learned: Learned, told: Floats) -> View:
    """Sentences as rows; blocks of columns: `views.sentence_dense`, topics, `views.role_dense`."""
    blocks = [views.sentence_dense(batch), topics_of(batch.words, learned.topics), views.role_dense(batch, told)]
    return View(np.hstack(blocks), views.weighted(batch.words, learned.idf))


def document_scores(documents: Mapping[str, Heads], forest: Forest, view: View) -> dict[str, tuple[Floats, Doubles]]:
    """Axis → scores of the heads and of the forest, both abstracts x labels; 0 for labels that the forest lacks."""
    grown = dict(zip(forest.names, forest.scores(view.dense).T, strict=True))
    nothing = np.zeros(len(view.dense))
    out: dict[str, tuple[Floats, Doubles]] = {}
    for axis, heads in documents.items():
        columns = [grown.get(f"{axis}:{name}", nothing) for name in heads.names]
        out[axis] = (heads.scores(view), np.column_stack(columns))
    return out


def blended(scores: Mapping[str, tuple[Floats, Doubles]], blends: Mapping[str, Doubles]) -> dict[str, Floats]:
    """Axis → weighted sum of both scores."""
    return {a: (h * blends[a][0] + f * blends[a][1]).astype(np.float32) for a, (h, f) in scores.items()}


def stack_features(raw: Raw, first: npt.NDArray[np.int32]) -> Doubles:
    """Abstracts x outcomes x STACK: what the abstract and its sentences say of each outcome."""
    by_sentence = sigmoid(raw.sentences)
    best = np.maximum.reduceat(by_sentence, first[:-1], axis=0)
    any_one = 1 - np.exp(np.add.reduceat(np.log1p(-np.clip(by_sentence, 0, 1 - 1e-6)), first[:-1], axis=0))
    whole = logit(sigmoid(raw.axes[OUTCOMES]))
    gate = np.repeat(raw.axes[GATE].astype(float), whole.shape[1], axis=1)
    best_score = logit(best)
    parts = [
        whole,
        best_score,
        logit(any_one),
        gate,
        whole - whole.max(axis=1, keepdims=True),
        best_score - best_score.max(axis=1, keepdims=True),
    ]
    return np.stack(parts, axis=2)


def stacked(features: Doubles, stack: Doubles) -> Doubles:
    """Log odds of each outcome; stack holds the weights of STACK, then one intercept an outcome."""
    n = len(STACK)
    return np.asarray(features @ stack[:n] + stack[n:], np.float64)


def gather_features(features: Doubles, raw: Raw, first: npt.NDArray[np.int32]) -> Floats:
    """Rows abstract by abstract and outcome by outcome: STACK, the second sentence, place of the best, context."""
    n, k, m = features.shape
    chance = sigmoid(raw.sentences)
    sizes = np.diff(first)
    best, second = sums.best_two(chance, first)
    number = (best - first[:-1, None]) / np.maximum(sizes - 1, 1)[:, None]
    more = np.stack([logit(second), number, np.repeat(sizes[:, None] / 10, k, axis=1)], axis=2)
    about = np.repeat(directions.document_context(raw.axes), k, axis=0)
    which = np.tile(np.eye(k), (n, 1))
    return np.hstack([features.reshape(n * k, m), more.reshape(n * k, 3), about, which]).astype(np.float32)


def outcome_scores(
    features: Doubles, table: Floats, stack: Doubles, gather: Forest, named: tuple[Floats, Ints]
) -> Doubles:
    """Mean of the log odds of the stack and of the forest; where the stack is sure, it alone.

    The forest reads `gather_features` and how often and where each outcome is named (0.005 of F1 out of fold on the
    gold, 2026-11). named: the dense columns of `document_view`, and which are the outcomes' (`rivals.own_columns`).
    """
    said = stacked(features, stack)
    doubtful = said > _SURE
    grown = said.copy()
    if doubtful.any():
        read = [table[doubtful.ravel()], rivals.named(np.argwhere(doubtful), *named)]
        grown[doubtful] = gather.scores(np.hstack(read))[:, 0]
    return np.asarray((said + grown) / 2, np.float64)


def best_sentences(raw: Raw, batch: Batch) -> Ints:
    """Abstracts x outcomes: the sentence (number in the batch) with the highest score; the first of equals."""
    best: Ints = sums.best_two(raw.sentences, batch.first)[0]
    return best


def predict(parts: Parts, encoder: Encoder, batch: Batch, beside: Beside) -> Predicted:
    """Probabilities of a batch."""
    # These products are small: a second thread of the algebra library would only wait, and burn a core that a second
    # process could use (half of all time at work).
    with _algebra().limit(limits=1, user_api="blas"):
        return _predict(parts, encoder, batch, beside)


@cache
def _algebra() -> ThreadpoolController:
    return ThreadpoolController()


def _predict(parts: Parts, encoder: Encoder, batch: Batch, beside: Beside) -> Predicted:
    learned = parts.learned
    words = views.weighted(batch.words, learned.idf)
    told = roles.role_chances(batch, encoder, words, learned.roles, beside.roles)
    view = document_view(batch, encoder, learned, told)
    scores = document_scores(parts.documents, parts.asked_forest, view)
    own = own_columns(encoder, {axis: heads.names for axis, heads in parts.documents.items()}, learned)
    axes = rivals.looked_again(blended(scores, parts.blends), parts.rivals, view.dense, own)
    raw = Raw(axes, sentence_scores(parts, batch, words, told))
    found = finish(parts, encoder, batch, raw, words=words, told=told, named=(view.dense, own[OUTCOMES]))
    names = {axis: parts.documents[axis].names for axis in found.axes}
    raised = rare.raised(found.axes, names, batch, encoder)
    return replace(found, axes=headings.weighed(raised, beside.said, parts.trust))


def own_columns(encoder: Encoder, names: Mapping[str, tuple[str, ...]], learned: Learned) -> dict[str, Ints]:
    """Axis → `rivals.own_columns`, for the axes that are looked at again and outcomes; names: axis → its labels."""
    topics = learned.topics.shape[1]
    axes = (*rivals.AXES, OUTCOMES)
    return {axis: rivals.own_columns(encoder, axis, names[axis], topics) for axis in axes}


def sentence_scores(parts: Parts, batch: Batch, words: sparse.csr_matrix, told: Floats) -> Floats:
    """Scores of the sentence heads, as `Heads.scores` gives them on `sentence_view`."""
    heads, n_topics, n_roles = parts.sentences, parts.learned.topics.shape[1], 4 * told.shape[1]
    dense, topics, role = np.split(heads.dense, [len(heads.dense) - n_topics - n_roles, len(heads.dense) - n_roles])
    about = topics_of(batch.words, parts.learned.topics) @ topics + views.role_dense(batch, told) @ role
    out: Floats = views.sentence_scores(batch, dense) + about + words @ heads.words + heads.intercept
    return out


def finish(
    parts: Parts,
    encoder: Encoder,
    batch: Batch,
    raw: Raw,
    *,
    words: sparse.csr_matrix,
    told: Floats,
    named: tuple[Floats, Ints],
) -> Predicted:
    """Probabilities from scores: calibration, stack, sentence, direction; named: as `outcome_scores` reads it."""
    axes: dict[str, Doubles] = {
        axis: parts.scaling[axis].probabilities(raw.axes[axis]) for axis in ("cell_types", "populations", "routes")
    }
    axes["study_design"] = softmax(raw.axes["study_design"] * parts.temperature)
    features = stack_features(raw, batch.first)
    table = gather_features(features, raw, batch.first)
    outcome = parts.scaling[OUTCOMES].probabilities(outcome_scores(features, table, parts.stack, parts.gather, named))
    direction = np.zeros((*outcome.shape, len(parts.direction.sentence.names)))
    joint = np.zeros_like(outcome)
    # a direction is asked for only where the outcome is decided
    at = np.argwhere(outcome >= parts.thresholds[OUTCOMES])
    if len(at):
        change = directions.change_scores(batch, encoder, words, parts.learned.change)
        context = directions.Context(words, raw.sentences, change, directions.document_context(raw.axes), told)
        p = direction_chances(
            parts.scaling["direction"], direction_scores(parts.direction, batch, encoder, context, at)
        )
        direction[at[:, 0], at[:, 1]] = p
        chosen = p[np.arange(len(p)), likeliest(p, parts.direction_share)]
        value = logit(outcome[at[:, 0], at[:, 1]] * chosen).reshape(-1, 1)
        joint[at[:, 0], at[:, 1]] = parts.scaling["joint"].probabilities(value)[:, 0]
    return Predicted(axes, outcome, best_sentences(raw, batch), direction, joint)


def direction_scores(
    parts: Direction, batch: Batch, encoder: Encoder, context: directions.Context, pairs: Ints
) -> Doubles:
    """Log odds of the directions of (abstract, outcome) pairs: the mean chance of heads and forests.

    The likeliest sentences are asked one by one and their answers weighted; the abstract is asked as a whole.
    """
    asked, who, weight = directions.asked(batch, context, pairs)
    one = directions.sentence_view(batch, encoder, context, asked)
    by_sentence = _shares(parts.sentence.scores(one)) + _shares(parts.sentence_forest.scores(one.dense))
    whole = directions.abstract_view(batch, encoder, context, pairs)
    by_abstract = _shares(parts.abstract.scores(whole)) + _shares(parts.abstract_forest.scores(whole.dense))
    return logit((directions.pooled(by_sentence, who, weight, len(pairs)) + by_abstract) / 4)


def _shares(scores: npt.NDArray[np.floating]) -> Doubles:
    p = sigmoid(scores)
    return np.asarray(p / p.sum(axis=1, keepdims=True), np.float64)


def direction_chances(scaling: Scaling, scores: Doubles) -> Doubles:
    """Probabilities of the directions, rows sum to one."""
    p = scaling.probabilities(scores)
    return np.asarray(p / p.sum(axis=1, keepdims=True), np.float64)


def likeliest(p: Doubles, share: Doubles) -> Ints:
    """The direction with the highest p / share**POWER of each row."""
    return np.asarray((p / share**POWER).argmax(axis=1), np.int64)
