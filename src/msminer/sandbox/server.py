"""The sandbox: the service on a loopback port, with a request log, a rate limit and a fault plan."""

from __future__ import annotations

import gzip
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from msminer.sandbox import wire
from msminer.sandbox.faults import Plan
from msminer.sandbox.limits import RateLimit
from msminer.sandbox.records import load
from msminer.sandbox.reply import HTML, Reply, Request
from msminer.sandbox.service import Service

BASE_PATH = "/entrez/eutils/"
# Apache's default for a request line; a GET of about 2,000 ids (18 kB) was measured to get 414 from NCBI.
_LONGEST_LINE = 8_190
_USUAL = {
    "Cache-Control": "private",
    "NCBI-PHID": "322C2F91E09EF72500003E241DE20143.1.1.m_1",
    "NCBI-SID": "475371A686D7380E_52B6SID",
    "Set-Cookie": "ncbi_sid=475371A686D7380E_52B6SID; domain=.nih.gov; path=/; expires=Sat, 12 Apr 2036 18:49:56 GMT",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-RateLimit-Limit,X-RateLimit-Remaining",
    "Content-Security-Policy": "upgrade-insecure-requests",
    "Referrer-Policy": "origin-when-cross-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-UA-Compatible": "IE=Edge",
    "X-XSS-Protection": "1; mode=block",
}


@dataclass(frozen=True)
class Logged:
    """One request as it arrived: seconds of the monotonic clock, what was asked, on which connection, and the outcome."""

    time: float
    method: str
    path: str
    call: str
    params: Mapping[str, str]
    body: str
    connection: int
    status: int
    fault: str | None
    headers: Mapping[str, str]


class Sandbox:
    """An E-utilities server on loopback over PubMed XML files.

    paths: PubMed XML files, plain or gzip. faults: entries of a fault plan (docs/sandbox.md). window: most records of one
    search that can be reached. rate: whether the rate limit holds. clock: seconds since 1970 for dates, history and rate;
    without one the system's. on_request: called with each log entry. Raises DataError for a file that cannot be read.
    """

    def __init__(
        self,
        paths: Iterable[Path | str],
        *,
        faults: Sequence[Mapping[str, Any]] = (),
        window: int = 9_999,
        rate: bool = True,
        clock: Callable[[], float] | None = None,
        port: int = 0,
        on_request: Callable[[Logged], None] | None = None,
    ) -> None:
        self._offset = 0.0
        self._wall = clock or time.time
        self.service = Service(load(paths), window, self.now)
        self.plan = Plan(faults)
        self.limit = RateLimit(clock or time.monotonic) if rate else None
        self.log: list[Logged] = []
        self.on_request = on_request
        self.closing = threading.Event()
        self.lock = threading.RLock()
        self.connections = itertools.count(1)
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._back: threading.Timer | None = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base address, for MSMINER_ENTREZ_URL."""
        return f"http://127.0.0.1:{self._port}{BASE_PATH}"

    def now(self) -> float:
        """The service's time, seconds since 1970."""
        return self._wall() + self._offset

    def set_clock(self, moment: datetime) -> None:
        """Make it another time; dates without a zone are UTC."""
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self._offset = aware.timestamp() - self._wall()

    def start(self) -> None:
        """Listen; after `stop` the same port is used again, so that a server can go away and come back."""
        self.closing.clear()
        handler = type("Handler", (_Handler,), {"sandbox": self})
        self._server = _Server(("127.0.0.1", self._port), handler)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def go_away(self, seconds: float) -> None:
        """Refuse connections for a time."""
        self.stop()
        back = threading.Timer(seconds, self.start)
        back.daemon = True
        back.start()
        self._back = back

    def stop(self) -> None:
        """Refuse connections from now on; replies under way are cut."""
        if self._back is not None:
            self._back.cancel()
        self.closing.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client has gone; everything else is a fault of ours and is shown."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    sandbox: Sandbox
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # As NCBI announces them: Keep-Alive: timeout=4, max=40.
    timeout = 4
    most_requests = 40

    def setup(self) -> None:
        """Number the connection."""
        super().setup()
        self._number = next(self.sandbox.connections)
        self._answered = 0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet: the sandbox has its own log."""

    def do_GET(self) -> None:
        """Answer a GET, with 414 for a long one."""
        arrived = time.monotonic()
        if len(self.path) > _LONGEST_LINE:
            page = b"<!DOCTYPE html><html><head><title>414 Request-URI Too Large</title></head><body/></html>"
            self._send(Request(self._call(), {}), Reply(page, HTML, 414), "", arrived)
        else:
            self._handle(urlsplit(self.path).query, "", arrived)

    def do_POST(self) -> None:
        """Answer a POST; parameters of the query string count too."""
        arrived = time.monotonic()
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode("utf-8", "replace")
        self._handle("&".join(part for part in (urlsplit(self.path).query, body) if part), body, arrived)

    def _call(self) -> str:
        name = urlsplit(self.path).path.removeprefix(BASE_PATH)
        return name.removesuffix(".fcgi").removesuffix(".cgi")

    def _handle(self, encoded: str, body: str, arrived: float) -> None:
        params = parse_qs(encoded, keep_blank_values=True, max_num_fields=100_000)
        request = Request(self._call(), params, self.client_address[0])
        usual: dict[str, str] = {}
        refused = None
        if self.sandbox.limit is not None:
            limit, left, refused = self.sandbox.limit.check(request)
            usual = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left)}
        if refused is not None:
            self._send(request, refused, body, arrived, usual)
            return
        with self.sandbox.lock:
            rule = self.sandbox.plan.take(request, self.sandbox)
            reply = self.sandbox.service.answer(request)
        if rule is not None:
            reply = rule.fault.change(reply, request, rule.options, self.sandbox.service)
        self._send(request, reply, body, arrived, usual, rule)

    def _send(
        self,
        request: Request,
        reply: Reply,
        body: str,
        arrived: float,
        usual: Mapping[str, str] = {},
        rule: Any = None,
    ) -> None:
        self._note(request, reply, body, arrived, rule)
        asked = self.headers.get("Accept-Encoding") or ""
        if "gzip" in asked and "Content-Encoding" not in reply.headers and reply.body:
            reply = replace(
                reply, body=gzip.compress(reply.body, 5, mtime=0), headers={**reply.headers, "Content-Encoding": "gzip"}
            )
        self._answered += 1
        if self.close_connection or reply.framing == "close" or self._answered >= self.most_requests:
            usual = {**usual, "Connection": "close"}
            self.close_connection = True
        else:
            left = self.most_requests - self._answered
            usual = {**usual, "Connection": "Keep-Alive", "Keep-Alive": f"timeout={self.timeout}, max={left}"}
        head = wire.head(reply, {**_USUAL, **usual})
        self.connection.settimeout(None)
        if rule is not None and rule.fault.toxic is not None:
            self.close_connection = True
            rule.fault.toxic(wire.Wire(self.connection, self.sandbox.closing), head, reply, rule.options)
            return
        self.wfile.write(head + wire.body(reply))
        self.connection.settimeout(self.timeout)

    def _note(self, request: Request, reply: Reply, body: str, arrived: float, rule: Any) -> None:
        entry = Logged(
            time=arrived,
            method=self.command,
            path=self.path,
            call=request.call,
            params={name: ",".join(values) for name, values in request.params.items()},
            body=body,
            connection=self._number,
            status=reply.status,
            fault=None if rule is None else rule.fault.name,
            headers=dict(self.headers.items()),
        )
        self.sandbox.log.append(entry)
        if self.sandbox.on_request is not None:
            self.sandbox.on_request(entry)
