"""Label whole files in several processes, in order, in flat memory; the output appears whole or not at all."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson

from msminer.classify.modelfile import Model, load_model
from msminer.errors import DataError, ParseError, UsageError

# Records handed to a process at a time, as many as a part of an XML file holds.
PART = 500
# Parts under way beyond one a process: enough to keep them busy, about 6 MB of text.
_AHEAD = 2
_NAMES = (".jsonl", ".ndjson")
_FIELDS = ("pmid", "version", "title", "abstract", "sections", "mesh", "publication_types")
Part = tuple[list[str], list[int]]


@dataclass(frozen=True)
class LabelSummary:
    """What `label_files` did: records labelled, model id, inputs left out, records set aside (PMID or None, why)."""

    records: int
    model: str
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    bad: list[tuple[str | None, str]] = field(default_factory=list)


def label_files(inputs: Sequence[Path], out: Path, *, processes: int = 2, model: Path | None = None) -> LabelSummary:
    """Label PubMed XML (gzip or not) or JSON lines (pmid, title, abstract) into JSON lines of `LabelledRecord`.

    One line a record, in the order of the inputs. An input that is neither format, damaged or unreadable is left out as
    a whole and named; nothing is written when none is left. model: folder, default the shipped one. Raises
    ModelMissing, ModelRefused, UsageError without inputs, OSError when `out` cannot be written.
    """
    if not inputs:
        raise UsageError("name at least one file to label")
    loaded = load_model(model)
    with (
        tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder,
        _Pool(processes, loaded) as pool,
    ):
        whole = Path(folder) / "all.jsonl"
        left_out: list[tuple[Path, str]] = []
        bad: list[tuple[str | None, str]] = []
        count = 0
        with whole.open("wb") as stream:
            for path in inputs:
                try:
                    count += _append(path, Path(folder) / "one.jsonl", stream, pool, bad)
                except (ParseError, DataError, OSError) as error:
                    left_out.append((path, str(error)))
        if len(left_out) < len(inputs):
            whole.replace(out)
    return LabelSummary(count, loaded.id, left_out, bad)


class _Pool:
    """Labels parts in order, in this process or in others that inherit the loaded model."""

    def __init__(self, processes: int, model: Model) -> None:
        self._processes = processes
        self._model = model
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> _Pool:
        if self._processes > 1 and "fork" in multiprocessing.get_all_start_methods():
            _hold(self._model)
            context = multiprocessing.get_context("fork")
            self._pool = ProcessPoolExecutor(self._processes, mp_context=context)
            # The first task forks all of them: now, before a file is read, which takes a thread.
            self._pool.submit(int)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        _HELD.clear()

    def lines(self, parts: Iterator[list[Any]]) -> Iterator[bytes]:
        """The encoded lines of each part, in order."""
        if self._pool is None:
            yield from (_encoded(part, self._model) for part in parts)
            return
        waiting: deque[Future[bytes]] = deque()
        for part in parts:
            waiting.append(self._pool.submit(_label_held, part))
            if len(waiting) > self._processes + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


# The model that forked processes find in their memory: sending it would cost more than a part's labelling.
_HELD: list[Model] = []


def _hold(model: Model) -> None:
    _HELD[:] = [model]


def _label_held(part: list[Any]) -> bytes:
    return _encoded(part, _HELD[0])


def _encoded(part: list[Any], model: Model) -> bytes:
    records = [_record(entry) for entry in part]
    return b"".join(orjson.dumps(labels, option=orjson.OPT_APPEND_NEWLINE) for labels in model.label(records))


def _record(entry: Any) -> Mapping[str, Any]:
    """A parsed record as it is, a line of JSON as its record; raises DataError for another line."""
    if not isinstance(entry, bytes):
        return dict(entry)
    shown = entry[:60].decode(errors="replace")
    try:
        record = orjson.loads(entry)
    except orjson.JSONDecodeError as error:
        raise DataError("a line is no JSON", line=shown, why=error.msg) from error
    if not isinstance(record, dict) or "pmid" not in record:
        raise DataError("a line is no record: it needs pmid, title and abstract", line=shown)
    if not all(isinstance(record.get(name) or "", str) for name in ("title", "abstract")):
        raise DataError("title and abstract must be text", pmid=record["pmid"])
    return record


def _append(path: Path, shard: Path, whole: IO[bytes], pool: _Pool, bad: list[tuple[str | None, str]]) -> int:
    """Label one input beside the output, then add it; a damaged one adds nothing."""
    versions: list[tuple[str, int]] = []
    aside: list[tuple[str | None, str]] = []
    parts = _json_parts(path) if path.name.lower().endswith(_NAMES) else _xml_parts(path, versions, aside)
    count = 0
    with shard.open("wb") as stream:
        for lines in pool.lines(parts):
            stream.write(lines)
            count += lines.count(b"\n")
    dropped = _superseded(versions)
    with shard.open("rb") as stream:
        if dropped:
            whole.writelines(line for number, line in enumerate(stream) if number not in dropped)
        else:
            shutil.copyfileobj(stream, whole, 1 << 20)
    bad += aside
    return count - len(dropped)


def _json_parts(path: Path) -> Iterator[list[bytes]]:
    with path.open("rb") as stream:
        lines = (line for line in stream if line.strip())
        while part := list(islice(lines, PART)):
            yield part


def _xml_parts(
    path: Path, versions: list[tuple[str, int]], aside: list[tuple[str | None, str]]
) -> Iterator[list[dict[str, Any]]]:
    from msminer.pubmed.parse import iter_file

    for page in iter_file(path, _FIELDS):
        versions += [(record["pmid"], record["version"]) for record in page.records]
        aside += [(record.pmid, record.reason) for record in page.bad]
        yield list(map(dict, page.records))


def _superseded(versions: Sequence[tuple[str, int]]) -> set[int]:
    """Line numbers of records of which the same file holds a higher version."""
    newest: dict[str, tuple[int, int]] = {}
    dropped: set[int] = set()
    for number, (pmid, version) in enumerate(versions):
        old = newest.get(pmid)
        if old is not None and old[0] > version:
            dropped.add(number)
            continue
        if old is not None:
            dropped.add(old[1])
        newest[pmid] = (version, number)
    return dropped
