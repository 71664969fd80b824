"""Replies as bytes, and the ways to send them badly."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from msminer.sandbox.reply import Reply

_CHUNK = 16_384
LAST_CHUNK = b"0\r\n\r\n"


def head(reply: Reply, usual: Mapping[str, str]) -> bytes:
    """Status line and headers: NCBI's usual ones, then the reply's own."""
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = ""
    headers = {
        "Date": formatdate(usegmt=True),
        "Server": "Finatra",
        "Content-Type": reply.content_type,
        **usual,
        **reply.headers,
    }
    if reply.framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    elif reply.framing == "length":
        headers.setdefault("Content-Length", str(len(reply.body)))
    if reply.framing == "close":
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def body(reply: Reply) -> bytes:
    """The body in the reply's framing."""
    if reply.framing != "chunked":
        return reply.body
    parts = [reply.body[at : at + _CHUNK] for at in range(0, len(reply.body), _CHUNK)]
    return b"".join(map(chunk, parts)) + LAST_CHUNK


def chunk(part: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(part):x}\r\n".encode() + part + b"\r\n"


class Wire:
    """One connection on which a reply may go wrong; `closing` is set when the server stops."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self._socket, self._closing = connection, closing

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send one byte at a time."""
        for at in range(len(data)):
            self._socket.sendall(data[at : at + 1])
            if self._closing.wait(seconds):
                return

    def stall(self, seconds: float) -> None:
        """Send nothing for a time."""
        self._closing.wait(seconds)

    def reset(self) -> None:
        """Close with RST in place of FIN."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close in order."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the client was quicker
        finally:
            self._socket.close()
