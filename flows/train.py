"""Train, evaluate, publish the classifier; a model worse than the one in use is not published."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from prefect import flow, get_run_logger, task

from msminer.resources import shipped


@task(name="Train the classifier")
def train_model(
    gold: Path, records: list[Path], out: Path, seed: int, transfer: Path | None, further: Sequence[Path]
) -> str:
    """Fit and save; returns the model id."""
    from msminer.classify.train import train

    return train(gold, records, out, seed=seed, transfer=transfer, further=further).id


@task(name="Evaluate out of fold")
def evaluate_model(
    gold: Path, records: list[Path], out: Path, seed: int, transfer: Path | None, further: Sequence[Path]
) -> None:
    """Write the card beside the model."""
    from msminer.classify.evaluate import evaluate

    evaluate(gold, records, out, seed=seed, transfer=transfer, further=further)


@task(name="Publish if not worse")
def publish_model(made: Path, place: Path, gold: Path, seed: int) -> None:
    """Move the new model in; raises ModelRefused when it is worse than the one in use."""
    from msminer.classify.publish import publish

    publish(made, place, gold, seed=seed)


@flow(name="train")
def train_flow(
    gold: Path,
    records: list[Path],
    place: Path | None = None,
    transfer: Path | None = None,
    further: list[Path] | None = None,
    seed: int = 20261101,
) -> str:
    """Train on the gold, evaluate by nested cross-validation, publish to `place` (default: the shipped model).

    transfer: folder of the public sets (docs/model.md); without it directions are somewhat worse.
    further: labels by a language model to learn from too; default the shipped ones.
    """
    from msminer.classify.targets import shipped_further

    others = further or shipped_further()
    target = place or shipped("data", "model")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        model = train_model(gold, records, made, seed, transfer, others)
        evaluate_model(gold, records, made, seed, transfer, others)
        publish_model(made, target, gold, seed)
    get_run_logger().info("published %s to %s", model, target)
    return model
