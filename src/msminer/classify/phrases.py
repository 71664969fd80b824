"""Which ideas a list of tokens speaks of: a phrase book from the vocabulary's synonyms and the cues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from msminer.vocabulary import Vocabulary

Ints = npt.NDArray[np.int32]
_WORD = re.compile(r"\d+(?:[.,·]\d+)+|[^\W_]+\*?|[%<>=≥≤±+]")
_SHORTEST_STEM = 3
MAX_KEYS = 6


def is_short_form(word: str) -> bool:
    """Whether capitals matter: two or more (HSCT, iPSC), not a long word in capitals (RESULTS)."""
    # asked of every new word: most are in small letters, and need no count
    return len(word) <= 8 and not word.islower() and sum(map(str.isupper, word)) >= 2


def folded(word: str) -> str:
    """The word as the phrase book knows it: short forms keep their capitals, all lose a plural s."""
    if is_short_form(word):
        return word[:-1] if word.endswith("s") else word
    low = word.lower()
    return low[:-1] if len(low) > 3 and low.endswith("s") and not low.endswith(("ss", "us", "is")) else low


@dataclass
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)
    ideas: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Trie:
    """The phrase book as arrays: children of node n are edges first[n]..first[n+1] (key, target), sorted by key; its
    ideas are idea_first[n]..idea_first[n+1] of `ideas`; `group` is the group of each idea.
    """

    first: Ints
    key: Ints
    target: Ints
    idea_first: Ints
    ideas: Ints
    group: Ints


class PhraseBook:
    """Ideas and their phrases; `ideas` are their names, group and label divided by a colon.

    phrases: (idea, phrase) pairs; words divided by blanks, a star ends a stem. Within a group a phrase inside a longer
    one is not counted.
    """

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        self.phrases = tuple(dict.fromkeys(phrases))
        self.ideas = tuple(dict.fromkeys(idea for idea, _ in self.phrases))
        self.number = {idea: number for number, idea in enumerate(self.ideas)}
        groups = sorted({idea.split(":")[0] for idea in self.ideas})
        self.group = np.array([groups.index(idea.split(":")[0]) for idea in self.ideas], np.int32)
        self._words: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        # few words begin like a stem, and most need not be asked
        self._heads: set[str] = set()
        self._root = _Node()
        for idea, phrase in self.phrases:
            self._add(self.number[idea], phrase)

    def _add(self, idea: int, phrase: str) -> None:
        node = self._root
        for word in _WORD.findall(phrase):
            key = self._stem(word[:-1].lower()) if word.endswith("*") else self._word(folded(word))
            node = node.children.setdefault(key, _Node())
        if idea not in node.ideas:
            node.ideas.append(idea)

    def _word(self, word: str) -> int:
        return self._words.setdefault(word, 2 * len(self._words))

    def _stem(self, stem: str) -> int:
        self._heads.add(stem[:_SHORTEST_STEM])
        return self._stems.setdefault(stem, 2 * len(self._stems) + 1)

    def keys(self, surface: str) -> tuple[int, ...]:
        """What the book knows of a token: the word itself and the stems it begins with."""
        word, low = folded(surface), surface.lower()
        found = [self._words[word]] if word in self._words else []
        if low != word and len(low) > 4 and folded(low) in self._words and folded(low) != word:
            found.append(self._words[folded(low)])
        if low[:_SHORTEST_STEM] in self._heads:
            found += [self._stems[low[:n]] for n in range(_SHORTEST_STEM, len(low) + 1) if low[:n] in self._stems]
        return tuple(found[:MAX_KEYS])

    def ideas_of(self, surface: str) -> frozenset[int]:
        """Ideas of the token standing alone."""
        nodes = (self._root.children.get(key) for key in self.keys(surface))
        return frozenset(idea for node in nodes if node for idea in node.ideas)

    def trie(self) -> Trie:
        """The book as arrays."""
        nodes = [self._root]
        first, keys, targets, idea_first, ideas = [0], [], [], [0], []
        for node in nodes:  # grows while it is walked: breadth first
            for key in sorted(node.children):
                keys.append(key)
                targets.append(len(nodes))
                nodes.append(node.children[key])
            first.append(len(keys))
            ideas.extend(node.ideas)
            idea_first.append(len(ideas))
        one, two, three, four, five = (np.array(v, np.int32) for v in (first, keys, targets, idea_first, ideas))
        return Trie(one, two, three, four, five, self.group)


def cue_phrases(groups: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """(idea, phrase) of cue lists whose phrases are divided by commas."""
    for group, cues in groups.items():
        for name, phrases in cues.items():
            yield from ((f"{group}:{name}", phrase.strip()) for phrase in phrases.split(","))


def vocabulary_phrases(vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """(idea, synonym) of every label, the idea being axis:label."""
    for axis, labels in vocabulary.axes.items():
        for label in labels:
            yield from ((f"{axis}:{label.id}", synonym) for synonym in label.synonyms)
