"""Sentences, tokens, short forms, phrases: what every offset and label stands on."""

from __future__ import annotations

from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.classify.phrases import PhraseBook, folded
from msminer.classify.scan import Scanned, codes_of, hash_of, kinds, scan
from msminer.classify.surfaces import Surfaces
from msminer.classify.text import full_text, sentence_spans, short_forms, tokens
from msminer.pubmed.parse import iter_file


def cut(abstract: str) -> list[str]:
    text = full_text("Title", abstract)
    return [text[a:b] for a, b in sentence_spans(text)][1:]


@pytest.mark.parametrize(
    ("abstract", "sentences"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("It fell to 0.5 points. It rose.", ["It fell to 0.5 points.", "It rose."]),
        ("A (p < 0.05). Next one.", ["A (p < 0.05).", "Next one."]),
        ("MSC vs. Placebo did well. End.", ["MSC vs. Placebo did well.", "End."]),
        ("Bacteria, e.g. S. aureus, grew. End.", ["Bacteria, e.g. S. aureus, grew.", "End."]),
        ("Smith et al. Reported it.", ["Smith et al.", "Reported it."]),
        ("Is it safe? Yes! Done", ["Is it safe?", "Yes!", "Done"]),
        ("No full stop", ["No full stop"]),
        ("", []),
    ],
)
def test_sentences(abstract: str, sentences: list[str]) -> None:
    assert cut(abstract) == sentences


@given(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=60), st.text(max_size=300))
def test_spans_are_in_order_and_lose_no_word(title: str, abstract: str) -> None:
    text = full_text(title, abstract)
    spans = sentence_spans(text)
    assert spans[0] == (0, len(title))
    assert all(a <= b for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))
    assert sum(len(text[a:b].split()) for a, b in spans) == len(text.split())


def test_tokens_divide_at_hyphens_and_keep_numbers() -> None:
    assert tokens("AD-MSCs, 0.05 ≤ p") == ["AD", "MSCs", "0.05", "≤", "p"]


def test_short_forms_need_their_letters_in_order() -> None:
    found = short_forms("patients with nasopharyngeal carcinoma (NPC) and others (XYZ)")
    assert found == {"NPC": "nasopharyngeal carcinoma"}


@pytest.mark.parametrize(
    ("word", "key"), [("MSCs", "MSC"), ("cells", "cell"), ("sclerosis", "sclerosis"), ("CONCLUSIONS", "conclusion")]
)
def test_folded(word: str, key: str) -> None:
    assert folded(word) == key


def test_a_short_form_keeps_its_capitals() -> None:
    book = PhraseBook([("populations:ms", "MS"), ("change:better", "improv*")])
    assert book.ideas_of("MS") == {0}
    assert book.ideas_of("ms") == frozenset()
    assert book.ideas_of("improvements") == {1}


def scanned(texts: list[str]) -> list[tuple[list[tuple[int, int]], list[str]]]:
    """Of each text, by the compiled loops: sentence spans in it, and the tokens of all its sentences."""
    found = scan(texts)
    out = []
    for number, start in enumerate([0, *accumulate(map(len, texts))][:-1]):
        first, last = found.first[number], found.first[number + 1]
        mine = (found.sentence >= first) & (found.sentence < last)
        places = zip(found.start[mine].tolist(), found.end[mine].tolist(), strict=True)
        spans = [(a - start, b - start) for a, b in found.spans[first:last].tolist()]
        out.append((spans, [found.joined[a:b] for a, b in places]))
    return out


def by_rule(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    spans = sentence_spans(text)
    return spans, [token for a, b in spans for token in tokens(text[a:b])]


PIECES = [
    "vs.",
    "e.g.",
    "S.",
    "A.",
    "B",
    ".",
    "?",
    "!",
    "...",
    "no.",
    "No.",
    "5",
    "max.",
    "the",
    "(p<0.05)",
    "1.5.6",
    "1,2a",
    "٣.٤",
    "IL-2.",
    "(a.",
    "[x.",
    "Y",
    "İ.",
    "ß",
    "_",
    "a_b",
    "'",
    '"',
    "”",
    "—",
    "–",
    "α",
    "2·5",
    "al.",
    "We",
    "etc.",
    "Etc.",
    "i.v.",
    "The",
    "Ph.D.",
    "ǅ.",
    "¹",
    "½",
    "x",
]
texts_like = st.lists(
    st.sampled_from([*PIECES, " ", " ", "  ", "\n", "\u00a0", "\x1c", "\u2028", "\U0001f600", "\ud800"]), max_size=40
).map("".join)


# the first call compiles
@settings(deadline=None)
@given(st.lists(texts_like | st.text(max_size=40), max_size=6))
def test_the_compiled_loops_cut_as_the_rules_say(texts: list[str]) -> None:
    assert scanned(texts) == [by_rule(text) for text in texts]


def test_what_the_loops_know_of_each_character_is_what_python_knows() -> None:
    every = [chr(code) for code in range(0x110000)]
    tests = {1: str.isalnum, 2: str.isdecimal, 8: str.isspace, 512: str.isalpha, 1024: str.isupper, 2048: str.islower}
    for bit, test in tests.items():
        assert ((kinds() & bit) > 0).tolist() == list(map(test, every))


@pytest.mark.corpus
@pytest.mark.slow
def test_the_compiled_loops_cut_real_records_as_the_rules_say(corpus: Path) -> None:
    for page in iter_file(min((corpus / "pubmed").glob("*.xml.gz"))):
        texts = [full_text(record["title"], record["abstract"]) for record in page.records]
        assert scanned(texts) == [by_rule(text) for text in texts]


@settings(deadline=None)
@given(st.lists(st.lists(st.text("abß5\U0001f600", min_size=1, max_size=4), max_size=30), max_size=5))
def test_a_word_keeps_its_number(batches: list[list[str]]) -> None:
    surfaces, numbers = Surfaces(), {}
    for batch in batches:
        new = [word for word in dict.fromkeys(batch) if word not in numbers]
        numbers |= {word: len(numbers) + n for n, word in enumerate(new)}
        assert set(surfaces.find(whole_words(new)).tolist()) <= {-1}
        if new:
            surfaces.add(new)
    assert surfaces.find(whole_words(list(numbers))).tolist() == list(numbers.values())


def whole_words(words: list[str]) -> Scanned:
    """Each word as one token, whatever it is made of."""
    ends = np.cumsum([0, *map(len, words)]).astype(np.int32)
    codes = codes_of("".join(words))
    hashes = [hash_of(codes, a, b) for a, b in pairwise(ends.tolist())]
    order = np.arange(len(words), dtype=np.int32)
    spans = np.column_stack([ends[:-1], ends[1:]])
    return Scanned("".join(words), codes, spans, order, ends[:-1], ends[1:], order, np.array(hashes, np.uint64))


def test_many_words_keep_their_numbers() -> None:
    surfaces, words = Surfaces(), [f"w{n}" for n in range(30_000)]
    for start in range(0, len(words), 7_000):
        surfaces.add(words[start : start + 7_000])
    assert surfaces.find(scan([" ".join(words)], whole=True)).tolist() == list(range(len(words)))
