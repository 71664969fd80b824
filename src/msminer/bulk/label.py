"""One file to its shard: parse, label, write; the unit that a restart repeats."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msminer import __version__
from msminer.bulk.shards import Shard, ShardFolder, batch_of, deleted_row, encode, record_row, shard_name
from msminer.pubmed.parse import ParsedPage, iter_file
from msminer.resources import file_sha256

if TYPE_CHECKING:
    from msminer.classify.modelfile import Model


@functools.cache
def _model(folder: Path | None) -> Model:
    # One load a worker process, not one a file: each load checks the golden predictions.
    from msminer.classify import load_model

    return load_model(folder)


def model_id(model: Path | None = None) -> str:
    """The id of the model in a folder, by default the shipped one; raises ModelError."""
    return str(_model(model).id)


def label_shard(path: Path, shards: str, model: Path | None = None) -> Shard:
    """The shard of one file of PubMed, made now or found as an earlier run left it.

    path: .xml or .xml.gz. shards: address of the shards' folder. model: folder of the model, default the shipped one.
    Raises ParseError when the file is damaged, ModelError, StoreFull.
    """
    loaded, folder, sha256 = _model(model), ShardFolder(shards), file_sha256(path)
    name = shard_name(sha256, loaded.id)
    if not folder.exists(name):
        folder.put(name, _encoded(path, sha256, loaded))
    return folder.shard(name, path.name)


def _encoded(path: Path, sha256: str, model: Model) -> bytes:
    about: dict[str, Any] = {"sha256": sha256, "model": model.id, "msminer": __version__}
    bad: list[tuple[str, str]] = []
    batches = []
    counts = {"records": 0, "deleted": 0}
    for part in iter_file(path):
        batches.append(batch_of(_rows(part, model)))
        counts["records"] += len(part.records)
        counts["deleted"] += len(part.deleted)
        bad.extend((record.pmid or "unknown", record.reason) for record in part.bad)
    return encode(batches, about | counts | {"bad": bad})


def _rows(part: ParsedPage, model: Model) -> Iterator[dict[str, Any]]:
    for record, labels in zip(part.records, model.label(part.records), strict=True):
        yield record_row(record, labels)
    for pmid in part.deleted:
        yield deleted_row(pmid)
