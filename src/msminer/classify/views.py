"""What a head sees of a batch: abstracts or sentences as rows, ideas by place in the text as columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from msminer.classify import sums
from msminer.classify.features import Batch
from msminer.classify.heads import logit

Floats = npt.NDArray[np.float32]

# The first and the last quarter of an abstract; readers find aims in the one, conclusions in the other.
EDGE = 0.25
DOCUMENT_ZONES = ("all", "title", "first", "last", "given", "share")
# Groups of which one label tends to rule an abstract; the share zone of all other ideas is 0. Out of fold on the gold
# the shares gain 0.005 in cell types and 0.003 in study design; populations would lose 0.004 by them (2026-11).
SHARED = ("cell_types", "study_design", "says", "tissue")
EXTRA_SENTENCE = (
    "is_title",
    "place",
    "place_squared",
    "is_last",
    "is_last_but_one",
    "is_second",
    "sentences",
    "tokens",
)
# What a sentence can be for, as columns of role chances; the last two tell what was found.
ROLES = ("background", "method", "result", "conclusion")
TELLS = [2, 3]
EXTRA_DOCUMENT = ("sentences", "tokens", "no_abstract")


def place(batch: Batch) -> tuple[Floats, Floats]:
    """Of each sentence: its number in its abstract (title 0), and the number of the abstract's sentences."""
    sizes = np.diff(batch.first)
    number = np.arange(len(batch.owner), dtype=np.float32) - batch.first[batch.owner]
    return number.astype(np.float32), sizes[batch.owner].astype(np.float32)


def edges(batch: Batch) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Masks of sentences: title, first quarter, last quarter of the abstract."""
    number, size = place(batch)
    quarter = np.maximum(2, np.round(size * EDGE))
    title = number == 0
    return title, (number > 0) & (number <= quarter), (number > 0) & (number >= size - quarter)


def summed(values: Floats, batch: Batch, weight: npt.NDArray[np.generic] | None = None) -> Floats:
    """Rows of sentences, each times its weight (default 1), added up per abstract."""
    times = np.ones(len(batch.owner), np.float32) if weight is None else weight.astype(np.float32)
    return summed_by(values, batch, times[:, None])[:, 0]


def summed_by(values: Floats, batch: Batch, weights: Floats) -> Floats:
    """`summed` for several weights of the sentences (sentences x weights): abstracts x weights x columns of values."""
    found: Floats = sums.add_by_weight(np.ascontiguousarray(values, np.float32), batch.first, weights)
    return found


def document_dense(batch: Batch, names: Sequence[str]) -> Floats:
    """Per abstract: log counts, presence in title, first and last quarter, log counts where something is given, shares.

    names: those of the columns of `batch.ideas`. Columns: zone by zone (DOCUMENT_ZONES) all ideas, then EXTRA_DOCUMENT.
    """
    given = batch.ideas[:, names.index("given:given")] > 0
    everywhere = np.ones(len(batch.owner), bool)
    weights = np.column_stack([everywhere, *edges(batch), given]).astype(np.float32)
    found = summed_by(batch.ideas, batch, weights)
    counts = found[:, 0]
    zones = [sums.log_counts(counts), *((found[:, n] > 0) for n in (1, 2, 3))]
    zones += [sums.log_counts(found[:, 4]), shares(counts, names)]
    sizes = np.diff(batch.first).astype(np.float32)
    n_tokens = summed(batch.lengths[:, None].astype(np.float32), batch)[:, 0]
    extra = np.column_stack([np.log1p(sizes), np.log1p(n_tokens), sizes <= 1])
    return np.hstack([*zones, extra], dtype=np.float32)


def told_dense(batch: Batch, own: int, roles: Floats) -> Floats:
    """Per abstract, by the roles of its sentences (sentences x ROLES): what is told as result or conclusion.

    Columns: log sums of the first `own` ideas over all sentences, each weighted by its chance to tell a result or
    conclusion; per role its mean chance, its greatest, and the log count of sentences that are likelier of it than not.
    """
    tells = roles[:, TELLS].sum(axis=1)
    ideas = np.log1p(summed(batch.ideas[:, :own], batch, tells))
    sizes = np.maximum(np.diff(batch.first) - 1, 1)[:, None]
    greatest = np.maximum.reduceat(roles, batch.first[:-1], axis=0)
    many = np.log1p(summed((roles > 0.5).astype(np.float32), batch))
    return np.hstack([ideas, summed(roles, batch) / sizes, greatest, many]).astype(np.float32)


def role_dense(batch: Batch, roles: Floats) -> Floats:
    """Per sentence: chances of its roles, their log odds quartered, the chances of the sentences before and after."""
    odds = logit(roles) / 4
    return np.hstack([roles, odds, shifted(roles, batch, -1), shifted(roles, batch, 1)]).astype(np.float32)


def shares(counts: Floats, names: Sequence[str]) -> Floats:
    """Counts of each idea as a share of its group's, for the groups in SHARED; 0 for all other columns and pairs."""
    out = np.zeros_like(counts)
    for group in SHARED:
        columns = [n for n, name in enumerate(names) if name.startswith(f"{group}:") and ">" not in name]
        total = counts[:, columns].sum(axis=1, keepdims=True)
        out[:, columns] = counts[:, columns] / np.maximum(total, 1)
    return out


