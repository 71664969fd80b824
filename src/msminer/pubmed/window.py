"""The part of a stream of PubMed XML that is being looked at; records are cut from it one by one or in runs."""

from __future__ import annotations

import re
from typing import Any, BinaryIO, Literal, NamedTuple

from isal import igzip, isal_zlib

from msminer.errors import DamagedXml, UnsafeXml
from msminer.pubmed.strict import is_well_formed

# One read: about 80 full records (measured 2026-11), so that the cost of a block is a percent of the scan.
_BLOCK = 1 << 20
# The largest real record seen has 188 kB (2026-11); far above that, it is a bomb and must not fill the memory.
MAX_RECORD = 64 << 20
# A run of records checked at once: 128 kB and 256 kB were the fastest of 12 kB to 1 MB (2026-11).
_RUN = 1 << 18

_INK = re.compile(rb"[^ \t\r\n]")
_REMARK = re.compile(rb"<!--|<\?(?!xml\s)")
_CLOSERS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
UNIT = re.compile(rb"<(PubmedArticle|PubmedBookArticle|DeleteCitation)(?=[\s/>])")
_EMPTY = re.compile(rb"<\w+\s*/>")
_ARTICLE, _ARTICLE_END = b"<PubmedArticle>", b"</PubmedArticle>"
_BROKEN_GZIP: Any = (EOFError, igzip.BadGzipFile, isal_zlib.error)

Kind = Literal["run", "PubmedArticle", "PubmedBookArticle", "DeleteCitation", "other"]
_KINDS: dict[bytes, Kind] = {
    b"PubmedArticle": "PubmedArticle",
    b"PubmedBookArticle": "PubmedBookArticle",
    b"DeleteCitation": "DeleteCitation",
}


class Piece(NamedTuple):
    """One part of a set.

    kind: its element name, other, or run: several records one after another, well-formed and plain. data: its bytes as
    they came. plain: nothing in it can hide a tag or change the meaning of one. namespaces: attributes of the root,
    which it inherits.
    """

    kind: Kind
    data: bytes
    plain: bool
    namespaces: bytes


def unit_kind(data: bytes, at: int = 0) -> Kind:
    """Which kind of record starts at a position."""
    opening = UNIT.match(data, at)
    return _KINDS[opening[1]] if opening else "other"


def _hiding(data: bytes, start: int, end: int) -> int:
    """Where in these bytes a comment, CDATA section or instruction may start and hide a tag; `end` if nowhere."""
    # One byte is found ten times as fast as two, and `!` and `?` are rare.
    return _opening(data, b"?", start, _opening(data, b"!", start, end))


def _opening(data: bytes, mark: bytes, start: int, end: int) -> int:
    at = data.find(mark, start, end)
    while at > 0:
        if data[at - 1] == ord("<"):
            return at - 1
        at = data.find(mark, at + 1, end)
    return end


class Window:
    """The part of a stream that is being looked at; positions are counted from `at`."""

    def __init__(self, stream: BinaryIO, source: str, limit: int | None) -> None:
        self.stream, self.source, self.limit = stream, source, limit
        self.data, self.at, self.total = b"", 0, 0
        # Where a run that was refused ends, counted in the whole stream: up to there, records are taken one by one.
        self.careful = 0

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

    def take_run(self) -> Piece | None:
        """The articles that start here and end in this window, up to a size; None when they must be taken one by one.

        They end before the first comment, CDATA section or instruction.
        Each is well-formed when all are between the tags of one element: it has no other end tag of its name.
        """
        self._fill(_RUN)
        here = self.total - len(self.data) + self.at
        if here < self.careful or not self.data.startswith(_ARTICLE, self.at):
            return None
        end = self.data.rfind(_ARTICLE_END, self.at, _hiding(self.data, self.at, self.at + _RUN))
        if end < 0:
            return None
        end += len(_ARTICLE_END)
        data = self.data[self.at : end]
        if not is_well_formed(b"".join((b"<set>", data, b"</set>"))):  # one copy; sums would make two
            self.careful = here + len(data)
            return None
        self.at = end
        return Piece("run", data, True, b"")

    def take_unit(self, namespaces: bytes) -> Piece:
        """The record that starts here; what is no record runs to the next one."""
        self._fill(32)
        opening = UNIT.match(self.data, self.at)
        size, plain = self._unit_size(opening[1]) if opening else (self._other_size(), False)
        data = self.data[self.at : self.at + size]
        self.at += size
        return Piece(unit_kind(data), data, plain and not namespaces, namespaces)

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
        if not self.data.startswith(b">", self.at + end) or _hiding(self.data, self.at, self.at + end) < self.at + end:
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
