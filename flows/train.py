"""Train, evaluate, publish the classifier; a model worse than the one in use is not published."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task

from msminer.errors import ModelRefused
from msminer.resources import shipped

# What the verdicts rest on: outcome and direction of findings, out of fold.
_JUDGED = ("findings", "outcome_and_direction", "micro_f1")


@task(name="Train the classifier")
def train_model(gold: Path, records: list[Path], out: Path, seed: int) -> str:
    """Fit and save; returns the model id."""
    from msminer.classify.train import train

    return train(gold, records, out, seed=seed).id


@task(name="Evaluate out of fold")
def evaluate_model(gold: Path, records: list[Path], out: Path, seed: int) -> dict[str, Any]:
    """Write the card and return it."""
    from msminer.classify.evaluate import evaluate

    return evaluate(gold, records, out, seed=seed)


@task(name="Publish if not worse")
def publish(made: Path, place: Path, card: dict[str, Any]) -> None:
    """Move the new model in; raises ModelRefused when its interval lies below the score of the one in use."""
    old = place / "card.json"
    if old.is_file():
        before, now = _judged(json.loads(old.read_text(encoding="utf-8"))), _judged(card)
        if now["high"] < before["value"]:
            raise ModelRefused("the new model is worse than the one in use", before=before["value"], now=now)
    for path in sorted(made.iterdir()):
        shutil.copy2(path, place / path.name)


def _judged(card: dict[str, Any]) -> dict[str, float]:
    found: Any = card["scores"]
    for name in _JUDGED:
        found = found[name]
    return dict(found)


@flow(name="train")
def train_flow(gold: Path, records: list[Path], place: Path | None = None, seed: int = 20261101) -> str:
    """Train on the gold, evaluate by nested cross-validation, publish to `place` (default: the shipped model)."""
    target = place or shipped("data", "model")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        model = train_model(gold, records, made, seed)
        card = evaluate_model(gold, records, made, seed)
        publish(made, target, card)
    get_run_logger().info("published %s to %s", model, target)
    return model
