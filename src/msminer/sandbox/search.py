"""Answers a term over an index: the places found, PubMed's way of translating it, and its warnings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from msminer.sandbox import dates, mesh
from msminer.sandbox.fields import ALL, BY_NAME, STOP_WORDS, SearchField
from msminer.sandbox.index import Index
from msminer.sandbox.language import Earlier, Node, Pair, Range, Term, parse
from msminer.sandbox.normal import flat

# PubMed asks for at least four characters before an asterisk.
_SHORTEST_START = 4


@dataclass
class Found:
    """What one search found: places in the index, the translation and what was said about it."""

    places: set[int]
    translation: str = ""
    translations: list[tuple[str, str]] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    quoted_not_found: list[str] = field(default_factory=list)


class HistoryGone(LookupError):
    """The term names an earlier search that is not there."""


def search(index: Index, term: str, today: date, history: Mapping[int, set[int]] | None = None) -> Found:
    """What a term finds; raises QueryError for brackets that do not match, HistoryGone for an unknown #n."""
    if re.fullmatch(r"\s*\d{1,9}(?:[\s,]+\d{1,9})*\s*", term):
        term = " OR ".join(f"{number}[UID]" for number in re.findall(r"\d+", term))
    if "&amp;" in term:  # an escaped ampersand finds nothing, and nothing says so
        return Found(set(), flat(term))
    tree = parse(term)
    run = _Run(index, today, history or {})
    if tree is None:
        return run.found
    places, translation = run.node(tree)
    run.found.places, run.found.translation = (
        places,
        translation.removeprefix("(").removesuffix(")") if (_wrapped(translation)) else translation,
    )
    return run.found


def _wrapped(text: str) -> bool:
    """Whether the first bracket closes at the very end."""
    depth = 0
    for at, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            return at == len(text) - 1 and at > 0
    return False


