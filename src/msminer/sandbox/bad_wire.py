"""Faults below HTTP: cuts, resets, stalls, drips and bodies without end."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from itertools import chain, repeat
from typing import Any

from msminer.sandbox import wire
from msminer.sandbox.reply import Reply
from msminer.sandbox.wire import Wire

Toxic = Callable[[Wire, bytes, Reply, Mapping[str, Any]], None]
_RECORD_END = b"</PubmedArticle>"
_PIECE = b"A" * 65_536
_HUGE_START = b'<?xml version="1.0" ?>\n<PubmedArticleSet><!--'
_HUGE_END = b"--></PubmedArticleSet>"


def _kept(framed: bytes, at: Any) -> bytes:
    """The part of a framed body before the cut."""
    if at == "border":
        end = framed.find(_RECORD_END)
        return framed if end < 0 else framed[: end + len(_RECORD_END)]
    return framed[: len(framed) // 2 if at is None else int(at)]


def cut(line: Wire, head: bytes, reply: Reply, options: Mapping[str, Any]) -> None:
    """Send a part and close."""
    line.send(head + _kept(wire.body(reply), options.get("at")))
    line.close()


def reset(line: Wire, head: bytes, reply: Reply, options: Mapping[str, Any]) -> None:
    """Send nothing or a part, then RST."""
    if options.get("at") is not None:
        line.send(head + _kept(wire.body(reply), options["at"]))
    line.reset()


def close_before_status(line: Wire, _head: bytes, _reply: Reply, options: Mapping[str, Any]) -> None:
    """Close without a status line, or after something that is none."""
    if options.get("form") == "garbage":
        line.send(b"\x16\x03\x01 not a status line\r\n\r\n")
    line.close()


def stall(line: Wire, head: bytes, reply: Reply, options: Mapping[str, Any]) -> None:
    """Send headers and a part, then wait."""
    line.send(head + _kept(wire.body(reply), options.get("at", 0)))
    line.stall(float(options.get("seconds", 3600)))
    line.close()


def drip(line: Wire, head: bytes, reply: Reply, options: Mapping[str, Any]) -> None:
    """Send the body byte by byte."""
    line.send(head)
    line.drip(wire.body(reply), float(options.get("seconds", 0.9)))
    line.close()


def slow_close(line: Wire, head: bytes, reply: Reply, options: Mapping[str, Any]) -> None:
    """Send everything and keep the connection open."""
    line.send(head + wire.body(reply))
    line.stall(float(options.get("seconds", 5)))
    line.close()


def huge_body(line: Wire, head: bytes, _reply: Reply, options: Mapping[str, Any]) -> None:
    """Send one text of many megabytes, as it is or packed."""
    line.send(head)
    pieces = int(float(options.get("megabytes", 300)) * 1e6) // len(_PIECE)
    packer = zlib.compressobj(wbits=31) if options.get("form") == "gzip" else None
    whole = chain((_HUGE_START,), repeat(_PIECE, pieces), (_HUGE_END,))
    for piece in whole:
        sent = piece if packer is None else packer.compress(piece)
        if sent:
            line.send(wire.chunk(sent))
    if packer is not None:
        line.send(wire.chunk(packer.flush()))
    line.send(wire.LAST_CHUNK)
    line.close()
