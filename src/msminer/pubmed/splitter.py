"""A stream of bytes becomes the pieces of a PubMed set, one record each, without building any of them.

The scan trusts nothing it has not seen: a comment or CDATA section that holds a tag is stepped over, and whatever
stands between records and is neither blank nor a comment comes out as a piece of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from isal import igzip, isal_zlib

from msminer.errors import DamagedXml, NotPubMed, ParseError, UnsafeXml
from msminer.pubmed.strict import is_well_formed

# One read: about 80 full records (measured 2026-11), so that the cost of a block is a percent of the scan.
_BLOCK = 1 << 20
# The largest real record seen has 188 kB (2026-11); far above that, it is a bomb and must not fill the memory.
MAX_RECORD = 64 << 20
# Prologs seen have up to 250 bytes (2026-11).
_MAX_PROLOG = 1 << 16
_ROOTS = (b"PubmedArticleSet", b"PubmedBookArticleSet")
_GZIP = b"\x1f\x8b"

_INK = re.compile(rb"[^ \t\r\n]")
_REMARK = re.compile(rb"<!--|<\?(?!xml\s)")
_CLOSERS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
UNIT = re.compile(rb"<(PubmedArticle|PubmedBookArticle|DeleteCitation)(?=[\s/>])")
_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s+|<!--.*?-->|<\?(?P<decl>.*?)\?>"
    rb"|<!DOCTYPE(?P<doctype>(?:[^>\"'\[]|\"[^\"]*\"|'[^']*')*)>)*+",
    re.S,
)
_EMPTY = re.compile(rb"<\w+\s*/>")
_SUBSET = re.compile(rb"<!DOCTYPE(?:[^>\"'\[]|\"[^\"]*\"|'[^']*')*\[")
_CUT_PROLOG = re.compile(rb"<\?xml|<!DOCTYPE\s+Pubmed|<!--|<!?\Z|<!(?:D|DO|DOC|DOCT|DOCTY|DOCTYP|DOCTYPE)\s*\Z")
_NAME = re.compile(rb"<([A-Za-z_:][\w.:-]*)")
_ROOT_TAG = re.compile(
    rb"<(?P<name>\w+)(?P<attributes>(?:\s+[\w.:-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*(?P<empty>/?)>"
)
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([\w.-]+)[\"']")
_UTF8 = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})

Kind = Literal["PubmedArticle", "PubmedBookArticle", "DeleteCitation", "other"]
_KINDS: dict[bytes, Kind] = {
    b"PubmedArticle": "PubmedArticle",
    b"PubmedBookArticle": "PubmedBookArticle",
    b"DeleteCitation": "DeleteCitation",
}


class Piece(NamedTuple):
    """One part of a set.

    kind: its element name, or other. data: its bytes as they came. plain: nothing in it can hide a tag or
    change the meaning of one. namespaces: attributes of the root, which it inherits.
    """

    kind: Kind
    data: bytes
    plain: bool
    namespaces: bytes


_BROKEN_GZIP: Any = (EOFError, igzip.BadGzipFile, isal_zlib.error)


class _Root(NamedTuple):
    name: bytes
    attributes: bytes
    empty: bool


def open_bytes(data: bytes) -> BinaryIO:
    """A stream over XML bytes, unpacked when they are gzip."""
    stream = BytesIO(data)
    return igzip.IGzipFile(fileobj=stream) if data.startswith(_GZIP) else stream


def open_file(path: Path) -> BinaryIO:
    """A stream over a file, unpacked when its content (not its name) is gzip; raises OSError."""
    with path.open("rb") as raw:
        packed = raw.read(2).startswith(_GZIP)
    # Opened by name, because a gzip stream over an open file leaves that file open when it is closed.
    return igzip.IGzipFile(path) if packed else path.open("rb")


def split_records(stream: BinaryIO, *, source: str, limit: int | None = None) -> Iterator[Piece]:
    """The pieces of a PubmedArticleSet or PubmedBookArticleSet, in order; memory stays at one record and one block.

    limit: most unpacked bytes; none by default. Raises NotPubMed for another format, UnsafeXml for a DOCTYPE with an
    internal subset, a record without end or a stream above the limit, and DamagedXml when the set is cut: it is whole
    only when its end tag has come and nothing but blanks follows.
    """
    window = _Window(stream, source, limit)
    root = _enter(window)
    end = re.compile(rb"</" + root.name + rb"\s*>")
    while not root.empty:
        if not window.skip_remarks():
            raise DamagedXml("the set is cut: its end tag is missing", source=source)
        if window.data.startswith(b"</", window.at) and (found := end.match(window.data, window.at)):
            window.at = found.end()
            break
        yield window.take_unit(root.attributes)
    if window.skip_remarks():
        raise DamagedXml("something follows the end of the set; was it put together from several files?", source=source)


def unit_kind(data: bytes, at: int = 0) -> Kind:
    """Which kind of record starts at a position."""
    opening = UNIT.match(data, at)
    return _KINDS[opening[1]] if opening else "other"


def _hides(data: bytes, start: int, end: int) -> bool:
    """Whether a comment, CDATA section or instruction may stand in these bytes and hide a tag."""
    # One byte is found ten times as fast as two, and `!` and `?` are rare.
    return _follows(data, b"!", start, end) or _follows(data, b"?", start, end)


def _follows(data: bytes, mark: bytes, start: int, end: int) -> bool:
    at = data.find(mark, start, end)
    while at > 0:
        if data[at - 1] == ord("<"):
            return True
        at = data.find(mark, at + 1, end)
    return False


def _enter(window: _Window) -> _Root:
    """Step over the prolog and the opening tag of the set."""
    while len(window.data) < _MAX_PROLOG and window.more():
        pass
    prolog = _PROLOG.match(window.data)
    rest = window.data[prolog.end() if prolog else 0 :][:_MAX_PROLOG]
    name = _NAME.match(rest)
    found = _ROOT_TAG.match(rest)
    if not prolog or not found or found["name"] not in _ROOTS:
        raise _refusal(window, rest, name[1] if name else b"")
    _check_encoding(prolog["decl"] or b"", window.source)
    window.at = prolog.end() + found.end()
    closing = b"" if found["empty"] else b"</" + found["name"] + b">"
    if not is_well_formed(window.data[: window.at] + closing):
        raise DamagedXml("the file is broken in its first lines", source=window.source)
    return _Root(found["name"], found["attributes"], bool(found["empty"]))


def _refusal(window: _Window, rest: bytes, name: bytes) -> ParseError:
    """Why this is no PubMed set: another format, a dangerous one, or the first bytes of a cut one."""
    source = window.source
    if _SUBSET.match(rest):
        return UnsafeXml("the DOCTYPE declares entities or elements of its own; PubMed's never does", source=source)
    if window.data.startswith(b"<") and not rest.strip(b"\xef\xbb\xbf \t\r\n"):
        return DamagedXml("the file ends before its root element", source=source)
    if (rest.startswith(b"<") and any(root.startswith(name) for root in _ROOTS)) or _CUT_PROLOG.match(rest):
        return DamagedXml("the file is cut in its first lines", source=source)
    shown = (name or rest[:20] or b"nothing").decode("ascii", "backslashreplace")
    return NotPubMed("not PubMed XML: it starts with another element", source=source, found=shown)


def _check_encoding(declaration: bytes, source: str) -> None:
    named = _ENCODING.search(declaration)
    if named and named[1].lower() not in _UTF8:
        shown = named[1].decode("ascii", "backslashreplace")
        raise NotPubMed("not PubMed XML: PubMed serves UTF-8 only", source=source, encoding=shown)


class _Window:
    """The part of a stream that is being looked at; positions are counted from `at`."""

    def __init__(self, stream: BinaryIO, source: str, limit: int | None) -> None:
        self.stream, self.source, self.limit = stream, source, limit
        self.data, self.at, self.total = b"", 0, 0

    def more(self) -> bool:
        """Read on; False at the end. Raises DamagedXml on broken gzip, UnsafeXml when one record grows without end."""
        kept = len(self.data) - self.at
        if kept > MAX_RECORD:
            raise UnsafeXml("a record has no end within the allowed size", source=self.source, limit=MAX_RECORD)
        try:
            # Reads grow with what is kept, so that a long record is not copied once a block.
            block = self.stream.read(max(_BLOCK, kept))
        except _BROKEN_GZIP as error:
            raise DamagedXml("the gzip data is cut or broken", source=self.source) from error
        self.total += len(block)
        if self.limit is not None and self.total > self.limit:
            raise UnsafeXml("the data unpacks to more than is allowed", source=self.source, limit=self.limit)
        self.data, self.at = self.data[self.at :] + block, 0
        return bool(block)

    def need(self, needle: bytes, start: int) -> int:
        """Where the needle stands from `start` on; raises DamagedXml when the stream ends before it."""
        while (found := self.data.find(needle, self.at + start)) < 0:
            start = max(start, len(self.data) - self.at - len(needle))
            if not self.more():
                raise DamagedXml("the set is cut inside a record", source=self.source)
        return found - self.at

    def search(self, pattern: re.Pattern[bytes], start: int) -> re.Match[bytes]:
        """The pattern's first match from `start` on; raises DamagedXml when the stream ends before it."""
        while not (found := pattern.search(self.data, self.at + start)):
            if not self.more():
                raise DamagedXml("the set is cut inside a record", source=self.source)
        return found

    def skip_remarks(self) -> bool:
        """Move to the next byte that is neither white space nor in a comment or instruction; False at the end."""
        while self._skip_blanks():
            self._fill(4)
            opener = _REMARK.match(self.data, self.at)
            if not opener:
                return True
            closer = _CLOSERS[opener[0]]
            size = self.need(closer, len(opener[0])) + len(closer)
            if not is_well_formed(b"<all>" + self.data[self.at : self.at + size] + b"</all>"):
                raise DamagedXml("a comment or instruction between records is broken", source=self.source)
            self.at += size
        return False

    def take_unit(self, namespaces: bytes) -> Piece:
        """The record that starts here; what is no record runs to the next one."""
        self._fill(32)
        opening = UNIT.match(self.data, self.at)
        size, plain = self._unit_size(opening[1]) if opening else (self._other_size(), False)
        data = self.data[self.at : self.at + size]
        self.at += size
        return Piece(_KINDS[opening[1]] if opening else "other", data, plain and not namespaces, namespaces)

    def _skip_blanks(self) -> bool:
        while not (found := _INK.search(self.data, self.at)):
            self.at = len(self.data)
            if not self.more():
                return False
        self.at = found.start()
        return True

    def _fill(self, size: int) -> None:
        """Read on until `size` bytes lie ahead, so that a block's border hides no tag."""
        while len(self.data) - self.at < size and self.more():
            pass

    def _unit_size(self, name: bytes) -> tuple[int, bool]:
        """Bytes of the record, and whether nothing in it can hide a tag."""
        if not self.data.startswith(b">", self.at + 1 + len(name)) and (empty := _EMPTY.match(self.data, self.at)):
            return empty.end() - self.at, False
        closing = b"</" + name
        end = self.need(closing, 0) + len(closing)
        # Sets end in a name that starts with a record's.
        if not self.data.startswith(b">", self.at + end) or _hides(self.data, self.at, self.at + end):
            return self._careful_size(closing), False
        return end + 1, True

    def _careful_size(self, closing: bytes) -> int:
        """Size of the unit, stepping over comments, CDATA sections and instructions that may hold its end tag."""
        token = re.compile(rb"<!--|<!\[CDATA\[|<\?|" + closing + rb"(?=[\s>])")
        start = 0
        while True:
            found = self.search(token, start)
            start = found.end() - self.at
            closer = _CLOSERS.get(found[0], b">")
            start = self.need(closer, start) + len(closer)
            if found[0] == closing:
                return start

    def _other_size(self) -> int:
        """Bytes up to the next record or the end of the set."""
        border = re.compile(UNIT.pattern + rb"|</Pubmed(?:Book)?ArticleSet\s*>")
        return self.search(border, 1).start() - self.at
