"""Commands of the gold and the classifier's training: annotate, train, evaluate."""

from __future__ import annotations

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
