"""Bring the files here: each one whole, by its MD5, going on where a cut download stopped."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from msminer.bulk.sources import FileName, Source, read_name
from msminer.errors import ChecksumMismatch, IncompleteResult, PubMedError, StoreFull

T = TypeVar("T")

# As the E-utilities client: six tries, full jitter between 1 and 30 seconds (docs/fetching.md).
_TRIES = 6
_LONGEST_WAIT = 30.0
# The largest file of the 2024 baseline is below 100 MB packed; beyond 2 GB it is not one of them.
_MOST_BYTES = 2 << 30
_CHUNK = 1 << 20


@dataclass(frozen=True)
class SyncSummary:
    """What a sync did: files by name, in loading order; bytes are those received now."""

    fetched: tuple[str, ...]
    already: tuple[str, ...]
    replaced: tuple[str, ...]
    resumed: tuple[str, ...]
    bytes_received: int
    retries: int


@dataclass(frozen=True)
class Patience:
    """How long to try: most attempts a request, and the clock and dice of the pauses, so that tests need not wait.

    tries: attempts before giving up. sleep: takes seconds. jitter: a number from 0 to 1.
    """

    tries: int = _TRIES
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def run(self, act: Callable[[], T], before_retry: Callable[[], None]) -> T:
        """What act returns; tries again on PubMedError, and raises the last one."""
        for attempt in range(1, self.tries):
            try:
                return act()
            except PubMedError:
                before_retry()
                self.sleep(max(1.0, self.jitter() * min(_LONGEST_WAIT, 2.0**attempt)))
        return act()


@dataclass
class _Run:
    patience: Patience
    folder: Path
    fetched: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    bytes_received: int = 0
    retries: int = 0

    def take(self, source: Source, name: str) -> None:
        promised = self._patiently(lambda: source.md5(name))
        final, part = self.folder / name, self.folder / f"{name}.part"
        there, cut = final.exists(), part.exists() and part.stat().st_size > 0
        if there and md5_of(final) == promised:
            self.already.append(name)
            return
        self._patiently(lambda: self._attempt(source, name, part, promised))
        _publish(part, final, promised)
        self.fetched.append(name)
        self.replaced.extend([name] if there else [])
        self.resumed.extend([name] if cut else [])

    def _patiently(self, act: Callable[[], T]) -> T:
        return self.patience.run(act, self._count_retry)

    def _count_retry(self) -> None:
        self.retries += 1

    def _attempt(self, source: Source, name: str, part: Path, promised: str) -> None:
        for size in _receive(source, name, part):
            self.bytes_received += size
        got = md5_of(part)
        if got != promised:
            # A resumed file may be two editions glued together, so nothing of it is kept.
            part.unlink()
            raise ChecksumMismatch("a file is not the one its checksum promises", file=name, promised=promised, got=got)

    def summary(self) -> SyncSummary:
        return SyncSummary(
            tuple(self.fetched),
            tuple(self.already),
            tuple(self.replaced),
            tuple(self.resumed),
            self.bytes_received,
            self.retries,
        )


def _receive(source: Source, name: str, part: Path) -> Iterator[int]:
    have = part.stat().st_size if part.exists() else 0
    try:
        with part.open("r+b" if have else "wb") as out:
            for offset, chunk in source.read(name, have):
                if offset + len(chunk) > _MOST_BYTES:
                    raise IncompleteResult("the file does not end", file=name, bytes=offset)
                out.seek(offset)
                out.write(chunk)
                out.truncate()
                yield len(chunk)
    except OSError as error:
        raise StoreFull(
            "the folder for PubMed's files cannot be written", folder=str(part.parent), why=str(error)
        ) from None


def _publish(part: Path, final: Path, promised: str) -> None:
    with part.open("rb") as whole:
        os.fsync(whole.fileno())
    part.replace(final)
    final.with_name(final.name + ".md5").write_text(f"MD5({final.name})= {promised}\n", encoding="ascii")


def md5_of(path: Path) -> str:
    """MD5 of a file, 32 hex digits; it guards against accidents of transport, as NLM offers it, not against malice."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def sync(
    sources: Sequence[Source],
    folder: Path,
    *,
    patience: Patience | None = None,
    only: Callable[[FileName], bool] = lambda _name: True,
    progress: Callable[[str, int, int], None] = lambda _name, _done, _all: None,
) -> SyncSummary:
    """The folder holding every file the sources list, each with the MD5 promised today.

    A file whose promised MD5 changed is fetched again. All files are tried; then IncompleteResult is raised if any
    failed, because a missing update file would leave outdated and deleted records standing. What arrived stays for the
    next run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run, failed = _Run(patience or Patience(), folder), dict[str, str]()
    listed = {file: source for source in sources for file in source.names() if only(file)}
    for position, (file, source) in enumerate(sorted(listed.items(), key=lambda item: item[0]), 1):
        try:
            run.take(source, file.name)
        except PubMedError as error:
            failed[file.name] = str(error)
        progress(file.name, position, len(listed))
    if failed:
        raise IncompleteResult("some files did not arrive; run again to go on", failed=failed, of=len(listed))
    return run.summary()


def files_in(folder: Path) -> list[Path]:
    """Files of the newest series in a folder, in loading order; an older year's is superseded as a whole."""
    named = sorted((file, path) for path in folder.iterdir() if (file := read_name(path.name)))
    newest = named[-1][0].series if named else ""
    return [path for file, path in named if file.series == newest]


def gaps(paths: Sequence[Path]) -> list[int]:
    """Numbers below the highest that have no file: counts may be too small, deletions missed."""
    numbers = {file.number for path in paths if (file := read_name(path.name))}
    return sorted(set(range(1, max(numbers, default=0) + 1)) - numbers)
