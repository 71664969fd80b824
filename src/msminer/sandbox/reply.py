"""One answer before it goes on the wire, and the request it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from xml.sax.saxutils import escape

XML = "text/xml; charset=UTF-8"
JSON = "application/json; charset=UTF-8"
TEXT = "text/plain; charset=UTF-8"
HTML = "text/html; charset=UTF-8"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" ?>\n'

Framing = Literal["chunked", "length", "close"]


@dataclass(frozen=True)
class Request:
    """What a client asked: the program called, its parameters (all values of each) and who it was."""

    call: str
    params: Mapping[str, list[str]]
    peer: str = "127.0.0.1"

    def get(self, name: str, default: str = "") -> str:
        """The last value of a parameter; empty ones count as not given."""
        values = [value for value in self.params.get(name, []) if value.strip()]
        return values[-1] if values else default

    def number(self, name: str, default: int) -> int:
        """A parameter as a number from 0; anything else counts as not given."""
        text = self.get(name).strip()
        return int(text) if text.isdigit() else default

    @property
    def as_json(self) -> bool:
        """Whether JSON was asked for."""
        return self.get("retmode").lower() == "json"

    def ids(self) -> list[str]:
        """All identifiers as written, from repeated parameters and comma lists."""
        joined = ",".join(self.params.get("id", []))
        return [part.strip() for part in joined.split(",") if part.strip()]


@dataclass(frozen=True)
class Reply:
    """Status, content type, body and how the body is framed; extra headers come after the usual ones."""

    body: bytes
    content_type: str = XML
    status: int = 200
    framing: Framing = "chunked"
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_body(self, body: bytes) -> Reply:
        """The same reply with another body."""
        return replace(self, body=body)


def xml(text: str, status: int = 200) -> Reply:
    """An XML reply."""
    return Reply(text.encode(), XML, status)


def as_json(kind: str, rest: Mapping[str, Any], status: int = 200) -> Reply:
    """A JSON reply under the header every program sends."""
    text = json.dumps({"header": {"type": kind, "version": "0.3"}, **rest}, ensure_ascii=False, separators=(",", ":"))
    return Reply(text.encode(), JSON, status)


def raw_newlines(reply: Reply) -> Reply:
    r"""The reply with its \n written as bare newlines: the invalid JSON that esearch's backend errors are."""
    return reply.with_body(reply.body.replace(b"\\n", b"\n"))


def tag(name: str, text: object) -> str:
    """One XML element with escaped text."""
    return f"<{name}>{escape(str(text))}</{name}>"
