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
        # A place holds the word's number, part of its hash, and where its letters start and end. Two places a word
        # keep the search short.
        self._slots = _slots(_FIRST_ROOM)
        self._ends = np.zeros(_FIRST_ROOM, np.int32)
        self._letters = np.zeros(8 * _FIRST_ROOM, np.uint32)

    def __len__(self) -> int:
        return self._count

    def find(self, scanned: scan.Scanned) -> Ints:
        """The number of each token, -1 for one that was never added."""
        found: Ints = _find(scanned.codes, scanned.start, scanned.end, scanned.hash, self._slots, self._letters)
        return found

    def add(self, words: Sequence[str]) -> None:
        """Number words that the table does not hold, each named once."""
        first, new = self._count, self._count + len(words)
        start = int(self._ends[first - 1]) if first else 0
        ends = np.cumsum([len(word) for word in words], dtype=np.int32) + np.int32(start)
        self._letters, self._ends = with_room(self._letters, int(ends[-1])), with_room(self._ends, new)
        self._letters[start : ends[-1]] = scan.codes_of("".join(words))
        self._ends[first:new] = ends
        if 2 * new > len(self._slots):
            self._slots, first = _slots(new), 0
        _insert(self._slots, self._ends, self._letters, first, new)
        self._count = new


def _slots(words: int) -> Ints:
    """Empty places for twice as many words as there are: a power of two, of at least four places a word."""
    return np.full((1 << (4 * words - 1).bit_length(), 4), _EMPTY, np.int32)


def with_room(array: npt.NDArray[Any], wanted: int) -> npt.NDArray[Any]:
    """The array, with twice as many rows as wanted where it has too few."""
    if wanted <= len(array):
        return array
    longer = np.zeros((2 * wanted, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


@compiled
def _find(codes, start, end, hashes, slots, letters):  # type: ignore[no-untyped-def]
    out = np.empty(len(start), np.int32)
    mask = np.uint64(len(slots) - 1)
    for token in range(len(start)):
        size = end[token] - start[token]
        part = np.int32(hashes[token] >> np.uint64(33))
        place = hashes[token] & mask
        while slots[place, 0] != _EMPTY:
            at = slots[place, 2]
            if slots[place, 1] == part and slots[place, 3] - at == size:
                same = True
                for i in range(size):
                    if codes[start[token] + i] != letters[at + i]:
                        same = False
                        break
                if same:
                    break
            place = (place + np.uint64(1)) & mask
        out[token] = slots[place, 0]
    return out


@compiled
def _insert(slots, ends, letters, first, stop):  # type: ignore[no-untyped-def]
    """Words first..stop into the slots."""
    mask = np.uint64(len(slots) - 1)
    for number in range(first, stop):
        start = ends[number - 1] if number > 0 else 0
        value = scan.hash_of(letters, start, ends[number])
        place = value & mask
        while slots[place, 0] != _EMPTY:
            place = (place + np.uint64(1)) & mask
        slots[place, 0] = number
        slots[place, 1] = np.int32(value >> np.uint64(33))
        slots[place, 2] = start
        slots[place, 3] = ends[number]
