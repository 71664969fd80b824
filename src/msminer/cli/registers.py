"""Commands of the register of claims."""

from __future__ import annotations

import typer

from msminer.cli import app

claims_app = typer.Typer(help="Check, preview, add or draft claims.", no_args_is_help=True)
app.add_typer(claims_app, name="claims")
