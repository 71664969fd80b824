"""One Parquet shard a file: its columns, its name, and writing it so that it is there whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec.core
import pyarrow as pa
import pyarrow.parquet as pq

from msminer.errors import StoreDamaged, StoreFull
from msminer.schema import LabelledRecord, ParsedRecord

_SCORE = pa.struct([("label", pa.string()), ("p", pa.float32())])
_FINDING = pa.struct(
    [
        ("outcome", pa.string()),
        ("direction", pa.string()),
        ("cell_type", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("quote", pa.string()),
        ("p", pa.float32()),
    ]
)
# One row a record, and one a deleted PMID (deleted true, the rest missing). `record` is the whole parsed record as
# JSON, kept where a cell type was found because the evidence step reads it; elsewhere it would be most of the bytes.
SCHEMA = pa.schema(
    [
        ("pmid", pa.int64()),
        ("version", pa.int32()),
        ("deleted", pa.bool_()),
        ("kind", pa.string()),
        ("year", pa.int32()),
        ("journal", pa.string()),
        ("title", pa.string()),
        ("doi", pa.string()),
        ("date_revised", pa.string()),
        ("retracted", pa.bool_()),
        ("text_sha256", pa.string()),
        ("cell_types", pa.list_(_SCORE)),
        ("study_design", _SCORE),
        ("populations", pa.list_(_SCORE)),
        ("routes", pa.list_(_SCORE)),
        ("findings", pa.list_(_FINDING)),
        ("abstained", pa.list_(pa.string())),
        ("record", pa.string()),
    ]
)
# A file of NLM's is one row group: 30,000 rows are small for Parquet, and DuckDB splits work by file.
_ROW_GROUP = 32_768
_COPIED = ("version", "kind", "year", "journal", "title", "doi", "date_revised", "retracted")
_LABELLED = ("cell_types", "study_design", "populations", "routes", "findings", "abstained")


@dataclass(frozen=True)
class Shard:
    """One file's shard: the file's name and SHA-256, the shard's name, its rows, deletions, and records set aside."""

    file: str
    sha256: str
    name: str
    model: str
    records: int
    deleted: int
    bad: tuple[tuple[str, str], ...]


def shard_name(sha256: str, model: str) -> str:
    """Name of the shard for a file's checksum and a model's id: other content or another model is another shard."""
    return f"{sha256[:16]}-{model}.parquet"


def record_row(record: ParsedRecord, labels: LabelledRecord) -> dict[str, Any]:
    """The row of a record with its labels."""
    text = f"{record['title']}\n{record['abstract']}"
    row: dict[str, Any] = {"pmid": int(record["pmid"]), "deleted": False}
    row |= {name: record[name] for name in _COPIED}  # type: ignore[literal-required]
    row |= {name: labels[name] for name in _LABELLED}  # type: ignore[literal-required]
    row["text_sha256"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    found = any(score["label"] != "none" for score in labels["cell_types"])
    row["record"] = json.dumps(record, ensure_ascii=False, sort_keys=True) if found else None
    return row


def deleted_row(pmid: str) -> dict[str, Any]:
    """The row of a PMID that an update file takes away."""
    return {"pmid": int(pmid), "deleted": True}


def batch_of(rows: Iterable[dict[str, Any]]) -> Any:
    """The rows as an Arrow record batch, which takes less room than dicts and gives the collector nothing to walk."""
    return pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)


def encode(batches: Sequence[Any], about: dict[str, Any]) -> bytes:
    """The Parquet file of some `batch_of`; the same rows and facts give the same bytes."""
    out = io.BytesIO()
    schema = SCHEMA.with_metadata({"msminer": json.dumps(about, sort_keys=True)})
    table = pa.Table.from_batches(batches, SCHEMA)
    pq.write_table(table.cast(schema), out, compression="zstd", row_group_size=_ROW_GROUP)
    return out.getvalue()


@dataclass(frozen=True)
class ShardFolder:
    """Where shards are kept: any address fsspec knows, a folder of this machine or a bucket (s3://)."""

    address: str

    def exists(self, name: str) -> bool:
        """Whether a shard of this name is there; it is then whole, because it appears only when it is."""
        fs, root = self._at()
        return bool(fs.exists(f"{root}/{name}"))

    def put(self, name: str, data: bytes) -> None:
        """Write it whole or not at all: by rename in a folder, by one upload in a bucket; raises StoreFull."""
        fs, root = self._at()
        try:
            if _is_local(fs):
                _put_local(Path(root), name, data)
            else:
                fs.pipe_file(f"{root}/{name}", data)
        except OSError as error:
            raise StoreFull("a shard cannot be written", shard=name, folder=self.address, why=str(error)) from None

    def sweep(self) -> int:
        """Remove what killed workers left half written in a folder of this machine; returns how many files.

        Call it when no worker writes: a file taken from under one is made again.
        """
        if not self.is_local:
            return 0
        left = list(Path(self._at()[1]).glob(".*.tmp"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def about(self, name: str) -> dict[str, Any]:
        """The facts kept in a shard's footer; raises StoreDamaged when it is no shard of ours."""
        fs, root = self._at()
        try:
            with fs.open(f"{root}/{name}", "rb") as stream:
                facts = json.loads(pq.read_schema(stream).metadata[b"msminer"])
        except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
            raise StoreDamaged("a shard cannot be read; delete it and run again", shard=name, why=repr(error)) from None
        return dict(facts)

    def shard(self, name: str, file: str) -> Shard:
        """The shard as it stands, for a file of this name."""
        facts = self.about(name)
        bad = tuple((str(pmid), str(reason)) for pmid, reason in facts["bad"])
        return Shard(file, facts["sha256"], name, facts["model"], facts["records"], facts["deleted"], bad)

    def path(self, name: str) -> str:
        """The path of a shard as its file system spells it."""
        return f"{self._at()[1]}/{name}"

    def url(self, name: str) -> str:
        """The address of a shard as DuckDB asks for it: a path here, protocol://path elsewhere."""
        fs, root = self._at()
        return f"{root}/{name}" if self.is_local else str(fs.unstrip_protocol(f"{root}/{name}"))

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return _is_local(self._at()[0])

    def filesystem(self) -> Any:
        """The fsspec file system."""
        return self._at()[0]

    def _at(self) -> tuple[Any, str]:
        fs, root = fsspec.core.url_to_fs(self.address)
        return fs, str(root).rstrip("/")


def _is_local(fs: Any) -> bool:
    protocol = fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)
    return "file" in protocol


def _put_local(root: Path, name: str, data: bytes) -> None:
    root.mkdir(parents=True, exist_ok=True)
    # Two workers may write the same shard when one was wrongly taken for dead: each has its own temporary file.
    temporary = root / f".{name}.{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(root / name)
    finally:
        temporary.unlink(missing_ok=True)