def document_counts(batch: Batch) -> sparse.csr_matrix:
    """Word counts of each abstract."""
    counts = batch.words
    found = sums.add_rows(counts.data, counts.indices, counts.indptr, batch.first, counts.shape[1])
    return sparse.csr_matrix(found, shape=(len(batch.first) - 1, counts.shape[1]))


def weighted(counts: sparse.csr_matrix, idf: Floats) -> sparse.csr_matrix:
    """(1 + log count) x idf, rows of length 1."""
    data = sums.weigh_words(counts.data, counts.indices, counts.indptr, idf)
    return sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)


def sentence_scores(batch: Batch, weights: Floats) -> Floats:
    """`sentence_dense(batch) @ weights` without building that table, which is what costs at work."""
    f = batch.ideas.shape[1]
    blocks = np.hstack([weights[n * f : (n + 1) * f] for n in range(4)])
    own, title, before, after = np.split(sums.score_counts(batch.ideas, blocks), 4, axis=1)
    inside = (place(batch)[0] > 0)[1:, None]
    out = own + title[batch.first[batch.owner]]
    out[1:] += before[:-1] * inside
    out[:-1] += after[1:] * inside
    found: Floats = out + sentence_extra(batch) @ weights[4 * f :]
    return found


def shifted(values: Floats, batch: Batch, by: int) -> Floats:
    """Rows of the sentence before (by -1) or after (by 1) each sentence; 0 beyond the abstract."""
    inside = (place(batch)[0] > 0)[1:, None]
    out = np.zeros_like(values)
    if by < 0:
        out[1:] = values[:-1] * inside
    else:
        out[:-1] = values[1:] * inside
    return out


def sentence_extra(batch: Batch) -> Floats:
    """Place and length of each sentence: EXTRA_SENTENCE."""
    number, size = place(batch)
    share = number / np.maximum(size - 1, 1)
    columns = [number == 0, share, share**2, number == size - 1, number == size - 2, number == 1]
    return np.column_stack([*columns, size / 10, batch.lengths / 30]).astype(np.float32)


def sentence_dense(batch: Batch) -> Floats:
    """Per sentence: log counts of ideas and pairs; those of title, sentence before and after; place and length."""
    now = sums.log_counts(batch.ideas)
    inside = place(batch)[0] > 0
    before = np.zeros_like(now)
    before[1:] = now[:-1] * inside[1:, None]
    after = np.zeros_like(now)
    after[:-1] = now[1:] * inside[1:, None]
    title = now[batch.first[batch.owner]]
    return np.hstack([now, title, before, after, sentence_extra(batch)]).astype(np.float32)
