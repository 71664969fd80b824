"""The client of NCBI's E-utilities: the only place that opens a connection and the only one that sees the API key.

Everything is sent by POST, the key in the body alone, so that no address, log or error can hold it. One request means
up to six tries inside one deadline; turns at the rate gate and waits that the server asked for do not count against it.
Redirects are never followed (a 307 would carry the body, key and all, to another host).
"""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from msminer.errors import MalformedReply, PubMedError, RateLimited, SettingsError, TransportError, UsageError
from msminer.pubmed import replies
from msminer.pubmed.gate import Gate
from msminer.pubmed.replies import DatabaseInfo, Refusal, SearchReply
from msminer.settings import Settings

T = TypeVar("T")

TOOL = "msminer"
# Requests a second that NCBI grants an address without and with a key (NBK25497).
RATE, RATE_WITH_KEY = 3, 10
# Lists of up to 200 PMIDs (NBK25499 asks for POST above that; a page stays small enough to ask again).
PAGE = 200
# Largest unpacked answer taken: 200 records of the biggest size seen (188 kB) are 38 MB.
LARGEST_BODY = 256 * 2**20
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Timing:
    """Limits in seconds, the number of tries, and the clock, sleep and chance they use; tests pass short ones."""

    connect: float = 20.0
    read: float = 30.0
    deadline: float = 120.0
    tries: int = 6
    shortest: float = 1.0
    longest: float = 30.0
    largest: int = LARGEST_BODY
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def pause(self, failed: int, *, slowly: bool) -> float:
        """Seconds before the next try after so many failed ones: full jitter from the shortest to a doubling limit."""
        top = self.longest if slowly else min(self.longest, self.shortest * 2.0**failed)
        return self.uniform(min(top, self.shortest * 8.0) if slowly else self.shortest, top)


