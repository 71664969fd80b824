"""The command line: thin commands, no logic; `main` turns every known error into a message and an exit code."""

from __future__ import annotations

import sys

import typer

from msminer import __version__
from msminer.errors import MsminerError

app = typer.Typer(
    name="msminer",
    help="Checks what articles claim about stem cells for multiple sclerosis against PubMed. No medical advice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"msminer {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Checks what articles claim about stem cells for multiple sclerosis against PubMed. No medical advice."""


def main() -> None:
    """Run one command; exits 0 done, 1 failed, 2 wrong use, 3 done with warnings, 130 interrupted."""
    from msminer.cli import files, jobs, models, registers, watch  # noqa: F401  (each registers its commands)

    try:
        app()
    except MsminerError as error:
        typer.echo(f"msminer: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("msminer: interrupted; what was saved stays, the next run goes on from there", err=True)
        sys.exit(130)
