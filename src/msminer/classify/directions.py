"""What a sentence tells about the direction of an outcome: changes, the outcome's valence, the rest of the abstract."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from msminer.classify.features import CHANGES, Batch, Encoder
from msminer.classify.heads import View
from msminer.classify.views import edges, summed

Floats = npt.NDArray[np.float32]
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


def idea_columns(encoder: Encoder) -> list[int]:
    """Columns that the direction heads read: changes, signs, their pairs, negation of harm, manipulated subjects."""
    names = encoder.idea_names
    wanted = [f"change:{c}" for c in CHANGES] + [f"directions:{d}" for d in ("benefit", "no_effect", "harm", "mixed")]
    wanted += list(_SIGNS) + [f"{s}>change:{c}" for s in _SIGNS for c in CHANGES] + list(_ALSO)
    known = {name: n for n, name in enumerate(names)}
    return [known[name] for name in wanted]


def view(batch: Batch, encoder: Encoder, sentences: View, pairs: npt.NDArray[np.int64]) -> View:
    """Rows for (sentence, outcome) pairs.

    Dense columns: ideas of the sentence; pairs of the outcome with each change; net change of good and bad things;
    title's and last quarter's ideas; the outcome, alone and times the net change. Words: those of the sentence.
    """
    rows, outcome = pairs[:, 0], pairs[:, 1]
    owner = batch.owner[rows]
    columns = idea_columns(encoder)
    now = np.log1p(batch.ideas[rows][:, columns])
    own = np.log1p(batch.ideas[rows[:, None], _own_columns(encoder)[outcome]])
    title, _, last = edges(batch)
    title_ideas = np.log1p(batch.ideas[batch.first[owner]][:, columns])
    last_ideas = np.log1p(summed(batch.ideas[:, columns], batch, last | title))[owner]
    net = _net(encoder, batch.ideas[rows])
    known = np.eye(10, dtype=np.float32)[outcome]
    dense = np.hstack(
        [now, own, title_ideas * 0.5, last_ideas * 0.5, net, known, known * net[:, :1], known * net[:, 1:2]]
    )
    words: sparse.csr_matrix = sentences.words[rows]
    return View(dense.astype(np.float32), words)


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
