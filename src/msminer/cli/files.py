"""Stateless commands over files: parse and label-file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msminer.cli import app

Inputs = Annotated[list[Path], typer.Argument(help="Files to read.", exists=True, dir_okay=False, readable=True)]
Out = Annotated[Path, typer.Option("--output", "-o", help="File to write.", dir_okay=False)]
WARNINGS = 3


def tell_left_out(left_out: list[tuple[Path, str]], done: int) -> None:
    """Name the inputs that were left out; exits 1 when none was done, else 3 when any was left out."""
    for path, reason in left_out:
        typer.echo(f"left out {path}: {reason}", err=True)
    if left_out:
        raise typer.Exit(WARNINGS if done else 1)


@app.command()
def parse(
    inputs: Inputs,
    output: Out,
    processes: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    fields: Annotated[
        str | None, typer.Option(help="Columns to write beside pmid and kind, with commas between; default all.")
    ] = None,
) -> None:
    """Parse PubMed XML (.xml, .xml.gz) into JSON lines or Parquet.

    Example: msminer parse pubmed26n0001.xml.gz -o records.jsonl
    """
    from msminer.pubmed.output import parse_files

    summary = parse_files(inputs, output, processes=processes, fields=fields and fields.split(","))
    typer.echo(f"{summary.records} records, {summary.deleted} deleted PMIDs -> {output}", err=True)
    for path, bad in summary.bad:
        typer.echo(f"set aside PMID {bad.pmid or 'unknown'} of {path}: {bad.reason}", err=True)
    tell_left_out(summary.left_out, len(inputs) - len(summary.left_out))
    if summary.bad:
        raise typer.Exit(WARNINGS)


@app.command("label-file")
def label_file(
    inputs: Inputs,
    output: Out,
    model: Annotated[Path | None, typer.Option(help="Model folder; default the shipped one.", file_okay=False)] = None,
    processes: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
) -> None:
    """Label PubMed XML or JSON lines (pmid, title, abstract) by cell type, design, population, route and findings.

    Example: msminer label-file records.jsonl -o labels.jsonl
    """
    from msminer.classify.files import label_files

    summary = label_files(inputs, output, processes=processes, model=model)
    typer.echo(f"{summary.records} records labelled by {summary.model} -> {output}", err=True)
    tell_left_out(summary.left_out, len(inputs) - len(summary.left_out))
