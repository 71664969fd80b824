"""Which shards make up the corpus: one small file beside them, written when all of them are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from msminer.bulk.shards import Shard, ShardFolder
from msminer.bulk.sources import read_name
from msminer.bulk.sync import gaps
from msminer.errors import DataError, StoreDamaged


@dataclass(frozen=True)
class Manifest:
    """The shards of one model in loading order; gaps: numbers of missing files, which make counts too small."""

    model: str
    shards: tuple[Shard, ...]
    gaps: tuple[int, ...] = ()

    @property
    def records(self) -> int:
        """Records in all shards, before revisions and deletions."""
        return sum(shard.records for shard in self.shards)

    @property
    def bad(self) -> int:
        """Records that could not be read and were set aside."""
        return sum(len(shard.bad) for shard in self.shards)

    def save(self, folder: ShardFolder) -> str:
        """Write it beside the shards, whole or not at all; returns its name. The same shards give the same bytes."""
        facts = {"model": self.model, "gaps": list(self.gaps), "shards": [asdict(shard) for shard in self.shards]}
        name = f"manifest-{self.model}.json"
        folder.put(name, json.dumps(facts, indent=1, sort_keys=True).encode())
        return name


def make_manifest(shards: Sequence[Shard]) -> Manifest:
    """The manifest of the shards of one run, put into loading order; raises DataError for none or several models."""
    models = {shard.model for shard in shards}
    if len(models) != 1:
        raise DataError("a manifest holds the shards of one model", models=sorted(models))
    ordered = sorted(shards, key=lambda shard: (read_name(shard.file) is not None, read_name(shard.file), shard.file))
    return Manifest(models.pop(), tuple(ordered), tuple(gaps([Path(shard.file) for shard in ordered])))


def load_manifest(folder: ShardFolder, model: str) -> Manifest:
    """The manifest of a model's shards; raises StoreDamaged when there is none or it cannot be read."""
    try:
        facts = json.loads(folder.filesystem().cat_file(folder.path(f"manifest-{model}.json")))
        shards = [Shard(**{**shard, "bad": tuple(map(tuple, shard["bad"]))}) for shard in facts["shards"]]
        return Manifest(facts["model"], tuple(shards), tuple(facts["gaps"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise StoreDamaged("no readable manifest; run the bulk flow", model=model, why=repr(error)) from None
