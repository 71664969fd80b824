"""Records into numbers: ideas and words of every sentence, gathered per abstract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from msminer.classify import kernels
from msminer.classify.phrases import MAX_KEYS, PhraseBook, Trie, folded
from msminer.classify.scan import Scanned, scan
from msminer.classify.surfaces import Surfaces, with_room
from msminer.classify.text import full_text, short_forms, tokens

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

CHANGES = ("up", "down", "better", "worse", "event", "nodiff", "no_bad", "split", "partial")
NEAR = ("given:given", "given:aside", "tissue:stem_word", "given:knockout")
# Tokens between two ideas that still speak of each other; set by hand (2026-11).
REACH_CHANGE = 8
REACH_NEAR = 5
# Beyond this many words, or explained short forms, all are forgotten: some 30 MB.
_MOST_SURFACES = 400_000
_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Batch:
    """Records read: texts; offsets, owner record and counts of each sentence.

    spans: sentences x (start, end), in their own text; first: first sentence of each record, and their number.
    ideas: sentences x ideas and pairs; words: sentences x words, counts; lengths: tokens per sentence.
    """

    texts: list[str]
    spans: Ints
    owner: Ints
    first: Ints
    lengths: Ints
    ideas: Floats
    words: sparse.csr_matrix


class Encoder:
    """Turns records into a `Batch`; made from a phrase book and the words and word pairs it shall count."""

    def __init__(self, book: PhraseBook, words: Sequence[str], pairs: Sequence[tuple[str, str]]) -> None:
        self.book = book
        self.words = tuple(words)
        self.pairs = tuple(pairs)
        self._column = {word: n for n, word in enumerate(self.words)}
        numbered = sorted((self._column[a], self._column[b], n) for n, (a, b) in enumerate(self.pairs, len(self.words)))
        begins, seconds, columns = np.array(numbered, np.int32).reshape(-1, 3).T.copy()
        self._pair_table = np.searchsorted(begins, np.arange(len(self.words) + 1)).astype(np.int32), seconds, columns
        self._trie: Trie = book.trie()
        self._classes = [_pair_classes(book, left, right) for left, right in self._pairings()]
        labelled = [i.split(":")[0] in ("cell_types", "populations", "outcomes") for i in book.ideas]
        self._labelled = np.array(labelled, bool)
        self._vocabulary_ideas = frozenset(np.flatnonzero(self._labelled).tolist())
        self._n_groups = int(self._trie.group.max()) + 1
        self._forget()

    def _pairings(self) -> list[tuple[list[str], list[str]]]:
        names = self.book.ideas
        signed = [i for i in names if i.startswith(("outcomes:", "sign:"))]
        given = [i for i in names if i.startswith(("cell_types:", "tissue:", "populations:"))]
        return [(signed, [f"change:{c}" for c in CHANGES]), (given, list(NEAR))]

    @cached_property
    def idea_names(self) -> list[str]:
        """Names of the columns of `Batch.ideas`; a pair is left>right."""
        pairs = [f"{a}>{b}" for left, right in self._pairings() for a in left for b in right]
        return [*self.book.ideas, *pairs]

    @property
    def n_words(self) -> int:
        """Columns of `Batch.words`."""
        return len(self.words) + len(self.pairs)

    def _forget(self) -> None:
        self._surfaces = Surfaces()
        self._meant: dict[tuple[str, str], frozenset[int] | None] = {}
        self._table = np.full((0, MAX_KEYS), -1, np.int32)
        self._word_table = np.zeros(0, np.int32)

    def _rows(self, scanned: Scanned) -> Ints:
        """The table row of each token; words never seen before get a row."""
        rows = self._surfaces.find(scanned)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            places = zip(scanned.start[unknown].tolist(), scanned.end[unknown].tolist(), strict=True)
            self._learn(list(dict.fromkeys(scanned.joined[a:b] for a, b in places)))
            rows[unknown] = self._surfaces.find(scanned.only(unknown))
        return rows

    def _learn(self, words: list[str]) -> None:
        old, new = len(self._surfaces), len(self._surfaces) + len(words)
        self._table, self._word_table = with_room(self._table, new), with_room(self._word_table, new)
        self._table[old:new] = -1
        for n, word in enumerate(words, old):
            known = self.book.keys(word)
            self._table[n, : len(known)] = known
        self._word_table[old:new] = [self._column.get(word_key(word), -1) for word in words]
        self._surfaces.add(words)

    def _explained(self, texts: Sequence[str]) -> dict[tuple[int, str], frozenset[int]]:
        """(number of the text, word) → ideas of a short form, singular or plural, that its text explains.

        Only where the explanation speaks of other labels than the short form alone.
        """
        found = [
            (number, parts[0], long_form)
            for number, text in enumerate(texts)
            if "(" in text
            for short, long_form in short_forms(text).items()
            if len(parts := tokens(short)) == 1
        ]
        self._understand(list(dict.fromkeys((s, f) for _, s, f in found if (s, f) not in self._meant)))
        out: dict[tuple[int, str], frozenset[int]] = {}
        for number, short, long_form in found:
            ideas = self._meant[short, long_form]
            if ideas is not None:
                out[number, short] = out[number, f"{short}s"] = ideas
        return out

    def _understand(self, explained: Sequence[tuple[str, str]]) -> None:
        """Keep what each long form speaks of; None where its short form says the same, or neither says anything."""
        scanned = scan([long_form for _, long_form in explained], whole=True)
        hits = self._find(self._rows(scanned), scanned.sentence)
        ideas: dict[int, set[int]] = {}
        for idea, number in hits[self._labelled[hits[:, 0]], :2].tolist():
            ideas.setdefault(number, set()).add(idea)
        for number, (short, long_form) in enumerate(explained):
            meant = frozenset(ideas.get(number, _NOTHING))
            alone = self.book.ideas_of(short) & self._vocabulary_ideas
            self._meant[short, long_form] = meant if meant != alone else None

    def _find(self, rows: Ints, sentence: Ints) -> Ints:
        t = self._trie
        found: Ints = kernels.find_phrases(
            rows,
            sentence,
            self._table,
            t.first,
            t.key,
            t.target,
            t.idea_first,
            t.ideas,
            t.group,
            self._n_groups,
        )
        return found

    def encode(self, records: Iterable[Mapping[str, Any]]) -> Batch:
        """The batch of the records' titles and abstracts; a missing or empty text counts as empty."""
        if max(len(self._surfaces), len(self._meant)) > _MOST_SURFACES:
            self._forget()
        texts = [full_text(record.get("title") or "", record.get("abstract") or "") for record in records]
        scanned = scan(texts)
        rows = self._rows(scanned)
        hits = self._find(rows, scanned.sentence)
        first, n = scanned.first, len(scanned.spans)
        owner = np.repeat(np.arange(len(texts), dtype=np.int32), np.diff(first))
        hits = _with_explained(hits, self._extra(texts, scanned, rows), self._labelled)
        starts = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        return Batch(
            texts,
            scanned.spans - starts[owner][:, None],
            owner,
            first,
            np.bincount(scanned.sentence, minlength=n).astype(np.int32),
            self._idea_counts(hits, n),
            self._word_counts(rows, scanned.sentence, n),
        )

    def _extra(self, texts: Sequence[str], scanned: Scanned, rows: Ints) -> list[tuple[frozenset[int], int, int]]:
        """Ideas of each token that is an explained short form; token; sentence."""
        explained = self._explained(texts)
        forms = self._rows(scan([word for _, word in explained], whole=True))
        bounds = np.searchsorted(scanned.sentence, scanned.first)
        out = []
        for form, ((number, _), ideas) in zip(forms, explained.items(), strict=True):
            start, stop = bounds[number], bounds[number + 1]
            places = np.flatnonzero(rows[start:stop] == form) + start
            out += [(ideas, at, int(scanned.sentence[at])) for at in places.tolist()]
        return out

    def _idea_counts(self, hits: Ints, n: int) -> Floats:
        k = len(self.book.ideas)
        parts: list[Floats] = []
        for (left, right, width), reach in zip(self._classes, (REACH_CHANGE, REACH_NEAR), strict=True):
            counted = kernels.count_ideas(hits, n, k, left, right, width, reach)
            parts.append(counted if not parts else counted[:, k:])
        return np.hstack(parts).astype(np.float32)

    def _word_counts(self, rows: Ints, sentence: Ints, n: int) -> sparse.csr_matrix:
        words = self._word_table[rows] if len(rows) else np.zeros(0, np.int32)
        found = kernels.count_words(words, sentence, n, *self._pair_table)
        return sparse.csr_matrix(found, shape=(n, self.n_words))


