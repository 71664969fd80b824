"""Where the baseline and update files come from: an https folder, or any folder that fsspec can read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urljoin, urlsplit

import fsspec.core
import httpx

from msminer.errors import MalformedReply, SettingsError, TransportError

# The names of NLM's files: pubmed26n0001.xml.gz is file 1 of the baseline made for 2026; updates count on from it.
_NAME = re.compile(r"^(?P<series>[a-z]+\d\d)n(?P<number>\d{4,5})\.xml(?:\.gz)?$")
_HREF = re.compile(r"""href\s*=\s*["']([^"'?#]+)["']""", re.IGNORECASE)
# NLM writes "MD5(pubmed26n0001.xml.gz)= <32 hex>", md5sum writes "<32 hex>  name".
_MD5 = re.compile(r"\b([0-9a-fA-F]{32})\b")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_CHUNK = 1 << 18
# A listing of 1,700 files and their checksums is about 500 kB; anything far above it is no listing.
_MOST_TEXT = 32 << 20


@dataclass(frozen=True, order=True)
class FileName:
    """A baseline or update file; ordered as NLM wants them loaded: series (year), then number."""

    series: str
    number: int
    name: str


def read_name(name: str) -> FileName | None:
    """The series and number in a file's name, or None when it is no such file."""
    found = _NAME.match(name)
    return FileName(found["series"], int(found["number"]), name) if found else None


class Source(Protocol):
    """A folder of PubMed files: what it holds, one file from an offset on, and the checksum promised for it."""

    def names(self) -> list[FileName]:
        """All files in loading order; raises TransportError or MalformedReply, never answers with less."""

    def read(self, name: str, offset: int) -> Iterator[tuple[int, bytes]]:
        """Chunks with the offset each stands at; the first may be 0 although more was asked for."""

    def md5(self, name: str) -> str:
        """The MD5 promised for a file, 32 lower-case hex digits."""


def _md5_in(text: str, name: str) -> str:
    found = _MD5.findall(text)
    if len(found) != 1:
        raise MalformedReply("the checksum file does not hold one MD5", file=f"{name}.md5", found=len(found))
    return str(found[0]).lower()


def _ordered(names: set[str], where: str) -> list[FileName]:
    files = sorted(file for file in map(read_name, names) if file)
    if not files:
        raise MalformedReply("the folder lists no PubMed file; this is no sign that there is none", folder=where)
    return files


class HttpSource:
    """A folder behind http(s), such as https://ftp.ncbi.nlm.nih.gov/pubmed/baseline/, read by its index page.

    Redirects are refused. Raises SettingsError for plain http to another machine, TransportError when no whole answer
    came.
    """

    def __init__(self, address: str, *, read_timeout: float = 30.0) -> None:
        self.address = address.rstrip("/") + "/"
        self.read_timeout = read_timeout
        url = urlsplit(self.address)
        if url.scheme == "http" and url.hostname not in _LOOPBACK:
            raise SettingsError("plain http is allowed to loopback only; use https", address=self.address)

    def names(self) -> list[FileName]:
        """Files that the index page links to."""
        links = {unquote(urljoin(self.address, href)) for href in _HREF.findall(self._text(self.address))}
        inside = {link.removeprefix(self.address) for link in links if link.startswith(self.address)}
        return _ordered(inside, self.address)

    def md5(self, name: str) -> str:
        """The MD5 in the file NAME.md5 beside it."""
        return _md5_in(self._text(self.address + name + ".md5"), name)

    def read(self, name: str, offset: int) -> Iterator[tuple[int, bytes]]:
        """Chunks from the offset on, by a Range request; from 0 where the server ignores it."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        with self._client() as client, _told(name), client.stream("GET", self.address + name, headers=headers) as reply:
            at = _start(reply, name, offset)
            # Chunks as they come: gathering them would lose what a cut connection had already brought.
            for chunk in reply.iter_raw():
                yield at, chunk
                at += len(chunk)

    def _client(self) -> httpx.Client:
        return httpx.Client(timeout=httpx.Timeout(self.read_timeout, connect=20.0), follow_redirects=False)

    def _text(self, url: str) -> str:
        with self._client() as client, _told(url), client.stream("GET", url) as reply:
            _start(reply, url, 0)
            body = bytearray()
            for chunk in reply.iter_bytes(_CHUNK):
                body += chunk
                if len(body) > _MOST_TEXT:
                    raise TransportError("the listing is far too large", url=url, bytes=len(body))
            return body.decode("utf-8", "replace")


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise TransportError("no whole answer from the file server", asked=what, why=repr(error)) from None


def _start(reply: httpx.Response, what: str, offset: int) -> int:
    if offset and reply.status_code == httpx.codes.PARTIAL_CONTENT:
        span = re.match(r"bytes (\d+)-", reply.headers.get("Content-Range", ""))
        if span is None or int(span[1]) != offset:
            raise TransportError("the server sent another range than asked for", asked=what, offset=offset)
        return offset
    if reply.status_code == httpx.codes.OK:
        return 0
    raise TransportError("the file server refused", asked=what, status=reply.status_code, offset=offset)


class FolderSource:
    """A folder that fsspec can read: a path of this machine, s3://, memory:// and others.

    Raises TransportError for what the file system says; a checksum beside each file is needed here too.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def names(self) -> list[FileName]:
        """Files of the folder."""
        fs, root = self._at()
        listed = _tried(lambda: fs.ls(root, detail=False), self.address)
        return _ordered({str(path).rsplit("/", 1)[-1] for path in listed}, self.address)

    def md5(self, name: str) -> str:
        """The MD5 in the file NAME.md5 beside it."""
        fs, root = self._at()
        return _md5_in(_tried(lambda: fs.cat_file(f"{root}/{name}.md5"), name).decode("utf-8", "replace"), name)

    def read(self, name: str, offset: int) -> Iterator[tuple[int, bytes]]:
        """Chunks from the offset on."""
        fs, root = self._at()
        with _tried(lambda: fs.open(f"{root}/{name}", "rb"), name) as stream:
            stream.seek(offset)
            while chunk := _tried(lambda: stream.read(_CHUNK), name):
                yield offset, chunk
                offset += len(chunk)

    def _at(self) -> tuple[Any, str]:
        fs, root = fsspec.core.url_to_fs(self.address)
        return fs, str(root).rstrip("/")


def _tried(act: Callable[[], Any], what: str) -> Any:
    try:
        return act()
    except OSError as error:
        raise TransportError("the folder cannot be read", asked=what, why=str(error)) from None


def open_source(address: str | Path, *, read_timeout: float = 30.0) -> Source:
    """The source for an address: http(s) by its index page, everything else through fsspec."""
    text = str(address)
    if text.startswith(("http://", "https://")):
        return HttpSource(text, read_timeout=read_timeout)
    return FolderSource(text)
