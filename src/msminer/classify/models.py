"""The fitted classifier: from a batch of records to probabilities, and from these to labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msminer.classify import directions, views
from msminer.classify.features import Batch, Encoder
from msminer.classify.heads import Doubles, Heads, Scaling, View, logit, sigmoid, softmax

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
OUTCOMES = "outcomes"
GATE = "any_finding"
STACK = ("abstract", "best_sentence", "any_sentence", "any_finding", "against_best_outcome", "against_best_sentence")


@dataclass(frozen=True)
class Parts:
    """All that training fits.

    idf: weights of words. documents: axis → heads on abstracts (also `outcomes`, `any_finding`). sentences: outcome
    heads on sentences. stack: weights of STACK and one intercept an outcome. direction: heads on the chosen sentence.
    scaling: axis → calibration (also `direction`, `joint`). temperature: of study design. thresholds: axis → least p.
    """

    idf: Floats
    documents: Mapping[str, Heads]
    sentences: Heads
    stack: Doubles
    direction: Heads
    scaling: Mapping[str, Scaling]
    temperature: float
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Raw:
    """Uncalibrated scores: axis → abstracts x heads; sentences x outcomes."""

    axes: Mapping[str, Floats]
    sentences: Floats


@dataclass(frozen=True)
class Predicted:
    """Calibrated probabilities of a batch.

    axes: axis → abstracts x labels. outcomes: abstracts x outcomes. sentence: abstracts x outcomes, the sentence (number
    in the batch) that states it best. direction: abstracts x outcomes x directions. joint: p of outcome and the likeliest direction.
    """

    axes: Mapping[str, Doubles]
    outcomes: Doubles
    sentence: Ints
    direction: Doubles
    joint: Doubles


def document_view(batch: Batch, encoder: Encoder, idf: Floats) -> View:
    """Abstracts as rows."""
    return View(views.document_dense(batch, encoder.book.number["given:given"]), views.document_words(batch, idf))


def sentence_view(batch: Batch, idf: Floats) -> View:
    """Sentences as rows."""
    return View(views.sentence_dense(batch), views.weighted(batch.words, idf))


def raw_scores(documents: Mapping[str, Heads], sentences: Heads, of_documents: View, of_sentences: View) -> Raw:
    """Scores of all heads."""
    return Raw({axis: heads.scores(of_documents) for axis, heads in documents.items()}, sentences.scores(of_sentences))


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


def best_sentences(raw: Raw, batch: Batch) -> Ints:
    """Abstracts x outcomes: the sentence (number in the batch) with the highest score; the first of equals."""
    n = len(batch.first) - 1
    out = np.zeros((n, raw.sentences.shape[1]), np.int64)
    for number in range(n):
        start, stop = batch.first[number], batch.first[number + 1]
        out[number] = start + raw.sentences[start:stop].argmax(axis=0)
    return out


def predict(parts: Parts, encoder: Encoder, batch: Batch) -> Predicted:
    """Probabilities of a batch."""
    of_documents, of_sentences = document_view(batch, encoder, parts.idf), sentence_view(batch, parts.idf)
    raw = raw_scores(parts.documents, parts.sentences, of_documents, of_sentences)
    return finish(parts, encoder, batch, raw, of_sentences)


def finish(parts: Parts, encoder: Encoder, batch: Batch, raw: Raw, of_sentences: View) -> Predicted:
    """Probabilities from scores: calibration, stack, sentence, direction."""
    axes: dict[str, Doubles] = {
        axis: parts.scaling[axis].probabilities(raw.axes[axis]) for axis in ("cell_types", "populations", "routes")
    }
    axes["study_design"] = softmax(raw.axes["study_design"] * parts.temperature)
    outcome = parts.scaling[OUTCOMES].probabilities(stacked(stack_features(raw, batch.first), parts.stack))
    sentence = best_sentences(raw, batch)
    n, k = outcome.shape
    pairs = np.column_stack([sentence.ravel(), np.tile(np.arange(k), n)])
    view = directions.view(batch, encoder, of_sentences, pairs)
    scaled = parts.scaling["direction"].probabilities(parts.direction.scores(view))
    direction = (scaled / scaled.sum(axis=1, keepdims=True)).reshape(n, k, -1)
    joint = parts.scaling["joint"].probabilities(logit(outcome * direction.max(axis=2)).reshape(-1, 1)).reshape(n, k)
    return Predicted(axes, outcome, sentence, direction, joint)