class _Run:
    """One search under way."""

    def __init__(self, index: Index, today: date, history: Mapping[int, set[int]]) -> None:
        self._index, self._today, self._history = index, today, history
        self.found = Found(set())

    def node(self, node: Node) -> tuple[set[int], str]:
        """Places and translation of a tree."""
        if isinstance(node, Pair):
            return self._pair(node)
        if isinstance(node, Earlier):
            if node.number not in self._history:
                raise HistoryGone(node.number)
            return self._history[node.number], f"#{node.number}"
        return self._range(node) if isinstance(node, Range) else self._term(node)

    def _pair(self, node: Pair) -> tuple[set[int], str]:
        # A chain of a thousand ORs leans to the left: walked in a loop, so that it needs no deep stack.
        chain: list[Pair] = [node]
        while isinstance(chain[-1].left, Pair) and not chain[-1].left.bracketed:
            chain.append(chain[-1].left)
        places, text = self.node(chain[-1].left)
        for pair in reversed(chain):
            right, right_text = self.node(pair.right)
            if pair.operator == "AND":
                places = places & right
            else:
                places = places | right if pair.operator == "OR" else places - right
            text = f"{text} {pair.operator} {right_text}" if text and right_text else text or right_text
        return places, f"({text})" if node.bracketed else text

    def _range(self, node: Range) -> tuple[set[int], str]:
        label = node.field.label
        if node.field.shape == "number":
            if not (node.low.isdigit() and node.high.isdigit()):
                return self._lost(f"{node.low}:{node.high}")
            low, high = int(node.low), int(node.high)
            return self._index.numbered(low, high), f"{low:08d}:{high:08d}[{label}]"
        first, second = dates.bounds(node.low), dates.bounds(node.high)
        if first is None or second is None:
            return self._lost(f"{node.low}:{node.high}")
        text = f"{dates.written(first[0])}:{dates.written(second[1])}[{label}]"
        return self._index.dated(node.field, first[0], second[1]), text

    def _term(self, node: Term) -> tuple[set[int], str]:
        field_ = node.field
        if field_ is None:
            return self._quoted(node.text, ALL) if node.quoted else self._mapped(node.text)
        if field_.shape == "number":
            return self._uid(node)
        if field_.shape == "date":
            return self._date(node, field_)
        if field_.shape == "value":
            return self._value(node, field_)
        if node.near is not None:
            return self._close(node, field_)
        return self._quoted(node.text, field_) if node.quoted else self._tagged_words(node.text, field_)

    def _close(self, node: Term, field_: SearchField) -> tuple[set[int], str]:
        parts, near = flat(node.text).split(), node.near or 0
        places = self._index.near(field_, parts, near)
        return (places, f'"{" ".join(parts)}"[{field_.label}:~{near}]') if places else self._lost(node.text)

    def _uid(self, node: Term) -> tuple[set[int], str]:
        if not node.text.strip().isdigit():
            return self._lost(node.text)
        number = int(node.text)
        return self._index.numbered(number, number), f"{number}[UID]"

    def _date(self, node: Term, field_: SearchField) -> tuple[set[int], str]:
        span = dates.last(node.text, self._today) or dates.bounds(node.text)
        if span is None:
            return self._lost(node.text)
        text = f"{dates.written(span[0])}:{dates.written(span[1])}[{field_.label}]"
        return self._index.dated(field_, *span), text

    def _value(self, node: Term, field_: SearchField) -> tuple[set[int], str]:
        raw = node.text.strip()
        truncated = raw.endswith("*")
        value = "/".join(flat(part) for part in raw.split("/")) if field_.name[:4] in {"MESH", "MAJR"} else flat(raw)
        places = self._index.value(field_, value, quoted=node.quoted, truncated=truncated)
        unknown = field_.name[:4] in {"MESH", "MAJR"} and not self._index.knows_heading(value) and not truncated
        if not places and (unknown or field_.name[:4] not in {"MESH", "MAJR"}):
            self.found.quoted_not_found.append(f'"{raw}"[{field_.label}]')
        text = f"{value}*[{field_.label}]" if truncated else f'"{value}"[{field_.label}]'
        if field_.name == "JOUR" and places:
            self.found.translations.append((f"{raw}[ta]", f'"{raw}"[Journal]'))
        return places, text

    def _quoted(self, raw: str, field_: SearchField) -> tuple[set[int], str]:
        """A phrase: found as it stands or not at all, and named when it is not."""
        phrase, truncated = flat(raw), raw.rstrip().endswith("*")
        if phrase in STOP_WORDS:
            return self._stopped(raw)
        if truncated and len(phrase.replace(" ", "")) < _SHORTEST_START:
            return self._lost(raw)
        places = self._index.text(field_, phrase, truncated)
        if not places:
            return self._lost(raw)
        return places, f'"{phrase}{"*" if truncated else ""}"[{field_.label}]'

    def _tagged_words(self, raw: str, field_: SearchField) -> tuple[set[int], str]:
        """Tagged words without quotes: a phrase if there is one, else each word."""
        phrase, truncated = flat(raw), raw.rstrip().endswith("*")
        parts = phrase.split()
        if len(parts) <= 1 or truncated or self._index.text(field_, phrase, truncated=False):
            return self._quoted(raw, field_)
        return self._each(parts, field_)

    def _each(self, parts: list[str], field_: SearchField) -> tuple[set[int], str]:
        kept = [part for part in parts if part not in STOP_WORDS]
        found = [self._quoted(part, field_) for part in kept]
        if not found:
            return self._stopped(" ".join(parts))
        texts = [text for _, text in found if text]
        return set.intersection(*(places for places, _ in found)), f"({' AND '.join(texts)})" if len(
            texts
        ) > 1 else "".join(texts)

    def _mapped(self, raw: str) -> tuple[set[int], str]:
        """Untagged words: mapped to headings where the longest run of words is one, else looked up in all fields."""
        if raw.rstrip().endswith("*"):
            return self._quoted(raw, ALL)
        parts = [part for part in flat(raw).split() if part not in STOP_WORDS] or flat(raw).split()
        pieces: list[tuple[set[int], str]] = []
        at = 0
        while at < len(parts):
            end = next((e for e in range(len(parts), at, -1) if mesh.known(" ".join(parts[at:e]))), at)
            pieces.append(self._heading(parts[at:end]) if end > at else self._quoted(parts[at], ALL))
            at = max(end, at + 1)
        if not pieces:
            return set(), ""
        return set.intersection(*(places for places, _ in pieces)), " AND ".join(text for _, text in pieces if text)

    def _heading(self, parts: list[str]) -> tuple[set[int], str]:
        phrase = " ".join(parts)
        heading = mesh.known(phrase) or phrase
        places = self._index.value(BY_NAME["MESH"], heading, quoted=True, truncated=False)
        each = set.intersection(*(self._index.text(ALL, part, truncated=False) for part in parts))
        text = " AND ".join(f'"{part}"[All Fields]' for part in parts)
        whole = f' OR "{phrase}"[All Fields]' if len(parts) > 1 else ""
        translation = f'"{heading}"[MeSH Terms] OR {f"({text})" if len(parts) > 1 else text}{whole}'
        self.found.translations.append((phrase, translation))
        return places | each, f"({translation})"

    def _lost(self, raw: str) -> tuple[set[int], str]:
        self.found.quoted_not_found.append(f'"{raw.strip()}"')
        return set(), raw.strip()

    def _stopped(self, raw: str) -> tuple[set[int], str]:
        self.found.not_found.append(raw.strip())
        return set(), ""
