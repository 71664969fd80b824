"""PubMed XML becomes ParsedRecords: pages in memory, files of any size, many files in several processes.

A record that cannot be read is set aside with its bytes and a reason, and the others are returned. A set that is cut,
dangerous or of another format is refused as a whole.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msminer.errors import DamagedXml, ParseError, UnsafeXml
from msminer.pubmed.ahead import read_ahead
from msminer.pubmed.columns import EVERY, choose
from msminer.pubmed.layout import Unusual
from msminer.pubmed.quick import quick_record
from msminer.pubmed.record import article_record, book_record, deleted_pmids
from msminer.pubmed.splitter import open_bytes, open_file, split_records
from msminer.pubmed.strict import is_well_formed, read_tree
from msminer.pubmed.window import UNIT, Piece, unit_kind

if TYPE_CHECKING:
    from msminer.schema import ParsedRecord

# One efetch reply of 200 records has about 3 MB; the client refuses more than this as a huge body.
MAX_PAGE = 256 << 20
# Records in one part of a file, about: 1 MB at 12 kB a record (2026-11).
PART = 100
_ARTICLE, _ARTICLE_NAME, _ARTICLE_END = b"<PubmedArticle>", b"<PubmedArticle", b"</PubmedArticle>"
_BLANK = b" \t\r\n"
_FIRST_PMID = re.compile(rb"<PMID[^>]*>\s*([1-9][0-9]{0,8})\s*</PMID>")


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be read: its PMID where it shows, why, and its bytes as they came."""

    pmid: str | None
    reason: str
    raw: bytes


@dataclass(frozen=True)
class ParsedPage:
    """What a page or a part of a file holds: records (one per PMID), PMIDs of a DeleteCitation, records set aside."""

    records: list[ParsedRecord] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)


def parse_page(data: bytes, *, source: str = "page") -> ParsedPage:
    """All of one efetch reply or file held in memory, gzip or not; of two versions of a PMID the highest stays.

    Raises NotPubMed, UnsafeXml or DamagedXml, each naming the source.
    """
    page = ParsedPage()
    with open_bytes(data) as stream:
        for piece in split_records(stream, source=source, limit=MAX_PAGE, runs=True):
            _read_any(piece, page, source, EVERY.parts)
    return ParsedPage(newest(page.records), page.deleted, page.bad)


def iter_file(path: Path, fields: Collection[str] | None = None) -> Iterator[ParsedPage]:
    """A file of any size as parts of some hundred records, gzip or not, in flat memory.

    fields: names of the columns the records are to have, in the order of ParsedRecord; default all. Fewer are read
    faster, and are the same as among all. A damaged file shows only at its end: what was given before an error is
    provisional. A later part may hold a higher version of a PMID given before; a lower one is left out. Raises as
    parse_page does, UsageError for an unknown column, and OSError.
    """
    columns = EVERY if fields is None else choose(fields)
    seen: dict[str, int] = {}
    with open_file(path) as stream, read_ahead(split_records(stream, source=path.name, runs=True)) as pieces:
        more = True
        while more:
            # What is not kept of the records is gone before the collector may walk them.
            with _no_collector():
                page, more = _part(pieces, path.name, columns.parts)
                page = _unseen(page, seen)
                page = ParsedPage([columns.of(record) for record in page.records], page.deleted, page.bad)
            yield page


def _part(pieces: Iterator[Piece], source: str, wanted: frozenset[str]) -> tuple[ParsedPage, bool]:
    """The next records, and whether there may be more."""
    page = ParsedPage()
    taken = []
    for piece in pieces:
        taken.append(piece)
        _read_any(piece, page, source, wanted)
        if len(page.records) + len(page.deleted) + len(page.bad) >= PART:
            return _whole_if_doubled(page, taken, source, wanted), True
    return _whole_if_doubled(page, taken, source, wanted), False


def _whole_if_doubled(page: ParsedPage, pieces: list[Piece], source: str, wanted: frozenset[str]) -> ParsedPage:
    """The part, read again with every column when a PMID comes twice: all of a record decides which of two stays."""
    if wanted == EVERY.parts or len({record["pmid"] for record in page.records}) == len(page.records):
        return page
    again = ParsedPage()
    for piece in pieces:
        _read_any(piece, again, source, EVERY.parts)
    return again


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Records hold no cycles; the collector would only walk them (3 to 5% of the time, 2026-11)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def newest(records: list[ParsedRecord]) -> list[ParsedRecord]:
    """One record a PMID, in order of first appearance: the highest version, then the latest revision.

    The choice depends on the records alone, not on their order.
    """
    chosen: dict[str, ParsedRecord] = {}
    for record in records:
        held = chosen.get(record["pmid"])
        if held is None or _rank(record) > _rank(held):
            chosen[record["pmid"]] = record
    return list(chosen.values())


