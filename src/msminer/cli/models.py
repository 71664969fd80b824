"""Commands of the classifier: train and evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msminer.resources import shipped

Gold = Annotated[Path | None, typer.Option(help="Gold labels (JSON lines); default the shipped ones.", exists=True)]
Records = Annotated[
    list[Path], typer.Option(help="PubMed XML with the gold's texts; repeat for more.", exists=True)
]


def gold_or_shipped(gold: Path | None) -> Path:
    """The gold file named, or the shipped one."""
    return gold or shipped("data", "gold", "gold.jsonl")
