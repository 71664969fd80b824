"""Sentences and tokens of a whole batch, compiled: the rules of `text`, replayed over code points.

`text` is what the rules say and what a reader should read; here they cost a tenth. Tests hold the two to each other.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from msminer.classify import text
from msminer.classify.compiled import compiled

Ints = npt.NDArray[np.int32]
Codes = npt.NDArray[np.uint32]

_WORD, _DIGIT, _SIGN, _SPACE, _IN_NUMBER = 1, 2, 4, 8, 16
_END, _CLOSE, _BEGIN, _BREAK = 32, 64, 128, 256
_ALPHA, _UPPER, _LOWER = 512, 1024, 2048
_CODE_POINTS = 0x110000
_FULL_STOP, _NEWLINE = 46, 10
# Numbers of Fowler, Noll and Vo's hash of 64 bits (FNV-1a).
_OFFSET, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


@dataclass(frozen=True)
class Scanned:
    """Texts cut up. spans: sentences x 2, offsets in the joined text; first: first sentence of each text and their
    number; start, end, sentence, hash of every token.
    """

    joined: str
    codes: Codes
    spans: Ints
    first: Ints
    start: Ints
    end: Ints
    sentence: Ints
    hash: npt.NDArray[np.uint64]

    def only(self, which: npt.NDArray[np.int64]) -> Scanned:
        """Some of the tokens."""
        parts = {name: getattr(self, name)[which] for name in ("start", "end", "sentence", "hash")}
        return replace(self, **parts)


def codes_of(joined: str) -> Codes:
    """The code points of a text, lone surrogates too."""
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)


def scan(texts: Sequence[str], *, whole: bool = False) -> Scanned:
    """`text.sentence_spans` and `text.tokens` of all texts; whole: each text counts as one sentence."""
    joined = "".join(texts)
    codes = codes_of(joined)
    ends = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    if whole:
        spans, first = np.column_stack([ends[:-1], ends[1:]]), np.arange(len(texts) + 1, dtype=np.int32)
    else:
        spans, first = cut(codes, ends, kinds(), *_abbreviations())
    return Scanned(joined, codes, spans, first, *tokens(codes, spans, kinds()))


@functools.cache
def kinds() -> npt.NDArray[np.uint16]:
    """What each code point is to the rules: bits by code point."""
    characters = np.arange(_CODE_POINTS, dtype=np.uint32).view("U1")
    out = np.zeros(_CODE_POINTS, np.uint16)
    for test, bit in (
        (np.strings.isalnum, _WORD),
        (np.strings.isdecimal, _DIGIT),
        (np.strings.isspace, _SPACE | _BREAK),
        (np.strings.isalpha, _ALPHA),
        (np.strings.isupper, _UPPER),
        (np.strings.islower, _LOWER),
    ):
        out[test(characters)] |= bit
    for signs, bit in (
        (text.SIGNS, _SIGN),
        (text.IN_NUMBER, _IN_NUMBER),
        (text.ENDS, _END),
        (text.CLOSES, _CLOSE),
        (text.begins(), _BEGIN),
        (text.OPENS, _BREAK),
    ):
        out[[ord(sign) for sign in signs]] |= bit
    return out


@functools.cache
def _abbreviations() -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Abbreviations as rows of code points, 0 padded; which of them are words as well."""
    words = sorted(text.ABBREVIATED)
    longest = max(map(len, words)) + 1
    rows = [[*map(ord, word), *[0] * (longest - len(word))] for word in words]
    return np.array(rows, np.int32), np.array([word in text.ALSO_WORDS for word in words])


