"""No text may stand on both sides of a split: PMIDs, DOIs and near-duplicate texts."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from msminer.classify.phrases import folded
from msminer.classify.text import full_text, tokens
from msminer.errors import DataError

# Five-word shingles; two abstracts that share half of them are versions of one text. Set by hand
# (2026-11).
SHINGLE, NEAR = 5, 0.5
_SAMPLE = 64


def shingles(text: str) -> frozenset[int]:
    """Hashes of all five-word runs of a text; of the whole text where it is shorter."""
    words = [folded(word).lower() for word in tokens(text)]
    runs = [" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))]
    return frozenset(zlib.crc32(run.encode()) for run in runs if run)


def text_of(record: Mapping[str, Any]) -> str:
    """The text of a record of the gold, the corpus or a transfer set."""
    if record.get("text"):
        return str(record["text"])
    if record.get("sentences"):
        return " ".join(str(sentence["text"]) for sentence in record["sentences"])
    return full_text(record.get("title") or "", record.get("abstract") or "")


class _Index:
    """Texts by their rarest shingles: near-duplicates share some of the 64 smallest hashes."""

    def __init__(self) -> None:
        self.texts: list[frozenset[int]] = []
        self._by_hash: dict[int, list[int]] = {}

    def near(self, found: frozenset[int]) -> list[int]:
        """Numbers of texts that share at least half of the shorter text's shingles."""
        candidates = {n for value in sorted(found)[:_SAMPLE] for n in self._by_hash.get(value, ())}
        return sorted(n for n in candidates if _overlap(found, self.texts[n]) >= NEAR)

    def add(self, found: frozenset[int]) -> None:
        """Take one more text in."""
        for value in sorted(found)[:_SAMPLE]:
            self._by_hash.setdefault(value, []).append(len(self.texts))
        self.texts.append(found)


def _overlap(a: frozenset[int], b: frozenset[int]) -> float:
    return len(a & b) / max(1, min(len(a), len(b)))


def groups_of(records: Sequence[Mapping[str, Any]]) -> list[int]:
    """Group of each record: records with one PMID, DOI or near-duplicate text share it."""
    index, parent = _Index(), list(range(len(records)))
    names: dict[str, int] = {}

    def root(n: int) -> int:
        while parent[n] != n:
            n = parent[n]
        return n

    for number, record in enumerate(records):
        found = shingles(text_of(record))
        for other in index.near(found):
            parent[root(number)] = root(other)
        index.add(found)
        for name in _names(record):
            parent[root(number)] = root(names.setdefault(name, number))
    return [root(n) for n in range(len(records))]


def _names(record: Mapping[str, Any]) -> list[str]:
    pmid, doi = record.get("pmid"), record.get("doi")
    return [f"pmid:{pmid}"] * bool(pmid) + [f"doi:{str(doi).lower()}"] * bool(doi)


def leaks(one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]) -> list[tuple[int, int, str]]:
    """Pairs (number in one, number in other, why) that share a PMID, a DOI or a near-duplicate text."""
    index = _Index()
    names: dict[str, int] = {}
    for number, record in enumerate(one):
        index.add(shingles(text_of(record)))
        names.update(dict.fromkeys(_names(record), number))
    out = []
    for number, record in enumerate(other):
        out += [(names[name], number, name.split(":")[0]) for name in _names(record) if name in names]
        out += [(n, number, "text") for n in index.near(shingles(text_of(record)))]
    return out


def check_no_leak(one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]], names: tuple[str, str]) -> None:
    """Raise DataError when two sets of records share a PMID, a DOI or a near-duplicate text."""
    found = leaks(one, other)
    if found:
        raise DataError("two splits share a text", splits=names, pairs=len(found), first=found[0])


def without_leaks(
    candidates: Sequence[Mapping[str, Any]], held: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The candidates that share nothing with the records held out."""
    shared = np.unique([number for _, number, _ in leaks(held, candidates)])
    return [record for number, record in enumerate(candidates) if number not in set(shared.tolist())]
