"""What each sentence is for: background or aim, method, result, conclusion.

Learned from the abstracts of Evidence Inference, whose authors said it in their headings; where a record's own sections
say it, they are believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from msminer.classify import spec, views
from msminer.classify.features import Batch, Encoder
from msminer.classify.heads import Bools, Heads, Recipe, View, fit_heads, sigmoid
from msminer.classify.leaks import without_leaks
from msminer.classify.transfer import read_set
from msminer.classify.views import ROLES
from msminer.errors import DataError

Floats = npt.NDArray[np.float32]
FILE = "ei_roles.jsonl.gz"
_ROLES = {"BACKGROUND": 0, "OBJECTIVE": 0, "METHODS": 1, "RESULTS": 2, "CONCLUSIONS": 3}
_GROUPS = ("role", "change", "design", "says", "subject", "given")
# Abstracts learned from; 1,500 give 17,600 sentences. Set by hand (2026-11), to keep training short.
MOST = 1_500
_READ_AT_ONCE = 200
# Columns that let the chance of a role bend along the abstract: `role_view`.
_BENDS = 3
# Words of section labels, as journals and PubMed's own categories use them.
_SECTIONS = (
    re.compile(r"background|introduction|objective|aim|purpose|hypothes|context|rationale|question|importance"),
    re.compile(
        r"method|design|setting|patient|participant|subject|material|intervention|measure|procedure|data source"
    ),
    re.compile(r"result|finding|observation|case"),
    re.compile(r"conclusion|interpretation|discussion|significance|implication|relevance|meaning|summary"),
)


def idea_columns(encoder: Encoder) -> list[int]:
    """Columns of `Batch.ideas` that the role heads read."""
    return [n for n, name in enumerate(encoder.idea_names) if ">" not in name and name.split(":")[0] in _GROUPS]


def role_view(batch: Batch, encoder: Encoder, words: sparse.csr_matrix) -> View:
    """Sentences as rows: cues of the sentence, the one before and the one after, its place and length; its words."""
    now = np.log1p(batch.ideas[:, idea_columns(encoder)])
    extra = views.sentence_extra(batch)
    place = extra[:, views.EXTRA_SENTENCE.index("place")][:, None]
    bends = [place**3, np.clip(place - 0.5, 0, 1), np.clip(place - 0.8, 0, 1)]
    dense = np.hstack([now, views.shifted(now, batch, -1), views.shifted(now, batch, 1), extra, *bends])
    return View(dense.astype(np.float32), words)


def role_chances(batch: Batch, encoder: Encoder, words: sparse.csr_matrix, heads: Heads, told: Bools) -> Floats:
    """Sentences x ROLES, rows sum to one; 0 for titles. told: roles that the record's sections leave open."""
    p = sigmoid(heads.scores(role_view(batch, encoder, words)))
    p = np.where(told, p, 1e-6)
    p /= p.sum(axis=1, keepdims=True)
    p[views.place(batch)[0] == 0] = 0
    return np.asarray(p, np.float32)


def told_roles(records: Sequence[Mapping[str, Any]], batch: Batch) -> Bools:
    """Sentences x ROLES: roles that the labels of the record's `sections` leave open; all where no label speaks.

    Sections whose texts, joined by one blank, are not the abstract say nothing. Raises DataError where a
    section is of another shape.
    """
    out = np.ones((len(batch.owner), len(ROLES)), bool)
    for number, record in enumerate(records):
        parts = list(_labelled(record))
        if parts:
            sentences = np.arange(batch.first[number] + 1, batch.first[number + 1])
            middle = batch.spans[sentences].mean(axis=1)
        for start, end, open_roles in parts:
            out[sentences[(start <= middle) & (middle < end)]] = open_roles
    return out


def _labelled(record: Mapping[str, Any]) -> Iterator[tuple[int, int, Bools]]:
    """Offsets of the sections whose label tells a role, and the roles that it leaves open."""
    sections = record.get("sections") or ()
    if not sections:
        return
    try:
        parts = [(section.get("label") or "", section["text"]) for section in sections]
    except (AttributeError, KeyError) as error:
        raise DataError("sections must each have a label and a text", pmid=record.get("pmid")) from error
    if not any(label for label, _ in parts) or " ".join(text for _, text in parts) != record.get("abstract"):
        return
    start = len(record.get("title") or "") + 1
    for label, text in parts:
        open_roles = _meant(label)
        if open_roles.any():
            yield start, start + len(text), open_roles
        start += len(text) + 1


@lru_cache(maxsize=1 << 12)  # journals print few different headings
def _meant(label: str) -> Bools:
    low = label.lower()
    return np.array([bool(words.search(low)) for words in _SECTIONS])


def no_roles(encoder: Encoder) -> Heads:
    """Heads that hold every role for equally likely, for training without the public sets."""
    k, n_dense = len(ROLES), 3 * len(idea_columns(encoder)) + len(views.EXTRA_SENTENCE) + _BENDS
    dense, words = np.zeros((n_dense, k), np.float32), np.zeros((encoder.n_words, k), np.float32)
    return Heads(ROLES, dense, words, np.zeros(k, np.float32))


def fit_roles(folder: Path, encoder: Encoder, idf: Floats, held: Sequence[Mapping[str, Any]]) -> Heads:
    """ROLES as heads; abstracts that share a text with `held` are left out.

    Raises DataError when the set is missing from the folder.
    """
    abstracts = without_leaks(read_set(folder / FILE), held)[:MOST]
    dense, words, roles = [], [], []
    for start in range(0, len(abstracts), _READ_AT_ONCE):
        view, known = _sentences(abstracts[start : start + _READ_AT_ONCE], encoder, idf)
        dense.append(view.dense)
        words.append(view.words)
        roles.append(known)
    view = View(np.vstack(dense), sparse.vstack(words).tocsr())
    scales = np.ones((len(ROLES), view.dense.shape[1]), np.float32)
    recipe = Recipe(ROLES, scales, spec.DIRECTION_WORDS, spec.DIRECTION_STRENGTH)
    return fit_heads(view, np.concatenate(roles), recipe, np.asarray(view.dense.std(axis=0) + 0.1, np.float32))


def _sentences(abstracts: Sequence[Mapping[str, Any]], encoder: Encoder, idf: Floats) -> tuple[View, Bools]:
    """View and roles of the sentences of abstracts, titles left out."""
    records = [
        {"title": a.get("title") or "", "abstract": " ".join(s["text"] for s in a["sentences"])} for a in abstracts
    ]
    batch = encoder.encode(records)
    kept, roles = [], []
    for number, (record, abstract) in enumerate(zip(records, abstracts, strict=True)):
        ends = len(record["title"]) + np.cumsum([len(s["text"]) + 1 for s in abstract["sentences"]])
        for sentence in range(int(batch.first[number]) + 1, int(batch.first[number + 1])):
            kept.append(sentence)
            told = abstract["sentences"][int(np.searchsorted(ends, batch.spans[sentence].mean()))]
            roles.append(_ROLES[told["role"]])
    view = role_view(batch, encoder, views.weighted(batch.words, idf)).rows(np.array(kept, np.int64))
    return view, np.eye(len(ROLES), dtype=bool)[roles]
