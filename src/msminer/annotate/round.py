"""A round of annotation on a store: fill its queue where it is empty, and get the texts to show."""

from __future__ import annotations

import json
from pathlib import Path

from msminer.annotate.project import Project
from msminer.annotate.propose import fill_queue
from msminer.annotate.serve import texts_of
from msminer.errors import UsageError
from msminer.evidence.claims import Register, load_register
from msminer.evidence.stored import publications_from_labels
from msminer.resources import shipped
from msminer.store import Store


def prepare(
    store: Store, folder: Path, *, n: int = 50, seed: int = 0, more: bool = False, register: Register | None = None
) -> dict[str, tuple[str, str]]:
    """PMID → (title, abstract) of the round's queue; proposes n records first where it is empty, or for more.

    Records of the shipped gold are not proposed again. Raises UsageError for the sample, whose abstracts are digests,
    and for a store without labels.
    """
    if store.origin == "sample":
        raise UsageError("the sample's abstracts are digests; annotate the records of another source")
    project, articles = Project(folder), store.articles()
    if more or not project.queue():
        labels = store.labels()
        if labels.empty:
            raise UsageError("no record is labelled yet; run msminer fetch and msminer label first")
        publications = publications_from_labels(articles, labels, store.findings())
        lines = shipped("data", "gold", "gold.jsonl").read_text(encoding="utf-8").splitlines()
        gold = [json.loads(line) for line in lines]
        fill_queue(folder, publications, labels, register or load_register(), n=n, seed=seed, gold=gold)
    return texts_of(articles, [proposal.pmid for proposal in project.queue()])
