"""The second step: labels for every article whose present text has none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from msminer.steps.job import Job
from msminer.steps.session import note, store_of, tell, timed

# Abstracts labelled between two saves: a kill loses at most this much labelling, about a second's work.
_BATCH = 2_000


@timed("label")
def label(job: Job) -> int:
    """Label every article that this model has not labelled in its present text; returns how many."""
    from msminer.classify import load_model

    model, done = load_model(), 0
    with store_of(job) as store:
        total = store.counts()["articles"]
        for batch in _batches(store.unlabelled(model.id)):
            hashes = {record["pmid"]: record["text_sha256"] for record in batch}
            store.save_labels(list(model.label(batch)), hashes)
            done += len(batch)
            tell("label", done, max(done, total))
    note(labelled=done)
    return done


def _batches(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(records, _BATCH)):
        yield batch
