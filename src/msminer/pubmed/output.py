"""Files of PubMed XML become one JSON-lines or Parquet file, in the order given, in flat memory.

The output appears whole or not at all: it is written beside its place and renamed.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from msminer.errors import ParseError, UsageError
from msminer.pubmed.columns import NAMES, choose
from msminer.pubmed.parse import BadRecord, ParsedPage, iter_file

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


class _Refused(Exception):
    """An input cannot be read."""


@dataclass(frozen=True)
class _Job:
    """One file, where its lines go in a process of its own, and the columns they have."""

    path: Path
    lines: Path
    fields: tuple[str, ...]


@dataclass(frozen=True)
class _Parsed:
    """What one file's lines hold, or why there are none."""

    path: Path
    records: int = 0
    deleted: list[str] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    refused: str | None = None


def parse_files(
    paths: Sequence[Path], out: Path, *, processes: int = 1, fields: Collection[str] | None = None
) -> ParseSummary:
    """Parse PubMed XML files (gzip or not) to `out`, .jsonl or .parquet by its name, in up to `processes` processes.

    One line per record and file, the highest version of each PMID; then one per PMID of a DeleteCitation:
    {"pmid", "kind": "deleted"}. A file that is no PubMed XML, damaged or unreadable is left out as a whole and named.
    Nothing is written when no file is left. fields: columns to write beside pmid and kind; default all. Raises
    UsageError for another name of `out` and an unknown column, OSError when it cannot be written.
    """
    if out.suffix not in {".jsonl", ".parquet"}:
        raise UsageError("the output must end in .jsonl or .parquet", out=out.name)
    names = NAMES if fields is None else choose({"pmid", "kind", *fields}).names
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        whole = Path(folder) / "all.jsonl"
        summary = _collect(paths, whole, processes, names)
        if summary.exit_code != 1:
            ready = _to_parquet(whole, names) if out.suffix == ".parquet" else whole
            ready.replace(out)
    return summary


def _collect(paths: Sequence[Path], whole: Path, processes: int, names: tuple[str, ...]) -> ParseSummary:
    summary = ParseSummary(files=len(paths))
    deleted: list[str] = []
    records = 0
    with whole.open("wb") as stream:
        jobs = [_Job(path, whole.with_name(f"{number}.jsonl"), names) for number, path in enumerate(paths)]
        for parsed in _parsed(jobs, stream, min(processes, len(paths))):
            summary.bad.extend((parsed.path, bad) for bad in parsed.bad)
            if parsed.refused is not None:
                summary.left_out.append((parsed.path, parsed.refused))
            records += parsed.records
            deleted.extend(parsed.deleted)
        for pmid in deleted:
            stream.write(orjson.dumps({"pmid": pmid, "kind": "deleted"}) + b"\n")
    return ParseSummary(records, len(deleted), summary.left_out, summary.bad, summary.files)


def _parsed(jobs: Sequence[_Job], stream: BinaryIO, workers: int) -> Iterator[_Parsed]:
    """Each file in order, its lines added to the stream."""
    if workers < 2:
        yield from (_add_lines(job, stream) for job in jobs)
        return
    with ProcessPoolExecutor(workers) as pool:
        for job, parsed in zip(jobs, pool.map(_parse_apart, jobs), strict=True):
            with job.lines.open("rb") as lines:
                shutil.copyfileobj(lines, stream, 1 << 20)
            job.lines.unlink()
            yield parsed


def _parse_apart(job: _Job) -> _Parsed:
    with job.lines.open("wb") as stream:
        return _add_lines(job, stream)


def _add_lines(job: _Job, stream: BinaryIO) -> _Parsed:
    """Add the lines of a file to the end of a stream; of a refused file nothing stays."""
    start, written = stream.tell(), 0
    latest: dict[str, int] = {}
    deleted: list[str] = []
    bad: list[BadRecord] = []
    try:
        for page in _pages(job):
            stream.writelines(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in page.records)
            latest.update((record["pmid"], number) for number, record in enumerate(page.records, written))
            written += len(page.records)
            deleted += page.deleted
            bad += page.bad
    except _Refused as refused:
        stream.seek(start)
        stream.truncate()
        return _Parsed(job.path, refused=str(refused))
    if len(latest) < written:
        _keep_lines(stream, start, set(latest.values()))
    return _Parsed(job.path, len(latest), list(dict.fromkeys(deleted)), bad)


def _pages(job: _Job) -> Iterator[ParsedPage]:
    # Wrapped here, so that an output that cannot be written is not taken for an input that cannot be read.
    try:
        yield from iter_file(job.path, job.fields)
    except (ParseError, OSError) as error:
        raise _Refused(str(error)) from error


def _keep_lines(stream: BinaryIO, start: int, numbers: set[int]) -> None:
    """Drop all lines from `start` on but these; the last line of a PMID has its highest version."""
    stream.flush()
    # What is written never reaches what is still to be read: it is the same lines, without some.
    with Path(stream.name).open("rb") as lines:
        lines.seek(start)
        stream.seek(start)
        stream.writelines(line for number, line in enumerate(lines) if number in numbers)
    stream.truncate()


def _to_parquet(lines: Path, names: Sequence[str]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    target, schema = lines.with_suffix(".parquet"), _schema(pa, names)
    with lines.open("rb") as stream, parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        rows = map(orjson.loads, stream)
        while batch := list(itertools.islice(rows, _ROWS)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return target


def _schema(pa: Any, names: Sequence[str]) -> Any:
    """Columns of the Parquet file; a deleted PMID has pmid and kind alone."""
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
    return pa.schema([(name, special.get(name, text)) for name in names])
