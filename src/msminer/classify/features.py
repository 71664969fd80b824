"""Records into numbers: ideas and words of every sentence, gathered per abstract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from msminer.classify import kernels
from msminer.classify.phrases import MAX_KEYS, PhraseBook, Trie, folded
from msminer.classify.text import full_text, sentence_spans, short_forms, tokens

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

CHANGES = ("up", "down", "better", "worse", "event", "nodiff", "no_bad", "split", "partial")
NEAR = ("given:given", "given:aside", "tissue:stem_word", "given:knockout")
# Tokens between two ideas that still speak of each other; set by hand (2026-11).
REACH_CHANGE = 8
REACH_NEAR = 5
_MOST_SURFACES = 400_000
ZONES = 5


@dataclass(frozen=True)
class Batch:
    """Records read: texts, sentence spans per record, owner record of each sentence, counts per sentence.

    ideas: sentences x ideas and pairs; words: sentences x words, counts; lengths: tokens per sentence.
    """

    texts: list[str]
    spans: list[list[tuple[int, int]]]
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
        keyed = sorted(
            ((self._column[a] << 32) + self._column[b], len(self.words) + n) for n, (a, b) in enumerate(self.pairs)
        )
        self._pair_key = np.array([k for k, _ in keyed], np.int64)
        self._pair_column = np.array([c for _, c in keyed], np.int32)
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

    @property
    def idea_names(self) -> list[str]:
        """Names of the columns of `Batch.ideas`; a pair is left>right."""
        pairs = [f"{a}>{b}" for left, right in self._pairings() for a in left for b in right]
        return [*self.book.ideas, *pairs]

    @property
    def n_words(self) -> int:
        """Columns of `Batch.words`."""
        return len(self.words) + len(self.pairs)

    def _forget(self) -> None:
        self._row: dict[str, int] = {}
        self._meant: dict[str, frozenset[int]] = {}
        self._keys: list[tuple[int, ...]] = []
        self._words: list[int] = []
        self._table = np.full((0, MAX_KEYS), -1, np.int32)
        self._word_table = np.zeros(0, np.int32)

    def _add_row(self, keys: tuple[int, ...], word: int) -> int:
        self._keys.append(keys)
        self._words.append(word)
        return len(self._keys) - 1

    def _rows(self, words: list[str]) -> list[int]:
        row = self._row
        try:
            return [row[word] for word in words]
        except KeyError:
            for word in words:
                if word not in row:
                    row[word] = self._add_row(self.book.keys(word), self._column.get(word_key(word), -1))
            return [row[word] for word in words]

    def _refresh_tables(self) -> None:
        old = len(self._table)
        if old < len(self._keys):
            new = np.full((len(self._keys) - old, MAX_KEYS), -1, np.int32)
            for n, keys in enumerate(self._keys[old:]):
                new[n, : len(keys)] = keys
            self._table = np.vstack([self._table, new])
            self._word_table = np.concatenate([self._word_table, np.array(self._words[old:], np.int32)])

    def _explained(self, text: str) -> dict[str, frozenset[int]]:
        """Short forms whose explanation in the text speaks of other labels than the short form alone."""
        out: dict[str, frozenset[int]] = {}
        for short, long_form in short_forms(text).items():
            parts = tokens(short)
            if len(parts) != 1:
                continue
            meant = self._ideas_of_phrase(long_form)
            alone = self.book.ideas_of(short) & self._vocabulary_ideas
            if meant != alone and (meant or alone):
                out[parts[0]] = out[f"{parts[0]}s"] = meant
        return out

    def _ideas_of_phrase(self, phrase: str) -> frozenset[int]:
        known = self._meant.get(phrase)
        if known is None:
            rows = self._rows(tokens(phrase))
            self._refresh_tables()
            hits = self._find(np.array(rows, np.int32), np.zeros(len(rows), np.int32))
            known = self._meant[phrase] = frozenset(hits[:, 0].tolist()) & self._vocabulary_ideas
        return known

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
        if len(self._row) > _MOST_SURFACES:
            self._forget()
        texts: list[str] = []
        spans: list[list[tuple[int, int]]] = []
        rows: list[int] = []
        lengths: list[int] = []
        extra: list[tuple[frozenset[int], int, int]] = []
        for record in records:
            text = full_text(record.get("title") or "", record.get("abstract") or "")
            cut = sentence_spans(text)
            texts.append(text)
            spans.append(cut)
            explained = self._explained(text)
            for start, end in cut:
                words = tokens(text[start:end])
                if explained:
                    at, sentence = len(rows), len(lengths)
                    extra += [(explained[w], at + n, sentence) for n, w in enumerate(words) if w in explained]
                rows.extend(self._rows(words))
                lengths.append(len(words))
        return self._counted(texts, spans, np.array(rows, np.int32), np.array(lengths, np.int32), extra)

    def _counted(
        self,
        texts: list[str],
        spans: list[list[tuple[int, int]]],
        rows: Ints,
        lengths: Ints,
        extra: list[tuple[frozenset[int], int, int]],
    ) -> Batch:
        self._refresh_tables()
        n = len(lengths)
        sentence = np.repeat(np.arange(n, dtype=np.int32), lengths)
        hits = _with_explained(self._find(rows, sentence), extra, self._labelled)
        sizes = np.array([len(cut) for cut in spans], np.int32)
        owner = np.repeat(np.arange(len(spans), dtype=np.int32), sizes)
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        return Batch(
            texts, spans, owner, first, lengths, self._idea_counts(hits, n), self._word_counts(rows, sentence, n)
        )

    def _idea_counts(self, hits: Ints, n: int) -> Floats:
        k = len(self.book.ideas)
        parts: list[Floats] = []
        for (left, right, width), reach in zip(self._classes, (REACH_CHANGE, REACH_NEAR), strict=True):
            counted = kernels.count_ideas(hits, n, k, left, right, width, reach)
            parts.append(counted if not parts else counted[:, k:])
        return np.hstack(parts).astype(np.float32)

    def _word_counts(self, rows: Ints, sentence: Ints, n: int) -> sparse.csr_matrix:
        words = self._word_table[rows] if len(rows) else np.zeros(0, np.int32)
        found = kernels.count_words(words, sentence, self._pair_key, self._pair_column)
        ones = np.ones(len(found), np.float32)
        return sparse.csr_matrix((ones, (found[:, 0], found[:, 1])), shape=(n, self.n_words))


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
