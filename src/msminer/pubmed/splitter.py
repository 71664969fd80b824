"""A stream of bytes becomes the pieces of a PubMed set, one record each, without building any of them.

The scan trusts nothing it has not seen: a comment or CDATA section that holds a tag is stepped over, and whatever
stands between records and is neither blank nor a comment comes out as a piece of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from isal import igzip

from msminer.errors import DamagedXml, NotPubMed, ParseError, UnsafeXml
from msminer.pubmed.strict import is_well_formed
from msminer.pubmed.window import Piece, Window

# Prologs seen have up to 250 bytes (2026-11).
_MAX_PROLOG = 1 << 16
_ROOTS = (b"PubmedArticleSet", b"PubmedBookArticleSet")
_GZIP = b"\x1f\x8b"

_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s+|<!--.*?-->|<\?(?P<decl>.*?)\?>"
    rb"|<!DOCTYPE(?P<doctype>(?:[^>\"'\[]|\"[^\"]*\"|'[^']*')*)>)*+",
    re.S,
)
_SUBSET = re.compile(rb"<!DOCTYPE(?:[^>\"'\[]|\"[^\"]*\"|'[^']*')*\[")
_CUT_PROLOG = re.compile(rb"<\?xml|<!DOCTYPE\s+Pubmed|<!--|<!?\Z|<!(?:D|DO|DOC|DOCT|DOCTY|DOCTYP|DOCTYPE)\s*\Z")
_NAME = re.compile(rb"<([A-Za-z_:][\w.:-]*)")
_ROOT_TAG = re.compile(
    rb"<(?P<name>\w+)(?P<attributes>(?:\s+[\w.:-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*(?P<empty>/?)>"
)
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([\w.-]+)[\"']")
_UTF8 = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})


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


def split_records(stream: BinaryIO, *, source: str, limit: int | None = None, runs: bool = False) -> Iterator[Piece]:
    """The pieces of a PubmedArticleSet or PubmedBookArticleSet, in order; memory stays at one record and one block.

    limit: most unpacked bytes; none by default. runs: give usual articles many at a time, found well-formed.
    Raises NotPubMed for another format, UnsafeXml for a DOCTYPE with an internal subset, a record without end or a
    stream above the limit, and DamagedXml when the set is cut: it is whole only when its end tag has come and nothing
    but blanks follows.
    """
    window = Window(stream, source, limit)
    root = _enter(window)
    end = re.compile(rb"</" + root.name + rb"\s*>")
    together = runs and root.name == _ROOTS[0] and not root.attributes
    while not root.empty:
        if not window.skip_remarks():
            raise DamagedXml("the set is cut: its end tag is missing", source=source)
        if window.data.startswith(b"</", window.at) and (found := end.match(window.data, window.at)):
            window.at = found.end()
            break
        run = window.take_run() if together else None
        yield run or window.take_unit(root.attributes)
    if window.skip_remarks():
        raise DamagedXml("something follows the end of the set; was it put together from several files?", source=source)


def _enter(window: Window) -> _Root:
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


def _refusal(window: Window, rest: bytes, name: bytes) -> ParseError:
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
