"""The first step: what is new or changed comes into the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import SecretStr

from msminer.evidence.references import REFERENCE_PREFIX
from msminer.pubmed.query import load_named_queries
from msminer.resources import shipped
from msminer.steps.job import DENOMINATOR, Job
from msminer.steps.session import note, store_of, tell, timed

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


@timed("fetch")
def fetch(job: Job) -> FetchResult:
    """Fetch what is new or changed into the store; a second fetch asks for nothing twice."""
    from msminer.pubmed.harvest import harvest_files

    with store_of(job) as store:
        if job.source == "files":
            return _fetched(harvest_files(store, job.paths, now=_now(), progress=tell), [])
        with _client(job) as client:
            try:
                summary = _harvest(job, store, client)
            finally:
                note(requests=client.requests, retries=client.retries)
        return _fetched(summary, _recall(job, store))


def _harvest(job: Job, store: Store, client: Entrez) -> HarvestSummary:
    from msminer.pubmed.harvest import denominators, harvest

    now = _now()
    summary = harvest(store, client, job.queries, now=now, progress=tell)
    every = next(query for query in load_named_queries() if query.name == DENOMINATOR)
    denominators(store, client, store.years(), every, now=now)
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
        # A gate of its own, at the pace of a client with a key: nobody shares this server.
        changes = {"entrez_url": server.url, "home": job.settings.home / "sandbox", "api_key": SecretStr("0" * 36)}
        local = job.settings.model_copy(update=changes)
        with open_client(local) as client:
            yield client


def _fetched(summary: HarvestSummary, recall: list[str]) -> FetchResult:
    says = [
        f"{q.query}: {q.count} records: {q.new} new, {q.changed} changed, {q.already} known, {q.missing} missing"
        for q in summary.queries
    ]
    left_out = [f"left out {name}: {reason}" for name, reason in summary.left_out]
    # A reference that is not found is a result: the verdict says "not found".
    warnings = [
        text for text in summary.warnings if not text.startswith(REFERENCE_PREFIX) or "finds nothing" not in text
    ]
    note(new=summary.new, changed=summary.changed)
    return FetchResult(
        (*says, *recall, str(summary)), (*warnings, *left_out), summary.new, summary.changed, summary.requests
    )


def _recall(job: Job, store: Store) -> list[str]:
    """What the default search found of the gold abstracts, with its denominator."""
    from msminer.pubmed.recall import read_gold, recall

    if job.source != "entrez" or not {"stem_cells_ms", "custom"} & {query.name for query in job.queries}:
        return []
    found = recall(read_gold(shipped("data", "gold", "gold.jsonl")), store.found_by("stem_cells_ms", "custom"))
    return [f"recall: {len(found.found)} of {found.total} gold abstracts on a stem cell and MS or its models"]


def _now() -> datetime:
    return datetime.now(UTC)
