"""The second step: labels for every article whose present record has none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from msminer.errors import DataError
from msminer.resources import shipped
from msminer.steps.job import Job
from msminer.steps.session import note, store_of, tell, timed

if TYPE_CHECKING:
    from msminer.store import Store

# Abstracts labelled between two saves: a kill loses at most this much labelling, about a second's work.
_BATCH = 2_000


@timed("label")
def label(job: Job) -> int:
    """Label every article that this model has not labelled in its present state; returns how many."""
    with store_of(job) as store:
        if _all_labelled(store):
            note(labelled=0)
            return 0
        return _label(store)


def _label(store: Store) -> int:
    from msminer.classify import load_model

    model, done = load_model(), 0
    total = store.counts()["articles"]
    for batch in _batches(store.unlabelled(model.id)):
        hashes = {record["pmid"]: record["record_sha256"] for record in batch}
        store.save_labels(list(model.label(batch)), hashes)
        done += len(batch)
        tell("label", done, max(done, total))
    note(labelled=done)
    return done


def _all_labelled(store: Store) -> bool:
    """Whether nothing is left for the model that the manifest names; loading and checking it takes seconds."""
    try:
        named = json.loads(shipped("data", "model", "manifest.json").read_text("utf-8"))["model"]
    except (DataError, OSError, ValueError, KeyError, TypeError):
        # What is wrong with it, the model's loader says better.
        return False
    return next(store.unlabelled(named), None) is None


def _batches(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(records, _BATCH)):
        yield batch
