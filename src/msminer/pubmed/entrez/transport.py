"""One request on the wire: POST, no redirects, a deadline that holds whatever the other side does, a cap on size."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from msminer.errors import TransportError
from msminer.pubmed.entrez.timing import Timing
from msminer.settings import Settings

# Status, headers with lower-case names, unpacked body.
Answer = tuple[int, dict[str, str], bytes]
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Wire:
    """The connections to one server; safe to share between threads."""

    def __init__(self, http: httpx.Client, timing: Timing) -> None:
        self.http, self.timing = http, timing

    def exchange(self, endpoint: str, form: Mapping[str, str], seconds: float) -> Answer:
        """Send a form, return the whole answer within so many seconds; raises TransportError.

        It runs in a thread of its own: a name look-up, slow headers or a drip keep to no timeout of httpx.
        """
        future: Future[Answer] = Future()
        threading.Thread(target=self._run, args=(future, endpoint, form), daemon=True, name="entrez").start()
        try:
            return future.result(max(0.0, seconds))
        except FutureTimeoutError:
            raise self._late() from None
        except httpx.HTTPError as error:
            host = self.http.base_url.host
            raise TransportError(_words(error), kind=type(error).__name__, host=host) from None

    def _run(self, future: Future[Answer], endpoint: str, form: Mapping[str, str]) -> None:
        try:
            answer = self._send(endpoint, form)
        except BaseException as error:  # noqa: BLE001  (handed to the waiting thread, which raises it)
            future.set_exception(error)
        else:
            future.set_result(answer)

    def _send(self, endpoint: str, form: Mapping[str, str]) -> Answer:
        end = self.timing.clock() + self.timing.deadline
        with self.http.stream("POST", endpoint, data=dict(form)) as response:
            body = b"".join(self._parts(response, end))
            return response.status_code, {name.lower(): value for name, value in response.headers.items()}, body

    def _parts(self, response: httpx.Response, end: float) -> Iterator[bytes]:
        """The unpacked body; ends with TransportError when it grows too big or takes too long."""
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self.timing.largest:
                raise TransportError("the answer is larger than any page of records", limit=self.timing.largest)
            if self.timing.clock() > end:
                raise self._late()
            yield part

    def _late(self) -> TransportError:
        return TransportError("the answer took longer than its deadline", seconds=self.timing.deadline)


def _words(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "PubMed is unreachable; check the network and MSMINER_ENTREZ_URL"
    if isinstance(error, httpx.TimeoutException):
        return "the answer stalled"
    return "no whole answer arrived"


# At level DEBUG these print the headers of answers; the address of NCBI's misuse page repeats the key.
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks")


@contextmanager
def silent_logs(settings: Settings) -> Iterator[None]:
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


def open_http(settings: Settings, timing: Timing, tool: str) -> httpx.Client:
    """The HTTP client for the settings' address."""
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
        headers={"User-Agent": tool, "Accept-Encoding": "gzip"},
    )
