"""Commands of the gold and the classifier's training: annotate, train, evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from msminer.cli import app
from msminer.errors import UsageError
from msminer.resources import shipped

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


Gold = Annotated[Path | None, typer.Option(help="Gold labels (JSON lines); default the shipped ones.", exists=True)]
Further = Annotated[
    list[Path] | None,
    typer.Option(help="Labels by a language model to learn from too; default the shipped ones.", exists=True),
]
Records = Annotated[list[Path], typer.Option(help="PubMed XML or JSON lines with the gold's texts, or their folder.")]
More = Annotated[list[Path] | None, typer.Argument(help="More records.")]
Seed = Annotated[int, typer.Option(help="Seed of folds and fits.")]
Transfer = Annotated[Path | None, typer.Option(help="Folder of the public sets (docs/model.md); trains without.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
# The seed of the shipped model.
_SEED = 20261101


@app.command()
def train(
    records: Records,
    more: More = None,
    gold: Gold = None,
    further: Further = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: model/ in the home.")] = None,
    transfer: Transfer = None,
    seed: Seed = _SEED,
    as_json: Json = False,
) -> None:
    """Fit the classifier; the same data and seed give the same predictions.

    Example: msminer train --gold gold.jsonl --records records-1.xml.gz records-2.xml.gz
    """
    from msminer.classify.targets import shipped_further
    from msminer.classify.train import train as fit
    from msminer.settings import load_settings

    folder = output or load_settings().home / "model"
    folder.mkdir(parents=True, exist_ok=True)
    labels, others = gold or _shipped_gold(), further or shipped_further()
    model = fit(labels, _files([*records, *(more or [])]), folder, seed=seed, transfer=transfer, further=others)
    typer.echo(json.dumps({"model": model.id, "folder": str(folder)}) if as_json else f"{model.id} -> {folder}")


@app.command()
def evaluate(
    records: Records,
    more: More = None,
    gold: Gold = None,
    further: Further = None,
    model: Annotated[Path | None, typer.Option(help="Model folder; default the shipped one.", file_okay=False)] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the card.", file_okay=False)] = None,
    transfer: Transfer = None,
    curve: Annotated[bool, typer.Option("--curve", help="Also the learning curve: nearly twice as long.")] = False,
    seed: Seed = _SEED,
    as_json: Json = False,
) -> None:
    """Score the classifier with bootstrap intervals per class.

    On abstracts the model has not seen: the model as it is. On those it was trained on: out of fold, beside three
    baselines, with the model card.

    Example: msminer evaluate --gold gold.jsonl --records records.xml.gz --json
    """
    from msminer.classify import card, load_model
    from msminer.classify.evaluate import evaluate as out_of_fold
    from msminer.classify.targets import shipped_further
    from msminer.classify.unseen import score_unseen, unseen

    files, labels = _files([*records, *(more or [])]), gold or _shipped_gold()
    trained_on = (_shipped_gold(), *shipped_further())
    if unseen(labels, trained_on):
        made = score_unseen(load_model(model), labels, files, trained_on, seed=seed)
        page = card.scores_as_markdown(made)
    else:
        others = further or shipped_further()
        made = out_of_fold(labels, files, output, seed=seed, transfer=transfer, further=others, curve=curve)
        page = card.as_markdown(made)
    typer.echo(json.dumps(made, ensure_ascii=False, indent=1) if as_json else page)


def _shipped_gold() -> Path:
    return shipped("data", "gold", "gold.jsonl")


def _files(records: list[Path]) -> list[Path]:
    """The files, with those of a folder in the order of their names; raises UsageError for one that is not there."""
    gone = [str(path) for path in records if not path.exists()]
    if gone:
        raise UsageError("there is no such file", records=gone)
    return [file for path in records for file in (sorted(path.glob("*.xml*")) if path.is_dir() else [path])]
