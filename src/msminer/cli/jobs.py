"""Commands of the job: run, its steps, doctor and status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from msminer.cli import app
from msminer.cli.files import WARNINGS

Source = Annotated[str, typer.Option(help="sample (offline), entrez (PubMed) or files.")]
Paths = Annotated[list[Path] | None, typer.Argument(help="Files, with --source files.")]
Query = Annotated[str | None, typer.Option(help="A PubMed search in place of the default one.")]
QueryFile = Annotated[Path | None, typer.Option(help="A file that holds the search.", exists=True, dir_okay=False)]
Claims = Annotated[Path | None, typer.Option(help="A register of your own.", exists=True, dir_okay=False)]


@app.command()
def run(
    paths: Paths = None,
    source: Source = "entrez",
    query: Query = None,
    query_file: QueryFile = None,
    claims: Claims = None,
) -> None:
    """The whole job: fetch, label, tabulate, judge, report. Prints where the report is.

    Example: msminer run --source sample
    """
    from msminer.cli.flow import run_refresh

    outcome = run_refresh(source=source, paths=paths or [], query=query, query_file=query_file, claims=claims)
    for line in outcome.lines():
        typer.echo(line)
    if outcome.warnings:
        raise typer.Exit(WARNINGS)


@app.command()
def fetch(
    paths: Paths = None,
    source: Source = "entrez",
    query: Query = None,
    query_file: QueryFile = None,
) -> None:
    """Fetch what is new or changed into the store.

    Example: msminer fetch --query '"multiple sclerosis"[mh] AND "stem cells"[mh]'
    """
    from msminer import steps
    from msminer.cli.progress import progress

    job = steps.Job.plan(source=source, paths=tuple(paths or ()), query=query, query_file=query_file)
    with steps.running(job, "fetch"), progress():
        result = steps.fetch(job)
    for line in result.lines():
        typer.echo(line)
    if result.warnings:
        raise typer.Exit(WARNINGS)


@app.command()
def label(source: Source = "entrez") -> None:
    """Label every stored article that this model has not labelled in its present text."""
    from msminer import steps
    from msminer.cli.progress import progress

    job = steps.Job.stored(source)
    with steps.running(job, "label", create=False), progress():
        done = steps.label(job)
    typer.echo(f"{done} articles labelled")


@app.command()
def trends(
    source: Source = "entrez",
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the CSV and Parquet tables.")] = Path(
        "trends"
    ),
) -> None:
    """Write the trend tables of the stored articles as CSV and Parquet."""
    from msminer import steps

    job = steps.Job.stored(source)
    for path in steps.write_trends(steps.tabulate(job), output):
        typer.echo(path)


@app.command()
def verdicts(
    source: Source = "entrez",
    evidence: Annotated[
        Path | None,
        typer.Option(help="Judge this evidence table (JSON lines) in place of the store.", exists=True, dir_okay=False),
    ] = None,
    claims: Claims = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole verdicts as JSON.")] = False,
) -> None:
    """Judge every claim on the store, or on any evidence table, whoever labelled it.

    Example: msminer verdicts --evidence evidence.jsonl --json
    """
    from msminer import steps

    if evidence is not None:
        result = steps.judge_table(evidence, claims)
    else:
        job = steps.Job.stored(source, claims=claims)
        result = steps.judge(job, steps.tabulate(job))
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    for row in steps.verdict_rows(result):
        typer.echo(f"{row['claim']:7} {row['verdict']:22} {row['reason']}")


@app.command()
def report(
    source: Source = "entrez",
    claims: Claims = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print it to PDF with headless Chromium.")] = False,
) -> None:
    """Write the report and the exports from the store."""
    from msminer import steps

    job = steps.Job.stored(source, claims=claims)
    tables = steps.tabulate(job)
    page = steps.report(job, tables, steps.judge(job, tables))
    typer.echo(page)
    if pdf:
        from msminer.report.pdf import print_pdf

        typer.echo(print_pdf(page))


@app.command()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the network.")] = False,
) -> None:
    """Check settings, store, model and network, and say what to do."""
    from msminer.doctor import examine

    findings = examine(network=not offline)
    for finding in findings:
        typer.echo(f"{finding.state:5} {finding.name:9} {finding.says}")
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)
