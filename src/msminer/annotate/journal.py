"""One reader's readings on disk: one line a change, only ever added to; a crash costs at most the change under way."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from msminer.annotate.rules import Labels
from msminer.errors import DataError, StoreFull, UsageError

State = Literal["draft", "done", "uncertain", "skipped"]
# A reading in one of these states counts; a draft or a skipped record does not.
FINISHED: frozenset[State] = frozenset({"done", "uncertain"})


class Entry(BaseModel):
    """One change to one record's reading; the last one holds.

    state: draft while rules are unmet or the reader goes on; done; uncertain: labels that the reader doubts; skipped.
    text_sha256: the text that was read, as in gold.jsonl. at: when, ISO 8601, UTC.
    of: for a decision alone: digest of the readings it decides between.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pmid: str
    state: State
    labels: Labels
    text_sha256: str
    at: str
    of: str | None = None


@dataclass(frozen=True)
class Contents:
    """What a journal holds: last entry and number of entries per PMID, and how many lines a crash cut."""

    latest: dict[str, Entry]
    revisions: dict[str, int]
    torn: int

    def followed_by(self, entry: Entry) -> Contents:
        """The contents once an entry was added."""
        revisions = {**self.revisions, entry.pmid: self.revisions.get(entry.pmid, 0) + 1}
        return Contents({**self.latest, entry.pmid: entry}, revisions, self.torn)

    def finished(self) -> dict[str, Entry]:
        """The entries that count."""
        return {pmid: entry for pmid, entry in self.latest.items() if entry.state in FINISHED}


def read(path: Path) -> Contents:
    """The contents of a journal, empty where there is no file; raises DataError for a line that breaks the format.

    A line cut by a crash is no JSON: it is left out and counted, since the change before it still stands.
    """
    latest: dict[str, Entry] = {}
    revisions: dict[str, int] = {}
    torn = 0
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        entry = _entry(line, number, path)
        if entry is None:
            torn += 1
            continue
        latest[entry.pmid] = entry
        revisions[entry.pmid] = revisions.get(entry.pmid, 0) + 1
    return Contents(latest, revisions, torn)


def _entry(line: bytes, number: int, path: Path) -> Entry | None:
    try:
        raw = json.loads(line)
    except ValueError:  # no JSON, or no UTF-8: the mark of a cut line
        return None
    try:
        return Entry.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise DataError(f"line {number} of {path.name} is no reading: {field} {first['msg']}", file=path.name) from None


def append(path: Path, entry: Entry) -> None:
    """Add one line and wait until it is on the disk; raises StoreFull when the disk refuses it."""
    line = json.dumps(entry.model_dump(exclude_none=entry.of is None), ensure_ascii=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        append_line(path, line)
    except OSError as error:
        raise StoreFull("the labels were not saved; free some space, then try again", why=error.strerror) from error


def append_line(path: Path, line: bytes) -> None:
    """Add bytes at the end of a file, on a line of their own, and wait until they are on the disk; raises OSError."""
    fresh = not path.exists()
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":  # a crash cut the line before
            line = b"\n" + line
        while line:
            line = line[os.write(fd, line) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    if fresh:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a journal for this process alone; raises UsageError when another page of the same reader is open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("another page of this reader is open; close that one first", reader=path.stem) from None
        yield
    finally:
        os.close(fd)
