"""Commands of the gold and the classifier's training: annotate, train, evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from msminer.cli import app
from msminer.errors import UsageError

Round = Annotated[Path | None, typer.Option("--folder", help="Folder of the round; default annotation/ in the home.")]


@app.command()
def annotate(
    reader: Annotated[str | None, typer.Option(help="Who reads: a short name.")] = None,
    adjudicate: Annotated[bool, typer.Option("--adjudicate", help="Decide where two readings differ.")] = False,
    agreement: Annotated[bool, typer.Option("--agreement", help="Print kappa per label and per axis.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write the round as gold (JSON lines).", dir_okay=False)] = None,
    folder: Round = None,
    more: Annotated[int, typer.Option(min=0, help="Propose that many further records first.")] = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Read the abstracts whose labels would narrow the verdicts most, on a page of this machine alone.

    Example: msminer annotate --reader ada
    """
    from msminer.settings import load_settings

    settings = load_settings()
    place = folder or settings.home / "annotation"
    if agreement:
        from msminer.annotate.agreement import agreement as kappas

        typer.echo(kappas(place).to_string(index=False))
    if export is not None:
        from msminer.annotate.export import export_gold

        typer.echo(export_gold(place, export))
    if agreement or export is not None:
        return
    if reader is None:
        raise UsageError("say who reads: --reader NAME")
    from msminer.annotate.round import prepare
    from msminer.annotate.serve import serve
    from msminer.store import open_store

    with open_store(settings.database_url("entrez"), create=False) as store:
        texts = prepare(store, place, n=more or 50, more=bool(more))
    serve(place, texts, reader, adjudicate=adjudicate, port=port, open_browser=browser, tell=typer.echo)


Gold = Annotated[Path, typer.Option(help="Gold labels (JSON lines).", exists=True, dir_okay=False)]
Records = Annotated[list[Path], typer.Option(help="PubMed XML or JSON lines with the gold's texts; repeatable.")]
Seed = Annotated[int, typer.Option(help="Seed of folds and fits.")]
# The seed of the shipped model (data/model/manifest.json).
_SEED = 20261101


@app.command()
def train(
    gold: Gold,
    records: Records,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the model.", file_okay=False)],
    seed: Seed = _SEED,
) -> None:
    """Fit the classifier; the same data and seed give the same predictions.

    Example: msminer train --gold gold.jsonl --records records.xml.gz -o model
    """
    from msminer.classify.train import train as fit

    output.mkdir(parents=True, exist_ok=True)
    typer.echo(f"{fit(gold, _files(records), output, seed=seed).id} -> {output}")


@app.command()
def evaluate(
    gold: Gold,
    records: Records,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the card.", file_okay=False)] = None,
    seed: Seed = _SEED,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Score the classifier out of fold, beside three baselines, with bootstrap intervals; writes the card.

    Example: msminer evaluate --gold gold.jsonl --records records.xml.gz -o model
    """
    from msminer.classify.card import as_markdown
    from msminer.classify.evaluate import evaluate as score

    card = score(gold, _files(records), output, seed=seed)
    typer.echo(json.dumps(card, ensure_ascii=False, indent=1) if as_json else as_markdown(card))


def _files(records: list[Path]) -> list[Path]:
    """The files, with those of a folder in the order of their names; raises UsageError for one that is not there."""
    gone = [str(path) for path in records if not path.exists()]
    if gone:
        raise UsageError("there is no such file", records=gone)
    return [file for path in records for file in (sorted(path.glob("*.xml*")) if path.is_dir() else [path])]
