"""The search language: a term as a tree. What is understood, and what is ignored in silence, is in docs/sandbox.md.

Operators are read from left to right, as PubMed reads them; neighbours without an operator are joined by AND.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from msminer.errors import QueryError
from msminer.sandbox.fields import SearchField, by_tag

# Proximity works in these alone (PubMed user guide); elsewhere the tag is ignored.
_NEAR_FIELDS = frozenset({"TITL", "TIAB", "AFFL"})
Operator = Literal["AND", "OR", "NOT"]
_TOKEN = re.compile(r"""\s*(?:(?P<paren>[()])|"(?P<quoted>[^"]*)"?|\[(?P<tag>[^\]]*)\]?|(?P<word>[^\s()\[\]"]+))""")


@dataclass(frozen=True)
class Term:
    """Words or a quoted phrase, with the field its tag names; None where it has none or one PubMed does not know.

    near: at most so many other words between the words, in any order; None for a phrase.
    """

    text: str
    quoted: bool
    field: SearchField | None
    near: int | None = None


@dataclass(frozen=True)
class Range:
    """All values of a date or number field from one to another, both included, as written."""

    low: str
    high: str
    field: SearchField


@dataclass(frozen=True)
class Earlier:
    """An earlier search of the same history, #1 and so on."""

    number: int


@dataclass(frozen=True)
class Pair:
    """Two searches joined by an operator; bracketed says whether parentheses stood around it."""

    operator: Operator
    left: Node
    right: Node
    bracketed: bool = False


Node = Term | Range | Earlier | Pair


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def parse(term: str) -> Node | None:
    """The tree of a term, None for one that asks for nothing; raises QueryError where PubMed's backend fails."""
    tokens = _tokens(term)
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "paren" else 0
        if depth < 0:
            break
    if depth != 0:
        raise QueryError("the brackets of the term do not match")
    return _Parser(tokens).expression()


def _tokens(term: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(term):
        kind = match.lastgroup or "word"
        text = match.group(kind)
        if kind == "word" and text in {"AND", "OR", "NOT"}:
            kind = "operator"
        found.append(_Token(kind, text))
    return found


class _Parser:
    """Recursive descent over the tokens of one term."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _peek(self, ahead: int = 0) -> _Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else _Token("end", "")

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def expression(self) -> Node | None:
        """Operands joined from left to right, up to a closing bracket; an operator that lacks a side is dropped."""
        left: Node | None = None
        operator: Operator = "AND"
        while self._peek().kind != "end" and self._peek() != _Token("paren", ")"):
            token = self._peek()
            if token.kind == "operator":
                operator = self._next().text  # type: ignore[assignment]
                continue
            right = self._operand()
            if right is not None:
                left = right if left is None else Pair(operator, left, right)
                operator = "AND"
        return left

    def _operand(self) -> Node | None:
        token = self._peek()
        if token == _Token("paren", "("):
            self._next()
            inside = self.expression()
            self._next()
            if self._peek().kind == "tag":  # a tag on brackets is ignored
                self._next()
            return (
                Pair(inside.operator, inside.left, inside.right, bracketed=True) if isinstance(inside, Pair) else inside
            )
        if token.kind == "tag":
            self._next()
            return None
        text, quoted = self._run()
        return self._tagged(text, quoted)

    def _run(self) -> tuple[str, bool]:
        """One quoted phrase, or the words up to the next sign."""
        token = self._next()
        if token.kind == "quoted":
            return token.text, True
        parts = [token.text]
        while self._peek().kind == "word" and not parts[-1].endswith(":") and self._peek().text != ":":
            parts.append(self._next().text)
        return " ".join(parts), False

    def _tagged(self, text: str, quoted: bool) -> Node | None:
        tag = self._next().text if self._peek().kind == "tag" else None
        if self._peek() == _Token("word", ":") and self._peek(1).kind in {"word", "quoted"}:
            self._next()
            high, _ = self._run()
            tag = self._next().text if self._peek().kind == "tag" else tag
            return _range(text, high, tag)
        if not quoted and re.fullmatch(r"#\d+", text):
            return Earlier(int(text[1:]))
        if not quoted and ":" in text and tag is not None:
            low, _, high = text.partition(":")
            return _range(low, high, tag)
        return _term(text, quoted, tag) if text.strip() else None


def _term(text: str, quoted: bool, tag: str | None) -> Term:
    name, _, distance = (tag or "").partition(":~")
    field = by_tag(name)
    if not distance:
        return Term(text, quoted, field)
    fits = field is not None and field.name in _NEAR_FIELDS and distance.isdigit()
    return Term(text, quoted, field, int(distance)) if fits else Term(text, quoted, None)


def _range(low: str, high: str, tag: str | None) -> Node:
    field = by_tag(tag) if tag is not None else None
    if field is None or field.shape not in {"date", "number"}:
        return Term(f"{low} {high}", quoted=False, field=field)
    return Range(low.strip(), high.strip(), field)
