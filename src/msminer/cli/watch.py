"""Commands of those who keep it running: status and notices."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from msminer.cli import app
from msminer.cli.jobs import Claims, Source


@app.command()
def status(
    source: Source = "entrez",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    metrics: Annotated[
        Path | None, typer.Option(help="Also write Prometheus metrics to this file, for node_exporter.", dir_okay=False)
    ] = None,
) -> None:
    """Last runs, freshness, size of the store, model, next schedule (with PREFECT_API_URL set).

    Example: msminer status --metrics /var/lib/node_exporter/msminer.prom
    """
    from msminer.metrics import metrics as as_metrics
    from msminer.settings import load_settings
    from msminer.status import examine
    from msminer.watch.snapshot import write_whole

    api = os.environ.get("PREFECT_API_URL")
    found = examine(load_settings(), source, now=datetime.now(UTC), prefect_api=api)
    typer.echo(found.as_json() if as_json else "\n".join(found.lines()))
    if metrics is not None:
        write_whole(metrics, as_metrics(found))


@app.command()
def notices(
    source: Source = "entrez",
    claims: Claims = None,
    kept: Annotated[bool, typer.Option("--kept", help="Show the notices of earlier runs instead.")] = False,
) -> None:
    """What moved since the last good run, by the store as it is; tells nobody and remembers nothing.

    Example: msminer notices --kept
    """
    from msminer import steps
    from msminer.steps.notify import watch_of

    job = steps.Job.stored(source, claims=claims)
    if kept:
        for notice in watch_of(job).outbox.all():
            typer.echo(f"{notice.at}  {notice.title}\n    {notice.text}")
        return
    tables = steps.tabulate(job)
    typer.echo(steps.notify(job, tables, steps.judge(job, tables), dry_run=True).says)
