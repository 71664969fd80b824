"""Words as they stand in texts, numbered as they come: a table that compiled loops search and Python fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from msminer.classify import scan
from msminer.classify.compiled import compiled

Ints = npt.NDArray[np.int32]
_EMPTY = -1
_FIRST_ROOM = 1 << 12


class Surfaces:
    """Numbers of words, from 0 in order of `add`."""

    def __init__(self) -> None:
        self._count = 0
        # two places a word keep the search short
        self._slots = np.full(2 * _FIRST_ROOM, _EMPTY, np.int32)
        self._hash = np.zeros(_FIRST_ROOM, np.uint64)
        self._at = np.zeros(_FIRST_ROOM + 1, np.int64)
        self._letters = np.zeros(8 * _FIRST_ROOM, np.uint32)

    def __len__(self) -> int:
        return self._count

    def find(self, scanned: scan.Scanned) -> Ints:
        """The number of each token, -1 for one that was never added."""
        found: Ints = _find(
            scanned.codes, scanned.start, scanned.end, scanned.hash, self._slots, self._hash, self._at, self._letters
        )
        return found

    def add(self, words: Sequence[str]) -> None:
        """Number words that the table does not hold, each named once."""
        letters = scan.codes_of("".join(words))
        ends = np.cumsum([len(word) for word in words], dtype=np.int64) + self._at[self._count]
        new = self._count + len(words)
        self._letters = with_room(self._letters, int(ends[-1]))
        self._at, self._hash = with_room(self._at, new + 1), with_room(self._hash, new)
        self._letters[self._at[self._count] : ends[-1]] = letters
        self._at[self._count + 1 : new + 1] = ends
        first = self._count
        if 2 * new > len(self._slots):
            self._slots, first = np.full(4 * new, _EMPTY, np.int32), 0
        _insert(self._slots, self._hash, self._at, self._letters, first, new)
        self._count = new


def with_room(array: npt.NDArray[Any], wanted: int) -> npt.NDArray[Any]:
    """The array, with twice as many rows as wanted where it has too few."""
    if wanted <= len(array):
        return array
    longer = np.zeros((2 * wanted, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


@compiled
def _find(codes, start, end, hashes, slots, known, at, letters):  # type: ignore[no-untyped-def]
    out = np.empty(len(start), np.int32)
    for token in range(len(start)):
        size = end[token] - start[token]
        place = np.int64(hashes[token] % np.uint64(len(slots)))
        number = slots[place]
        while number != _EMPTY:
            if known[number] == hashes[token] and at[number + 1] - at[number] == size:
                same = True
                for i in range(size):
                    if codes[start[token] + i] != letters[at[number] + i]:
                        same = False
                        break
                if same:
                    break
            place = place + 1 if place + 1 < len(slots) else 0
            number = slots[place]
        out[token] = number
    return out


@compiled
def _insert(slots, known, at, letters, first, stop):  # type: ignore[no-untyped-def]
    """Words first..stop into the slots, their hashes into `known`."""
    for number in range(first, stop):
        known[number] = scan.hash_of(letters, at[number], at[number + 1])
        place = np.int64(known[number] % np.uint64(len(slots)))
        while slots[place] != _EMPTY:
            place = place + 1 if place + 1 < len(slots) else 0
        slots[place] = number
