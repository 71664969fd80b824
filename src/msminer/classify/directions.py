"""What an abstract tells about the direction of an outcome, by sentence and over all sentences of the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from msminer.classify import sums
from msminer.classify.features import CHANGES, Batch, Encoder
from msminer.classify.heads import Doubles, Heads, View, sigmoid, softmax
from msminer.classify.views import TELLS, edges, summed

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
_SIGNS = ("sign:good_noun", "sign:bad_noun")
_ALSO = (
    "given:knockout",
    "role:result",
    "role:conclusion",
    "role:future",
    "role:background",
    "subject:animal",
    "subject:human",
    "subject:review_word",
    "disease:controls",
)
# Sentences of an abstract that are asked for the direction of an outcome, the likeliest first: the best alone is the
# readers' own in 47 of 100, and asking 5 took accuracy from 0.73 to 0.75 out of fold on the gold (2026-11).
ASKED = 5
# A net change of signs beyond this counts as a sentence for or against.
_CLEAR = 0.3


@dataclass(frozen=True)
class Context:
    """What is known of a batch before directions: words and outcome scores (sentences x outcomes) of its sentences,
    what the heads of `transfer` say of them, chances of design, cells and populations of its abstracts, and
    role chances (`views.ROLES`) of its sentences.
    """

    words: sparse.csr_matrix
    outcomes: Floats
    change: Floats
    documents: Floats
    roles: Floats


def document_context(axes: Mapping[str, npt.NDArray[np.floating]]) -> Floats:
    """Chances of study design, cell types and populations from uncalibrated scores, abstracts x labels."""
    design = softmax(axes["study_design"].astype(np.float64))
    return np.hstack([design, sigmoid(axes["cell_types"]), sigmoid(axes["populations"])]).astype(np.float32)


def idea_columns(encoder: Encoder) -> list[int]:
    """Columns that the direction heads read: changes, signs, their pairs, negation of harm, manipulated subjects."""
    names = encoder.idea_names
    wanted = [f"change:{c}" for c in CHANGES] + [f"directions:{d}" for d in ("benefit", "no_effect", "harm", "mixed")]
    wanted += list(_SIGNS) + [f"{s}>change:{c}" for s in _SIGNS for c in CHANGES] + list(_ALSO)
    known = {name: n for n, name in enumerate(names)}
    return [known[name] for name in wanted]


def cue_view(batch: Batch, encoder: Encoder, words: sparse.csr_matrix) -> View:
    """Sentences as rows, as the heads of `transfer` see them: `idea_columns` and words."""
    return View(_logged(batch, idea_columns(encoder)), words)


def _logged(batch: Batch, columns: list[int]) -> Floats:
    found: Floats = sums.log_counts(batch.ideas[:, columns])
    return found


def change_scores(batch: Batch, encoder: Encoder, words: sparse.csr_matrix, heads: Heads) -> Floats:
    """Scores of the heads of `transfer`, sentences x heads."""
    return np.asarray(heads.scores(cue_view(batch, encoder, words)), np.float32)


def sentence_view(batch: Batch, encoder: Encoder, context: Context, pairs: Rows) -> View:
    """Rows for (sentence, outcome) pairs.

    Dense columns: ideas of the sentence; pairs of the outcome with each change; net change of good and bad things;
    title's and last quarter's ideas; the outcome, alone and times the net change; context; roles. Words: its
    own.
    """
    rows, outcome = pairs[:, 0], pairs[:, 1]
    owner = batch.owner[rows]
    columns = idea_columns(encoder)
    now = _logged(batch, columns)[rows]
    own = sums.log_counts(batch.ideas[rows[:, None], _own_columns(encoder)[outcome]])
    net = _net(encoder, batch.ideas)[rows]
    known = np.eye(len(context.outcomes[0]), dtype=np.float32)[outcome]
    signed = [known, known * net[:, :1], known * net[:, 1:2]]
    around = _around(batch, columns, owner)
    about = [context.change[rows], context.documents[owner], context.roles[rows]]
    return View(np.hstack([now, own, *around, net, *signed, *about], dtype=np.float32), context.words[rows])


def abstract_view(batch: Batch, encoder: Encoder, context: Context, pairs: Rows) -> View:
    """Rows for (abstract, outcome) pairs.

    Dense columns: what all sentences tell, each weighted by its chance to state the outcome (changes, net change,
    `transfer` heads, sentences for, against and without effect and their products); title and last quarter; the
    outcome; context; what is told on average as result and as conclusion. Words: those of the likeliest sentence.
    """
    abstract, outcome = pairs[:, 0], pairs[:, 1]
    told = _weighted(batch, encoder, context, pairs)
    columns = idea_columns(encoder)
    change = [*_change_around(batch, context, abstract), *_change_by_role(batch, encoder, context, abstract)]
    known = np.eye(len(context.outcomes[0]), dtype=np.float32)[outcome]
    about = [context.documents[abstract], known, told]
    rows, _, first = _asked(batch, context, pairs, 1)
    dense = np.hstack([*about, *_around(batch, columns, abstract), *change], dtype=np.float32)
    return View(dense, context.words[rows[first]])


def asked(batch: Batch, context: Context, pairs: Rows) -> tuple[Rows, Rows, Floats]:
    """Up to ASKED sentences of each (abstract, outcome): (sentence, outcome) rows, number of the pair, weight.

    Weights are proportional to the odds that the sentence states the outcome and sum to one over a pair.
    """
    rows, who, _ = _asked(batch, context, pairs, ASKED)
    outcome = pairs[who, 1]
    weight = np.exp(np.clip(context.outcomes[rows, outcome], -20, 20))
    total = np.bincount(who, weight, len(pairs))
    return np.column_stack([rows, outcome]), who, (weight / total[who]).astype(np.float32)


def pooled(p: Doubles, who: Rows, weight: Floats, n: int) -> Doubles:
    """Weighted sums of rows per pair."""
    gather = sparse.csr_matrix((weight, (who, np.arange(len(who)))), shape=(n, len(who)))
    return np.asarray(gather @ p, np.float64)


def _sentences_of(batch: Batch, abstract: Rows) -> tuple[Rows, Rows, Rows]:
    """All sentences of each abstract in turn: sentence, number of the abstract in the list, first of each."""
    sizes = np.diff(batch.first)[abstract].astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    who = np.repeat(np.arange(len(abstract)), sizes)
    rows = np.arange(len(who)) - starts[who] + batch.first[abstract][who]
    return rows, who, starts


def _asked(batch: Batch, context: Context, pairs: Rows, most: int) -> tuple[Rows, Rows, Rows]:
    rows, who, starts = _sentences_of(batch, pairs[:, 0])
    order = np.lexsort((-context.outcomes[rows, pairs[who, 1]], who))
    rank = np.arange(len(rows)) - starts[who]
    kept = order[rank < most]
    return rows[kept], who[kept], np.flatnonzero(rank[rank < most] == 0)


def _weighted(batch: Batch, encoder: Encoder, context: Context, pairs: Rows) -> Floats:
    rows, who, starts = _sentences_of(batch, pairs[:, 0])
    outcome = pairs[who, 1]
    chance = sigmoid(context.outcomes[rows, outcome]).astype(np.float32)
    weight = (chance / np.add.reduceat(chance, starts)[who])[:, None]
    net = _net(encoder, batch.ideas)[rows]
    nothing = (net[:, 1] > 0).astype(np.float32)
    own = np.minimum(batch.ideas[rows[:, None], _own_columns(encoder)[outcome]], 2)
    change = np.minimum(batch.ideas[:, idea_columns(encoder)[: len(CHANGES)]], 2)[rows]
    votes = np.column_stack([net[:, 0] > _CLEAR, net[:, 0] < -_CLEAR, nothing]).astype(np.float32)
    told = np.add.reduceat(np.hstack([change, own, net, context.change[rows], votes]) * weight, starts, axis=0)
    good, bad, none = told[:, -3], told[:, -2], told[:, -1]
    found: Floats = np.column_stack([told, good * bad, good * none, bad * none]).astype(np.float32)
    return found


def _around(batch: Batch, columns: list[int], owner: npt.NDArray[np.integer]) -> list[Floats]:
    """Ideas of the title and of title and last quarter, halved: they matter less than the sentence itself."""
    title, _, last = edges(batch)
    ideas = batch.ideas[:, columns]
    both: Floats = summed(ideas * (last | title)[:, None].astype(np.float32), batch)
    return [np.asarray(np.log1p(told) * 0.5, np.float32) for told in (ideas[batch.first[owner]], both[owner])]


def _change_around(batch: Batch, context: Context, abstract: Rows) -> list[Floats]:
    """What the heads of `transfer` say of the title, and on average of the last quarter."""
    last = edges(batch)[2].astype(np.float32)[:, None]
    mean: Floats = (summed(context.change * last, batch) / np.maximum(summed(last, batch), 1)).astype(np.float32)
    return [context.change[batch.first[abstract]], mean[abstract]]


def _change_by_role(batch: Batch, encoder: Encoder, context: Context, abstract: Rows) -> list[Floats]:
    """`transfer` heads and net change, averaged over the abstract by the chance to tell a result, and a conclusion."""
    told = np.hstack([context.change, _net(encoder, batch.ideas)]).astype(np.float32)
    out = []
    for role in TELLS:
        weight = context.roles[:, role]
        total = np.maximum(summed(weight[:, None], batch), 0.1)
        out.append(np.asarray((summed(told, batch, weight) / total)[abstract], np.float32))
    return out


def _own_columns(encoder: Encoder) -> npt.NDArray[np.int64]:
    known = {name: n for n, name in enumerate(encoder.idea_names)}
    outcomes = [i for i in encoder.book.ideas if i.startswith("outcomes:")]
    return np.array([[known[f"{o}>change:{c}"] for c in CHANGES] for o in outcomes])


def _net(encoder: Encoder, ideas: Floats) -> Floats:
    """Signed evidence: good up and bad down, better words, no harm; against good down, bad up, worse words."""
    known = {name: n for n, name in enumerate(encoder.idea_names)}

    def count(name: str) -> Floats:
        return ideas[:, known[name]]

    gain = (
        count("sign:good_noun>change:up")
        + count("sign:bad_noun>change:down")
        + count("change:better")
        + count("change:no_bad")
    )
    loss = count("sign:good_noun>change:down") + count("sign:bad_noun>change:up") + count("change:worse")
    nothing = count("change:nodiff")
    return np.column_stack([np.tanh((gain - loss) / 2), np.log1p(nothing), np.minimum(np.log1p(gain), np.log1p(loss))])
