"""Commands of the register of claims: check, preview, add, draft."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msminer.cli import app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msminer.evidence.publications import Publication

claims_app = typer.Typer(help="Check, preview, add or draft claims of your own.", no_args_is_help=True)
app.add_typer(claims_app, name="claims")
_FILE = typer.Argument(help="Claims file (YAML).", dir_okay=False)


@claims_app.command("check")
def check_file(path: Annotated[Path, _FILE]) -> None:
    """Explain every mistake of a claims file, with its line and the nearest right word."""
    from msminer.claimtools.check import check

    mistakes = check(path)
    for mistake in mistakes:
        typer.echo(str(mistake), err=True)
    if mistakes:
        raise typer.Exit(1)
    typer.echo(f"{path}: no mistakes")


@claims_app.command("preview")
def preview_claim(
    claim: Annotated[str, typer.Argument(help="Id of the claim.")],
    claims: Annotated[Path | None, typer.Option(help="A claims file of yours.", exists=True, dir_okay=False)] = None,
    source: Annotated[str, typer.Option(help="Store to look in: sample, entrez or files.")] = "entrez",
    evidence: Annotated[Path | None, typer.Option(help="An evidence table instead.", exists=True)] = None,
) -> None:
    """Show the evidence a claim would use: counts by tier and the papers, before any verdict.

    Example: msminer claims preview S0-03 --source sample
    """
    from msminer.claimtools.preview import as_text, preview
    from msminer.claimtools.register import load_with

    register = load_with(claims)
    typer.echo(as_text(preview(register.claim(claim), _publications(source, evidence), register)))


def _publications(source: str, evidence: Path | None) -> Sequence[Publication]:
    from msminer import steps
    from msminer.evidence.reader import read_evidence

    return read_evidence(evidence) if evidence else steps.publications(steps.Job.stored(source))


@claims_app.command("add")
def add_claim(
    path: Annotated[Path, _FILE],
    kind: Annotated[str, typer.Option(help="What a new source is, such as: a clinic's leaflet.")] = "",
) -> None:
    """Ask for a claim and add it behind the last one of a file; the rest of the file stays as it is."""
    from msminer.claimtools.add import Question, add, ask_all

    def ask(question: Question) -> str:
        if question.choices:
            typer.echo(f"one of: {', '.join(question.choices)}")
        return str(typer.prompt(question.text, default=question.default))

    claim = add(path, ask_all(ask), kind=kind or "an article")
    typer.echo(f"added {claim.id} to {path}")


@claims_app.command("draft")
def draft_claims(
    article: Annotated[Path, typer.Argument(help="Plain text of an article.", exists=True, dir_okay=False)],
    source: Annotated[str, typer.Option(help="Id for the article: S and a free number.")] = "S5",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else print.")] = None,
) -> None:
    """Propose claims from an article's text, sentence by sentence, for a person to edit; never a verdict."""
    from msminer.claimtools.draft import draft_yaml
    from msminer.claimtools.register import load_with

    text = draft_yaml(article.read_text("utf-8"), load_with(), source=source, name=article.stem)
    if output is None:
        typer.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    typer.echo(f"drafts in {output}: edit them, then msminer claims check {output}")
