"""The first step: what is new or changed comes into the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msminer.pubmed.query import load_named_queries
from msminer.resources import shipped
from msminer.steps.job import DENOMINATOR, Job
from msminer.steps.session import store_of, tell

if TYPE_CHECKING:
    from msminer.pubmed.entrez import Entrez
    from msminer.pubmed.harvest import HarvestSummary
    from msminer.store import Store


@dataclass(frozen=True)
class FetchResult:
    """What a fetch did: lines for a reader, warnings that need a look, records new and changed, requests sent."""

    says: tuple[str, ...]
    warnings: tuple[str, ...]
    new: int
    changed: int
    requests: int

    def lines(self) -> list[str]:
        """What happened, then the warnings."""
        return [*self.says, *(f"warning: {text}" for text in self.warnings)]


def fetch(job: Job) -> FetchResult:
    """Fetch what is new or changed into the store; a second fetch asks for nothing twice."""
    from msminer.pubmed.harvest import harvest_files

    with store_of(job) as store:
        if job.source == "files":
            return _fetched(harvest_files(store, job.paths, now=_now(), progress=tell), [])
        with _client(job) as client:
            summary = _harvest(job, store, client)
        return _fetched(summary, _recall(store))


def _harvest(job: Job, store: Store, client: Entrez) -> HarvestSummary:
    from msminer.pubmed.harvest import denominators, harvest

    now = _now()
    summary = harvest(store, client, job.queries, now=now, progress=tell)
    every = next(query for query in load_named_queries() if query.name == DENOMINATOR)
    years = sorted({int(year) for year in store.articles()["year"].dropna()})
    denominators(store, client, years, every, now=now)
    return summary


@contextmanager
def _client(job: Job) -> Iterator[Entrez]:
    """The client to PubMed, or to a sandbox on loopback that serves the sample."""
    from msminer.pubmed.entrez import open_client

    if job.source != "sample":
        with open_client(job.settings) as client:
            yield client
        return
    from msminer.sandbox import Sandbox

    with Sandbox([shipped("data", "sample", "sample.xml.gz")], rate=False) as server:
        local = job.settings.model_copy(update={"entrez_url": server.url, "home": job.settings.home / "sandbox"})
        with open_client(local) as client:
            yield client


def _fetched(summary: HarvestSummary, recall: list[str]) -> FetchResult:
    says = [
        f"{q.query}: {q.count} records: {q.new} new, {q.changed} changed, {q.already} known, {q.missing} missing"
        for q in summary.queries
    ]
    left_out = [f"left out {name}: {reason}" for name, reason in summary.left_out]
    return FetchResult(
        (*says, *recall, str(summary)), (*summary.warnings, *left_out), summary.new, summary.changed, summary.requests
    )


def _recall(store: Store) -> list[str]:
    """What the searches found of the gold abstracts that the source holds; silent where it holds none of them."""
    from msminer.pubmed.recall import read_gold, recall

    articles = store.articles()
    found = recall(read_gold(shipped("data", "gold", "gold.jsonl")), articles["pmid"])
    if not found.found:
        return []
    return [f"recall: {len(found.found)} of {found.total} gold abstracts on a stem cell and MS or its models"]


def _now() -> datetime:
    return datetime.now(UTC)
