"""The main job as a Prefect flow: fetch, label, tabulate, judge, report.

This file holds order, retries and artifacts; what each step does lives in msminer.steps, and runs without Prefect too.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from msminer import steps

# The client retries each request by itself (six tries); a second layer here would multiply them.
_PLAIN: dict[str, Any] = {"retries": 0, "cache_policy": NO_CACHE, "persist_result": False}


@task(name="fetch from PubMed", **_PLAIN)
def fetch(job: steps.Job) -> steps.FetchResult:
    """Fetch what is new or changed into the store."""
    return steps.fetch(job)


@task(name="label abstracts", **_PLAIN)
def label(job: steps.Job) -> int:
    """Label every article that this model has not labelled in its present text."""
    return steps.label(job)


@task(name="tabulate studies and trends", **_PLAIN)
def tabulate(job: steps.Job) -> steps.Tables:
    """Build studies, trend tables and denominators from the store."""
    return steps.tabulate(job)


@task(name="judge claims", **_PLAIN)
def judge(job: steps.Job, tables: steps.Tables) -> dict[str, Any]:
    """Give every claim its verdict."""
    return steps.judge(job, tables)


@task(name="write report", **_PLAIN)
def report(job: steps.Job, tables: steps.Tables, verdicts: dict[str, Any]) -> Path:
    """Write the page and the exports."""
    return steps.report(job, tables, verdicts)


@task(name="tell what moved", **_PLAIN)
def notify(job: steps.Job, tables: steps.Tables, verdicts: dict[str, Any]) -> steps.Told:
    """Tell people what moved since the last good run."""
    return steps.notify(job, tables, verdicts)


@task(name="tell that nothing moved", **_PLAIN)
def still(job: steps.Job) -> steps.Told:
    """Remember a run after which the last report stands, and send what still waits."""
    return steps.still(job)


@flow(name="refresh", persist_result=False, validate_parameters=True)
def refresh(
    source: Literal["sample", "entrez", "files"] = "entrez",
    paths: list[Path] | None = None,
    query: str | None = None,
    query_file: Path | None = None,
    claims: Path | None = None,
) -> steps.Outcome:
    """The whole job, from the search to the report; the same steps as the plain commands."""
    job = steps.Job.plan(source=source, paths=tuple(paths or ()), query=query, query_file=query_file, claims=claims)
    with steps.alarmed(job), steps.running(job):
        fetched = fetch(job)
        labelled = label(job)
        stands = steps.standing(job)
        if stands is not None:
            page, verdicts, told = stands.page, stands.verdicts, still(job)
        else:
            tables = tabulate(job)
            verdicts = judge(job, tables)
            page = report(job, tables, verdicts)
            told = notify(job, tables, verdicts)
    outcome = steps.Outcome(
        fetched, labelled, steps.counts(verdicts), page, told, stands=stands.made_at if stands else None
    )
    _show(outcome, verdicts)
    return outcome


def _show(outcome: steps.Outcome, verdicts: dict[str, Any]) -> None:
    """Put the verdicts on the run's page; without a server the report itself still stands."""
    try:
        create_table_artifact(steps.verdict_rows(verdicts), key="verdicts", description="Every claim with its verdict")
        create_markdown_artifact(outcome.markdown(), key="report", description="Where the report is")
        create_markdown_artifact(outcome.told.says, key="moved", description="What moved since the last good run")
        for notice in outcome.told.notices:
            subject = {"prefect.resource.id": f"msminer.{notice.kind}.{notice.subject}"}
            emit_event(f"msminer.notice.{notice.kind}", resource=subject, payload=notice.as_dict())
    except Exception as error:  # noqa: BLE001  (an artifact is an extra: its failure must not fail a finished job)
        logging.getLogger("msminer").warning("the run page has no artifacts: %s", type(error).__name__)
