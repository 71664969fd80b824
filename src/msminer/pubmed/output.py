"""Files of PubMed XML become one JSON-lines or Parquet file, in the order given, in flat memory.

The output appears whole or not at all: it is written beside its place and renamed.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from msminer.errors import ParseError, UsageError
from msminer.pubmed.parse import BadRecord, iter_file

if TYPE_CHECKING:
    from msminer.schema import ParsedRecord

# Rows held at a time while Parquet is written: about 20 MB.
_ROWS = 5_000


@dataclass(frozen=True)
class ParseSummary:
    """What `parse_files` did: counts, files left out and records set aside, each with its reason."""

    records: int = 0
    deleted: int = 0
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    bad: list[tuple[Path, BadRecord]] = field(default_factory=list)
    files: int = 0

    @property
    def exit_code(self) -> int:
        """0 done, 3 something was left out or set aside, 1 no file was left."""
        if self.files and len(self.left_out) == self.files:
            return 1
        return 3 if self.left_out or self.bad else 0


@dataclass(frozen=True)
class _Shard:
    """One file's records on disk, or why there are none."""

    path: Path
    lines: Path
    records: int
    deleted: list[str]
    bad: list[BadRecord]
    refused: str | None


def parse_files(paths: Sequence[Path], out: Path, *, processes: int = 1) -> ParseSummary:
    """Parse PubMed XML files (gzip or not) to `out`, .jsonl or .parquet by its name, in up to `processes` processes.

    One line per record and file, the highest version of each PMID; then one per PMID of a DeleteCitation:
    {"pmid", "kind": "deleted"}. A file that is no PubMed XML, damaged or unreadable is left out as a whole and named.
    Nothing is written when no file is left. Raises UsageError for another name of `out`, OSError when it cannot be
    written.
    """
    if out.suffix not in {".jsonl", ".parquet"}:
        raise UsageError("the output must end in .jsonl or .parquet", out=out.name)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        whole = Path(folder) / "all.jsonl"
        summary = _collect(paths, whole, processes)
        if summary.exit_code != 1:
            ready = _to_parquet(whole) if out.suffix == ".parquet" else whole
            ready.replace(out)
    return summary


def write_jsonl(records: Iterable[ParsedRecord], out: Path) -> int:
    """Write records as JSON lines, whole or not at all; returns their number. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        part = Path(folder) / "part"
        with part.open("wb") as stream:
            count = _write_lines(records, stream)
        part.replace(out)
    return count


def write_parquet(records: Iterable[ParsedRecord], out: Path) -> int:
    """Write records as Parquet, whole or not at all; returns their number. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        part = Path(folder) / "part"
        count = _write_rows(records, part)
        part.replace(out)
    return count


def _collect(paths: Sequence[Path], whole: Path, processes: int) -> ParseSummary:
    summary = ParseSummary(files=len(paths))
    deleted: list[str] = []
    records = 0
    with whole.open("wb") as stream:
        for shard in _shards(paths, whole.parent, processes):
            summary.bad.extend((shard.path, bad) for bad in shard.bad)
            if shard.refused is not None:
                summary.left_out.append((shard.path, shard.refused))
                continue
            with shard.lines.open("rb") as lines:
                shutil.copyfileobj(lines, stream, 1 << 20)
            shard.lines.unlink()
            records += shard.records
            deleted.extend(shard.deleted)
        for pmid in deleted:
            stream.write(orjson.dumps({"pmid": pmid, "kind": "deleted"}) + b"\n")
    return ParseSummary(records, len(deleted), summary.left_out, summary.bad, summary.files)


def _shards(paths: Sequence[Path], folder: Path, processes: int) -> Iterator[_Shard]:
    jobs = [(path, folder / f"{number}.jsonl") for number, path in enumerate(paths)]
    workers = min(processes, len(paths))
    if workers < 2:
        yield from map(_parse_one, jobs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_parse_one, jobs)


def _parse_one(job: tuple[Path, Path]) -> _Shard:
    path, lines = job
    deleted: list[str] = []
    bad: list[BadRecord] = []
    versions: dict[str, int] = {}
    written = 0
    try:
        with lines.open("wb") as stream:
            for page in iter_file(path):
                versions.update((record["pmid"], record["version"]) for record in page.records)
                written += _write_lines(page.records, stream)
                deleted += page.deleted
                bad += page.bad
    except (ParseError, OSError) as error:
        lines.unlink(missing_ok=True)
        return _Shard(path, lines, 0, [], [], str(error))
    if written > len(versions):
        _drop_superseded(lines, versions)
    return _Shard(path, lines, len(versions), list(dict.fromkeys(deleted)), bad, None)


def _drop_superseded(lines: Path, versions: dict[str, int]) -> None:
    """Keep of each PMID only the line of its highest version; it came after the others."""
    kept = lines.with_suffix(".kept")
    with lines.open("rb") as old, kept.open("wb") as new:
        for line in old:
            record = orjson.loads(line)
            if record["version"] == versions[record["pmid"]]:
                new.write(line)
    kept.replace(lines)


def _write_lines(records: Iterable[ParsedRecord], stream: Any) -> int:
    lines = [orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records]
    stream.writelines(lines)
    return len(lines)


def _to_parquet(lines: Path) -> Path:
    target = lines.with_suffix(".parquet")
    with lines.open("rb") as stream:
        _write_rows(map(orjson.loads, stream), target)
    return target


def _write_rows(rows: Iterable[Any], target: Path) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(pa)
    count = 0
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        source = iter(rows)
        while batch := list(itertools.islice(source, _ROWS)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def _schema(pa: Any) -> Any:
    """Columns of the Parquet file: those of ParsedRecord; a deleted PMID has pmid and kind alone."""
    from msminer.schema import ParsedRecord  # brings pandas, which JSON lines need not wait for

    text, texts = pa.string(), pa.list_(pa.string())
    qualifier = pa.struct([("ui", text), ("name", text), ("major", pa.bool_())])
    heading = pa.struct([*qualifier, ("qualifiers", pa.list_(qualifier))])
    special = {
        "version": pa.int32(),
        "year": pa.int32(),
        "retracted": pa.bool_(),
        "sections": pa.list_(pa.struct([("label", text), ("text", text)])),
        "mesh": pa.list_(heading),
        "corrections": pa.list_(pa.struct([("type", text), ("pmid", text), ("source", text)])),
        **dict.fromkeys(("authors", "publication_types", "keywords", "languages", "trial_ids"), texts),
    }
    return pa.schema([(name, special.get(name, text)) for name in ParsedRecord.__annotations__])
