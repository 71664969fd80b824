"""One HTTP connection of the sandbox: reads requests, notes them, answers as NCBI's front end does."""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from msminer.sandbox import wire
from msminer.sandbox.faults import Rule
from msminer.sandbox.reply import HTML, Reply, Request

if TYPE_CHECKING:
    from msminer.sandbox.server import Sandbox

BASE_PATH = "/entrez/eutils/"
# Apache's default for a request line; a GET of about 2,000 ids (18 kB) was measured to get 414 from NCBI.
_LONGEST_LINE = 8_190
# NCBI announces Keep-Alive: timeout=4, max=40.
_IDLE_SECONDS = 4
_MOST_REQUESTS = 40
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
    """One request as it arrived: time.monotonic(), what was asked, on which connection, and the outcome."""

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


@dataclass
class _Exchange:
    """One request on its way to a reply."""

    request: Request
    body: str
    arrived: float
    headers: dict[str, str] = field(default_factory=dict)
    rule: Rule | None = None


class Listener(ThreadingHTTPServer):
    """Listens on loopback; threads end with the process."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client has gone; everything else is a fault of ours and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Connection(BaseHTTPRequestHandler):
    """Answers the requests of one connection; `sandbox` is set on a subclass."""

    sandbox: Sandbox
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS

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
            self._send(_Exchange(Request(self._call(), {}), "", arrived), Reply(page, HTML, 414))
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
        exchange = _Exchange(Request(self._call(), params, self.client_address[0]), body, arrived)
        self._send(exchange, self._refused(exchange) or self._answer(exchange))

    def _refused(self, exchange: _Exchange) -> Reply | None:
        if self.sandbox.limit is None:
            return None
        limit, left, refused = self.sandbox.limit.check(exchange.request)
        exchange.headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left)}
        return refused

    def _answer(self, exchange: _Exchange) -> Reply:
        sandbox, request = self.sandbox, exchange.request
        with sandbox.lock:
            rule = exchange.rule = sandbox.plan.take(request, sandbox)
            reply = sandbox.service.answer(request)
            return reply if rule is None else rule.fault.change(reply, request, rule.options, sandbox.service)

    def _send(self, exchange: _Exchange, reply: Reply) -> None:
        self._note(exchange, reply)
        reply = self._packed(reply)
        head = wire.head(reply, {**_USUAL, **exchange.headers, **self._persistence(reply)})
        rule = exchange.rule
        self.connection.settimeout(None)
        if rule is not None and rule.fault.toxic is not None:
            self.close_connection = True
            rule.fault.toxic(wire.Wire(self.connection, self.sandbox.closing), head, reply, rule.options)
            return
        self.wfile.write(head + wire.body(reply))
        self.connection.settimeout(_IDLE_SECONDS)

    def _packed(self, reply: Reply) -> Reply:
        asked = self.headers.get("Accept-Encoding") or ""
        if "gzip" not in asked or "Content-Encoding" in reply.headers or not reply.body:
            return reply
        headers = {**reply.headers, "Content-Encoding": "gzip"}
        return replace(reply, body=gzip.compress(reply.body, 5, mtime=0), headers=headers)

    def _persistence(self, reply: Reply) -> dict[str, str]:
        self._answered += 1
        if self.close_connection or reply.framing == "close" or self._answered >= _MOST_REQUESTS:
            self.close_connection = True
            return {"Connection": "close"}
        return {
            "Connection": "Keep-Alive",
            "Keep-Alive": f"timeout={_IDLE_SECONDS}, max={_MOST_REQUESTS - self._answered}",
        }

    def _note(self, exchange: _Exchange, reply: Reply) -> None:
        entry = Logged(
            time=exchange.arrived,
            method=self.command,
            path=self.path,
            call=exchange.request.call,
            params={name: ",".join(values) for name, values in exchange.request.params.items()},
            body=exchange.body,
            connection=self._number,
            status=reply.status,
            fault=None if exchange.rule is None else exchange.rule.fault.name,
            headers=dict(self.headers.items()),
        )
        self.sandbox.log.append(entry)
        if self.sandbox.on_request is not None:
            self.sandbox.on_request(entry)