def word_key(word: str) -> str:
    """The word as it is counted: folded, numbers as classes."""
    if word[0].isdigit():
        if not word.isdigit():
            return "<decimal>" if not word.isalnum() else folded(word)
        return word if len(word) <= 2 else "<number>"
    return folded(word)


def _with_explained(
    hits: Ints, extra: list[tuple[frozenset[int], int, int]], vocabulary: npt.NDArray[np.bool_]
) -> Ints:
    """Hits with the labels of each explained short form in place of what its letters alone would mean."""
    if not extra:
        return hits
    places = np.array(sorted({at for _, at, _ in extra}), np.int32)
    alone = (hits[:, 3] - hits[:, 2] == 1) & vocabulary[hits[:, 0]] & np.isin(hits[:, 2], places)
    added = [(idea, sentence, at, at + 1) for ideas, at, sentence in extra for idea in sorted(ideas)]
    both = np.vstack([hits[~alone], np.array(added, np.int32).reshape(-1, 4)]).astype(np.int32)
    order: Ints = both[np.lexsort((both[:, 0], both[:, 2]))]
    return order


def _pair_classes(book: PhraseBook, left: list[str], right: list[str]) -> tuple[Ints, Ints, int]:
    lefts = np.full(len(book.ideas), -1, np.int32)
    rights = np.full(len(book.ideas), -1, np.int32)
    lefts[[book.number[i] for i in left]] = np.arange(len(left))
    rights[[book.number[i] for i in right]] = np.arange(len(right))
    return lefts, rights, len(right)