@dataclass
class _Count:
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Entrez:
    """E-utilities behind one gate; safe to share between threads. Open it with `open_client`."""

    def __init__(self, settings: Settings, gate: Gate, http: httpx.Client, timing: Timing) -> None:
        self.settings, self.gate, self._http, self.timing = settings, gate, http, timing
        self._count = _Count()

    @property
    def requests(self) -> int:
        """Requests sent so far, failed ones included."""
        return self._count.requests

    def search(self, term: str, *, most: int | None = None) -> SearchReply:
        """The PMIDs of a term, at most `most` (default: the search window); raises PubMedError, never an empty answer for a failure."""
        asked = self.settings.search_window if most is None else most
        body = {"db": "pubmed", "term": term, "retmax": str(asked), "retmode": "xml"}
        return self._ask("esearch.fcgi", body, lambda data: replies.read_search(data, asked=asked))

    def fetch(self, pmids: Sequence[str]) -> bytes:
        """The page of records of up to 200 PMIDs as received (unpacked); missing ones are left out by PubMed without a word."""
        bad = [pmid for pmid in pmids if not replies.PMID.fullmatch(pmid)]
        if bad or not 1 <= len(pmids) <= PAGE:
            raise UsageError("a page is asked by 1 to 200 PMIDs of up to nine digits", asked=len(pmids), bad=bad[:3])
        body = {"db": "pubmed", "id": ",".join(pmids), "retmode": "xml"}
        return self._ask("efetch.fcgi", body, replies.whole_records)

    def einfo(self) -> DatabaseInfo:
        """Build and size of PubMed."""
        return self._ask("einfo.fcgi", {"db": "pubmed", "retmode": "xml"}, replies.read_info)

    def cite(self, lines: Mapping[str, str]) -> dict[str, str | None]:
        """PMID or None for each key; lines hold journal|year|volume|page|author without blanks at the borders."""
        data = "\r".join(f"{line}|{key}|" for key, line in lines.items())
        body = {"db": "pubmed", "retmode": "xml", "bdata": data}
        return self._ask("ecitmatch.cgi", body, lambda reply: replies.read_citations(reply, list(lines)), plain=True)

    def _ask(self, endpoint: str, body: Mapping[str, str], decode: Callable[[bytes], T], *, plain: bool = False) -> T:
        form, spent, limited = self._form(body), 0.0, 0
        for attempt in itertools.count(1):
            result, seconds = self._turn(endpoint, form, decode, limited, self.timing.deadline - spent, plain=plain)
            if not isinstance(result, Refusal):
                return result
            spent += seconds
            if not result.again or attempt >= self.timing.tries or spent >= self.timing.deadline:
                raise _final(result, endpoint, attempt)
            limited += isinstance(result.error, RateLimited)
            spent += self._rest(result, attempt, spent)
        raise AssertionError("unreachable")  # pragma: no cover

    def _turn(
        self,
        endpoint: str,
        form: dict[str, str],
        decode: Callable[[bytes], T],
        limited: int,
        seconds: float,
        *,
        plain: bool,
    ) -> tuple[T | Refusal, float]:
        """One try behind the gate; closes the gate before leaving it when the server asks to wait."""
        with self.gate.request():
            started = self.timing.clock()
            result = self._try(endpoint, form, decode, seconds, plain=plain)
            if isinstance(result, Refusal):
                self._close(result, limited)
            else:
                self.gate.praise()
            return result, self.timing.clock() - started

    def _close(self, result: Refusal, limited: int) -> None:
        """Shut the gate for everyone: as long as the server says, or 1, 2, 4, 8 s when it only says that it is too much."""
        if result.wait is not None:
            self.gate.close_for(result.wait)
        elif isinstance(result.error, RateLimited):
            self.gate.close_for(self.timing.shortest * 2.0 ** min(limited, 3))

    def _rest(self, result: Refusal, attempt: int, spent: float) -> float:
        """Sleep before the next try; the gate already keeps those waits that the server asked for."""
        if result.wait is not None or isinstance(result.error, RateLimited):
            return 0.0
        pause = min(self.timing.pause(attempt, slowly=result.slowly), max(0.0, self.timing.deadline - spent))
        self.timing.sleep(pause)
        return pause

    def _try(
        self, endpoint: str, form: dict[str, str], decode: Callable[[bytes], T], seconds: float, *, plain: bool
    ) -> T | Refusal:
        try:
            status, headers, body = self._exchange(endpoint, form, seconds)
            refused = replies.refusal(status, headers, self._redact(body), plain=plain)
            return refused if refused is not None else decode(body)
        except TransportError as error:
            return Refusal(error, again=True)
        except MalformedReply as error:
            return Refusal(error, again=True)

    def _exchange(self, endpoint: str, form: dict[str, str], seconds: float) -> tuple[int, dict[str, str], bytes]:
        """One request in a thread of its own: a name look-up, slow headers or a drip keep to no timeout of httpx."""
        future: Future[tuple[int, dict[str, str], bytes]] = Future()
        with self._count.lock:
            self._count.requests += 1
        threading.Thread(target=self._run, args=(future, endpoint, form), daemon=True, name="entrez").start()
        try:
            return future.result(max(0.0, seconds))
        except FutureTimeoutError:
            raise TransportError("the answer took longer than its deadline", seconds=self.timing.deadline) from None
        except httpx.HTTPError as error:
            raise TransportError(
                _words(error), kind=type(error).__name__, host=urlsplit(self.settings.entrez_url).hostname
            ) from None

    def _run(self, future: Future[tuple[int, dict[str, str], bytes]], endpoint: str, form: dict[str, str]) -> None:
        try:
            answer = self._send(endpoint, form)
        except BaseException as error:  # noqa: BLE001  (handed to the waiting thread, which raises it)
            future.set_exception(error)
        else:
            future.set_result(answer)

    def _send(self, endpoint: str, form: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        over = self.timing.clock() + self.timing.deadline
        with self._http.stream("POST", endpoint, data=form) as response:
            parts: list[bytes] = []
            size = 0
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > self.timing.largest:
                    raise TransportError("the answer is larger than any page of records", limit=self.timing.largest)
                if self.timing.clock() > over:
                    raise TransportError("the answer took longer than its deadline", seconds=self.timing.deadline)
            return response.status_code, {k.lower(): v for k, v in response.headers.items()}, b"".join(parts)

    def _form(self, body: Mapping[str, str]) -> dict[str, str]:
        """The body with tool, contact and key; the only place where the key is unwrapped."""
        form = {**body, "tool": TOOL}
        if self.settings.email:
            form["email"] = self.settings.email
        if self.settings.api_key:
            form["api_key"] = self.settings.api_key.get_secret_value()
        return form

    def _redact(self, body: bytes) -> bytes:
        """The body without the key, which some refusals repeat."""
        if self.settings.api_key is None:
            return body
        return body.replace(self.settings.api_key.get_secret_value().encode(), b"[key]")


def _words(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "PubMed is unreachable; check the network and MSMINER_ENTREZ_URL"
    if isinstance(error, httpx.TimeoutException):
        return "the answer stalled"
    return "no whole answer arrived"


def _final(result: Refusal, endpoint: str, attempts: int) -> PubMedError:
    error = result.error
    error.context.update(asked=endpoint.split(".", maxsplit=1)[0], tries=attempts)
    return error


@contextmanager
def open_client(
    settings: Settings, *, tries: int | None = None, timing: Timing | None = None, gate: Gate | None = None
) -> Iterator[Entrez]:
    """A client behind the machine's rate gate; raises SettingsError when NCBI is asked without an e-mail address.

    tries: how often one request is tried (default 6). timing, gate: other limits, for tests.
    """
    if settings.is_ncbi and not settings.email:
        raise SettingsError("NCBI asks for a contact address: set MSMINER_EMAIL to yours")
    chosen = timing or Timing()
    chosen = chosen if tries is None else replace(chosen, tries=tries)
    rate = RATE_WITH_KEY if settings.api_key else RATE
    with _silent_logs(settings), _http(settings, chosen) as http:
        yield Entrez(settings, gate or Gate(settings.home, rate, sleep=chosen.sleep), http, chosen)


# At level DEBUG these print the headers of answers; the address of NCBI's misuse page repeats the key.
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks")


@contextmanager
def _silent_logs(settings: Settings) -> Iterator[None]:
    """Keep the key out of the HTTP library's log lines while the client is open."""
    if settings.api_key is None:
        yield
        return
    secret = settings.api_key.get_secret_value()

    def redact(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if secret in text:
            record.msg, record.args = text.replace(secret, "[key]"), None
        return True

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(redact)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(redact)


def _http(settings: Settings, timing: Timing) -> httpx.Client:
    return httpx.Client(
        base_url=settings.entrez_url,
        timeout=httpx.Timeout(timing.read, connect=timing.connect, pool=timing.connect),
        follow_redirects=False,
        # Loading the certificates takes a fifth of a second, of no use to a plain address (loopback only).
        verify=settings.entrez_url.startswith("https"),
        # A proxy from the environment is meant for the world, not for this machine.
        trust_env=urlsplit(settings.entrez_url).hostname not in _LOOPBACK,
        # NCBI closes idle connections after 4 s (Keep-Alive: timeout=4).
        limits=httpx.Limits(max_connections=10, keepalive_expiry=3.0),
        headers={"User-Agent": TOOL, "Accept-Encoding": "gzip"},
    )
