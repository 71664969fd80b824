"""One key a label: the same in every session, learnt once, shown beside the label."""

from __future__ import annotations

import string
from collections.abc import Sequence
from itertools import takewhile


def assign(labels: Sequence[str]) -> dict[str, str]:
    """Label → key, one letter each.

    In order, a label takes the first free letter of what tells it apart (the part behind its last hyphen, or behind a
    beginning it shares with another label), of the whole, then of the alphabet.
    `none` has x wherever it occurs. Raises ValueError for more labels than letters.
    """
    if len(labels) > len(string.ascii_lowercase):
        raise ValueError("more labels than letters")
    keys = {"none": "x"} if "none" in labels else {}
    for label in labels:
        wanted = _own_part(label, labels) + label + string.ascii_lowercase
        free = (letter for letter in wanted.lower() if letter in string.ascii_lowercase and letter not in keys.values())
        keys.setdefault(label, next(free))
    return keys


def _own_part(label: str, labels: Sequence[str]) -> str:
    part = label.rpartition("-")[2]
    shared = max((_shared(part, other) for other in labels if other != label), default=0)
    # Five letters: "intra" is a shared beginning, two labels that both start with "re" are not alike.
    return part[shared:] if 5 <= shared < len(part) else part


def _shared(first: str, second: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