@compiled
def _goes_on(codes, start, stop, following, kind, known, also):  # type: ignore[no-untyped-def]
    """`text._goes_on`."""
    lowest = max(start, stop - text.LONGEST_BEFORE)
    end = stop - 1 if stop > lowest and codes[stop - 1] == _NEWLINE else stop
    begin = end
    while begin > lowest and not kind[codes[begin - 1]] & _BREAK:
        begin -= 1
    size = end - begin
    if size == 0:
        return False
    for n in range(len(known)):
        if size < known.shape[1] and known[n, size] == 0:
            same = True
            for i in range(size):
                code = codes[begin + i]
                if known[n, i] != (code + 32 if 65 <= code <= 90 else code):
                    same = False
                    break
            if same:
                return not also[n] or not kind[codes[following]] & _ALPHA
    return size == 1 and bool(kind[codes[begin]] & _UPPER) and bool(kind[codes[following]] & _LOWER)


@compiled
def cut(codes, ends, kind, known, also):  # type: ignore[no-untyped-def]
    """Spans of sentences, n x 2, and the first sentence of each text and their number; ends: where texts end."""
    spans = np.empty((len(codes) + len(ends), 2), np.int32)
    first = np.zeros(len(ends), np.int32)
    made = 0
    for number in range(len(ends) - 1):
        start, stop = ends[number], ends[number + 1]
        at = start
        while at < stop and codes[at] != _NEWLINE:
            at += 1
        spans[made, 0] = start
        spans[made, 1] = at
        made += 1
        at = min(at + 1, stop)
        start = at
        while at < stop:
            here = at
            at += 1
            if not kind[codes[here]] & _END:
                continue
            close = here + 1
            while close < stop and kind[codes[close]] & _CLOSE:
                close += 1
            after = close
            while after < stop and kind[codes[after]] & _SPACE:
                after += 1
            if not close < after < stop or not kind[codes[after]] & _BEGIN:
                continue
            at = after
            if codes[here] == _FULL_STOP and _goes_on(codes, start, here, after, kind, known, also):
                continue
            spans[made, 0] = start
            spans[made, 1] = close
            made += 1
            start = after
        while stop > start and kind[codes[stop - 1]] & _SPACE:
            stop -= 1
        if stop > start:
            spans[made, 0] = start
            spans[made, 1] = stop
            made += 1
        first[number + 1] = made
    return spans[:made].copy(), first


@compiled
def _token_end(codes, at, stop, kind):  # type: ignore[no-untyped-def]
    """Where the token that begins at `at` ends; `at` itself where none begins."""
    end = at
    if kind[codes[at]] & _DIGIT:
        while end < stop and kind[codes[end]] & _DIGIT:
            end += 1
        number = end
        while number + 1 < stop and kind[codes[number]] & _IN_NUMBER and kind[codes[number + 1]] & _DIGIT:
            number += 1
            while number < stop and kind[codes[number]] & _DIGIT:
                number += 1
        if number > end:
            return number
    while end < stop and kind[codes[end]] & _WORD:
        end += 1
    if end == at and kind[codes[at]] & _SIGN:
        end += 1
    return end


@compiled
def tokens(codes, spans, kind):  # type: ignore[no-untyped-def]
    """Start, end, sentence and hash of every token."""
    start = np.empty(len(codes), np.int32)
    ends = np.empty(len(codes), np.int32)
    sentence = np.empty(len(codes), np.int32)
    hashes = np.empty(len(codes), np.uint64)
    made = 0
    for number in range(len(spans)):
        at, stop = spans[number, 0], spans[number, 1]
        while at < stop:
            end = _token_end(codes, at, stop, kind)
            if end == at:
                at += 1
                continue
            start[made] = at
            ends[made] = end
            sentence[made] = number
            hashes[made] = hash_of(codes, at, end)
            made += 1
            at = end
    return start[:made].copy(), ends[:made].copy(), sentence[:made].copy(), hashes[:made].copy()


@compiled
def hash_of(codes, start, end):  # type: ignore[no-untyped-def]
    """FNV-1a of code points."""
    value = _OFFSET
    for at in range(start, end):
        value = (value ^ np.uint64(codes[at])) * _PRIME
    return value
