"""Abstracts into sentences and tokens, fast: one regular expression each."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A sentence ends at . ? or ! followed by blank and something that can begin one. Readers of the gold labels saw
# sentences cut this way, so "tissues.We" stays whole.
ENDS, CLOSES, OPENS = ".?!", ")]\"'”’»", "(["
_BEGINS = r"[A-Z0-9(\[\"'“‘«<>≥≤±~α-ωΑ-ΩÀ-Þ*†‡•–-]"
_END = re.compile(rf"[{ENDS}][{re.escape(CLOSES)}]*\s+(?={_BEGINS})")
# Words before a full stop that do not end a sentence. Source: the corpus' commonest false ends, read 2026-11.
ABBREVIATED = frozenset(
    re.findall(
        r"\S+",
        """vs e.g i.e etc fig figs approx ca cf dr prof st no nos resp eq ref refs sp spp ssp subsp var inc ltd co
        corp dept univ i.v i.p s.c i.m p.o min max mr mrs ph.d u.s u.k viz ed eds vol pp suppl""",
    )
)
# These end a sentence as often as not: they go on only before something that is no word.
ALSO_WORDS = frozenset({"no", "min", "max", "etc", "co", "ed"})
_LAST_WORD = re.compile(rf"([^\s{re.escape(OPENS)}]+)$")
# Characters before a full stop that are looked at: the longest abbreviation has seven.
LONGEST_BEFORE = 12
SIGNS, IN_NUMBER = "%<>=≥≤±+", ".,·"
_TOKEN = re.compile(rf"\d+(?:[{IN_NUMBER}]\d+)+|[^\W_]+|[{SIGNS}]")
_SHORT_FORM = re.compile(r"\(([A-Za-z][A-Za-z0-9/-]{1,11}?)s?[;,)]")
_LONGEST_LONG_FORM = 120


def full_text(title: str, abstract: str) -> str:
    """Title, newline, abstract: the text that all offsets count in."""
    return f"{title}\n{abstract}"


def begins() -> str:
    """The characters that can begin a sentence."""
    return "".join(re.findall(_BEGINS, "".join(map(chr, range(0x3000)))))


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Offsets (start, end) of the sentences of title + newline + abstract; the title is the first, even when empty.

    Full stops inside numbers, after "vs.", "e.g.", initials and genus names ("S. aureus") do not end a sentence.
    """
    head, newline, _ = text.partition("\n")
    spans = [(0, len(head))]
    start = len(head) + len(newline)
    for match in _END.finditer(text, start):
        stop = match.start()
        if text[stop] == "." and _goes_on(text, start, stop, match.end()):
            continue
        end = len(text[start : match.end()].rstrip()) + start
        spans.append((start, end))
        start = match.end()
    end = start + len(text[start:].rstrip())
    if end > start:
        spans.append((start, end))
    return spans


def _goes_on(text: str, start: int, stop: int, following: int) -> bool:
    """Whether the full stop at `stop` belongs to an abbreviation, an initial or a genus name."""
    match = _LAST_WORD.search(text, max(start, stop - LONGEST_BEFORE), stop)
    if match is None:
        return False
    word = match.group(1)
    if word.lower() in ABBREVIATED:
        return word.lower() not in ALSO_WORDS or not text[following : following + 1].isalpha()
    return len(word) == 1 and word.isupper() and text[following : following + 1].islower()


def tokens(text: str) -> list[str]:
    """Words, numbers and comparison signs of a text, as they stand; hyphens and slashes separate."""
    return _TOKEN.findall(text)


def short_forms(text: str) -> Mapping[str, str]:
    """Abbreviations the text itself explains: short form without plural s → the words before its bracket, lower case.

    The rule is that of Schwartz and Hearst (2003): the letters of the short form occur in order in the words before
    the bracket, the first at the start of a word.
    """
    found: dict[str, str] = {}
    for match in _SHORT_FORM.finditer(text):
        short = match.group(1)
        if sum(c.isupper() for c in short) < 2 or short in found:
            continue
        long_form = _long_form(short, text[max(0, match.start() - _LONGEST_LONG_FORM) : match.start()])
        if long_form:
            found[short] = long_form
    return found


def _long_form(short: str, before: str) -> str:
    letters = [c.lower() for c in short if c.isalnum()]
    low = before.lower()
    at = len(low)
    for index in range(len(letters) - 1, -1, -1):
        at = low.rfind(letters[index], 0, at)
        while index == 0 and at > 0 and low[at - 1].isalnum():
            at = low.rfind(letters[0], 0, at)
        if at < 0:
            return ""
    return low[at:].strip()
