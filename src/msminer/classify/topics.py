"""Topics: what words stand for, learned from unlabelled abstracts (latent semantic analysis)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from msminer.classify import sums
from msminer.classify.features import Encoder

Floats = npt.NDArray[np.float32]
# Set by hand (2026-11): other numbers of topics were not tried.
TOPICS = 100
# Abstracts read; set by hand, to keep training short.
MOST_RECORDS = 12_000
_SUBJECTS = ("stem cell", "sclerosis", "transplant", "myelin", "mesenchymal", "neuro")
_BATCH = 500


def topic_texts(records: Iterable[Mapping[str, Any]], held: frozenset[str]) -> list[Mapping[str, Any]]:
    """Abstracts near the subject that are not among the held PMIDs, in order."""
    near = (
        record
        for record in records
        if str(record["pmid"]) not in held and any(s in (record.get("abstract") or "").lower() for s in _SUBJECTS)
    )
    return list(islice(near, MOST_RECORDS))


def fit_topics(records: list[Mapping[str, Any]], encoder: Encoder, seed: int) -> Floats:
    """Words x topics: weights that turn the counts of a text's single words into topics; no label is looked at."""
    from sklearn.decomposition import TruncatedSVD

    n_words = len(encoder.words)
    tables = []
    for start in range(0, len(records), _BATCH):
        batch = encoder.encode(records[start : start + _BATCH])
        n = len(batch.first) - 1
        gather = sparse.csr_matrix(
            (np.ones(len(batch.owner)), (batch.owner, np.arange(len(batch.owner)))), shape=(n, len(batch.owner))
        )
        tables.append((gather @ batch.words)[:, :n_words])
    counts = sparse.vstack(tables).tocsr()
    counts.data = 1 + np.log(counts.data)
    frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
    idf = np.log((1 + len(records)) / (1 + frequency)) + 1
    # words in two of five abstracts tell nothing of the topic
    idf[frequency > 0.4 * len(records)] = 0
    weighted = counts @ sparse.diags(idf)
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    fitted = TruncatedSVD(min(TOPICS, n_words - 1), random_state=seed).fit(
        sparse.diags(1 / np.maximum(norm, 1e-9)) @ weighted
    )
    weights: Floats = (fitted.components_.T * idf[:, None]).astype(np.float32)
    return weights


def topics_of(counts: sparse.csr_matrix, weights: Floats) -> Floats:
    """Rows x topics, rows of length 1 (0 for a row without words)."""
    found = sums.add_weights(counts.data, counts.indices, counts.indptr, weights)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6), np.float32)