def _rank(record: ParsedRecord) -> tuple[int, str, str]:
    # The text decides between records that claim to be the same, so that any order gives the same result.
    return record["version"], record["date_revised"] or "", json.dumps(record, sort_keys=True)


def _unseen(page: ParsedPage, seen: dict[str, int]) -> ParsedPage:
    """The part without records whose PMID came before in the same or a higher version."""
    records = newest(page.records)
    fresh = [record for record in records if record["version"] > seen.get(record["pmid"], -1)]
    seen.update((record["pmid"], record["version"]) for record in fresh)
    return ParsedPage(fresh, page.deleted, page.bad)


def _read_any(piece: Piece, page: ParsedPage, source: str, wanted: frozenset[str]) -> None:
    """Add what a piece holds to the page; of a run, what is not laid out as usual is taken out and read by itself."""
    if piece.kind != "run":
        _read(piece, page, source, wanted)
        return
    at = 0
    while at < len(piece.data):
        try:
            record, at = quick_record(piece.data, at, wanted)
            page.records.append(record)
        except Unusual:
            at = _read_first(piece.data, at, page, source, wanted)


def _read_first(run: bytes, at: int, page: ParsedPage, source: str, wanted: frozenset[str]) -> int:
    """Add what stands at this place of a run to the page; returns where the next thing stands."""
    end = run.find(_ARTICLE_END, at) + len(_ARTICLE_END)
    # As far as the next end of an article; it is its own end when only one starts before it.
    if run.startswith(_ARTICLE, at) and run.find(_ARTICLE_NAME, at + 1, end - len(_ARTICLE_END)) < 0:
        piece = Piece("PubmedArticle", run[at:end], False, b"")
    else:
        set_of_it = BytesIO(b"<PubmedArticleSet>" + run[at:] + b"</PubmedArticleSet>")
        piece = next(split_records(set_of_it, source=source))
    _read(piece, page, source, wanted)
    end = at + len(piece.data)
    return len(run) - len(run[end:].lstrip(_BLANK))


def _read(piece: Piece, page: ParsedPage, source: str, wanted: frozenset[str]) -> None:
    """Add what a piece holds to the page, or set it aside; records that a lost end tag hides in it are still found."""
    try:
        _add(piece, page, wanted)
    except ParseError as error:
        if isinstance(error, UnsafeXml):
            raise UnsafeXml(error.message, source=source, **error.context) from error
        parts = _hidden_units(piece)
        if len(parts) < 2:
            _set_aside(piece.data, str(error), page)
        for part in parts if len(parts) > 1 else ():
            try:
                _add(part, page, wanted)
            except DamagedXml as damage:
                _set_aside(part.data, str(damage), page)


def _set_aside(data: bytes, reason: str, page: ParsedPage) -> None:
    pmid = _FIRST_PMID.search(data)
    page.bad.append(BadRecord(pmid[1].decode() if pmid else None, reason, data))


def _hidden_units(piece: Piece) -> list[Piece]:
    """The piece cut before every record that starts in it; whole when a comment or CDATA section could hold one."""
    if b"<!" in piece.data:
        return [piece]
    found = list(UNIT.finditer(piece.data))
    starts = sorted({0, *(match.start() for match in found)})
    parts = (piece.data[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True))
    return [piece._replace(kind=unit_kind(part), data=part) for part in parts]


def _add(piece: Piece, page: ParsedPage, wanted: frozenset[str]) -> None:
    if piece.kind == "PubmedArticle":
        page.records.append(_article(piece, wanted))
    elif piece.kind == "PubmedBookArticle":
        page.records.append(book_record(_element(piece)))
    elif piece.kind == "DeleteCitation":
        page.deleted.extend(deleted_pmids(_element(piece)))
    else:
        raise DamagedXml("neither a record nor a blank between two records")


def _article(piece: Piece, wanted: frozenset[str]) -> ParsedRecord:
    """The record, read strictly: from its bytes where it is well-formed and laid out as usual, else through a tree."""
    if piece.plain and is_well_formed(piece.data):
        try:
            return quick_record(piece.data, 0, wanted)[0]
        except Unusual:
            pass
    return article_record(_element(piece))


def _element(piece: Piece) -> Any:
    """The piece as an lxml element, read strictly; raises UnsafeXml for deep nesting, DamagedXml for anything else."""
    data = piece.data
    if piece.namespaces:
        data = b"<set" + piece.namespaces + b">" + data + b"</set>"
    root = read_tree(data)
    return root[0] if piece.namespaces else root
