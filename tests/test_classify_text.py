"""Sentences, tokens, short forms, phrases: what every offset and label stands on."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msminer.classify.phrases import PhraseBook, folded
from msminer.classify.text import full_text, sentence_spans, short_forms, tokens


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
