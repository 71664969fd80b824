"""Reasons in plain words: each number with its count, and nothing that a reader would take for what it is not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msminer.evidence.phrases import joined, share
from msminer.evidence.publications import Figure, Publication
from test_verdicts import entry, finding, many, paper


@pytest.mark.parametrize(
    ("agreeing", "studies", "estimate", "told"),
    [
        (0, 1, 0.28, "0 of 1"),
        (3, 4, 0.51, "3 of 4"),
        (5, 8, 0.58, "5 of 8 (an estimated 58%)"),
        (5, 5, 1.0, "5 of 5"),
    ],
)
def test_few_studies_are_counted_and_never_a_share_alone(
    agreeing: int, studies: int, estimate: float, told: str
) -> None:
    assert share(agreeing, studies, estimate) == told


@pytest.mark.parametrize(
    ("words", "told"), [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_lists(words: tuple[str, ...], told: str) -> None:
    assert joined(words) == told


MANY_MORE = [*many(4, "observational", "no_effect"), paper("case_report", finding())]
REASONS = [
    ("nothing", [], "no study among the records tests this"),
    ("one", many(1, "animal"), "too few studies: 1 animal study (it found benefit)"),
    ("two", many(2, "observational", "harm"), "too few studies: 2 observational studies (both found harm)"),
    ("one beside", MANY_MORE, "4 observational studies (all found no effect); there is also 1 case report (it found"),
    (
        "two ways",
        [*many(3, "trial_controlled"), *many(3, "trial_controlled", "no_effect")],
        "(3 found benefit, 3 no eff",
    ),
    ("models", many(6, "animal"), "; 6 of 6 animal or laboratory studies support it, but so do 423 of 470 (90%)"),
    ("a review alone", many(1, "narrative_review"), "tests this; 1 narrative review on it has no vote"),
]


@pytest.mark.parametrize(("case", "papers", "told"), REASONS, ids=[one[0] for one in REASONS])
def test_reasons_count_what_they_tell(case: str, papers: list[Publication], told: str) -> None:
    assert told in entry(papers)["reason"]


def test_benefits_do_not_pass_for_the_harm_that_is_claimed() -> None:
    told = entry(many(5, "observational"), expect="harm")["reason"]
    assert told == "most studies do not support it, and none reports harm: 5 observational studies (all found benefit)"
    some = entry([*many(4, "observational"), paper("observational", finding("harm"))], expect="harm")["reason"]
    assert "none reports" not in some


@pytest.mark.parametrize(
    ("papers", "told"),
    [
        ([], "no paper among the records says so"),
        (many(1, "animal"), "too few papers say so: 1 animal study"),
        (many(3, "observational"), "the literature says so: 3 observational studies"),
    ],
)
def test_mentions_in_words(papers: list[Publication], told: str) -> None:
    assert entry(papers, check="mention", expect="present")["reason"] == told


def test_one_number_of_many_papers_is_told_once() -> None:
    def stating(value: float) -> Publication:
        return paper("narrative_review", figures=(Figure("people with MS", "worldwide", value, 2021, "s"),))

    target = {"quantity": "people with MS", "region": "worldwide", "at_least": 1_000_000}
    found = entry([stating(2.5e6), stating(2.5e6), stating(2.8e6)], check="figure", expect="present", figure=target)
    told = "2,500,000 people with MS, worldwide, 2021 (2 papers); 2,800,000 people with MS, worldwide, 2021 (1 paper)"
    assert found["reason"].endswith(told)


def test_models_are_set_apart_where_people_alone_back_a_mention() -> None:
    papers = [*many(2, "observational"), *many(3, "animal")]
    mixed, biology = (entry(papers, check="mention", expect="present", about=about) for about in ("people", "biology"))
    assert mixed["reason"].endswith("2 observational studies; not counted, since not on people: 3 animal studies")
    assert mixed["would_change"].startswith("the loss of papers on people")
    assert mixed["would_change"].endswith("there are 2 now")
    assert biology["reason"].endswith("2 observational studies and 3 animal studies")
    only_models = entry(many(4, "animal"), check="mention", expect="present")
    assert only_models["would_change"].endswith("there are 0 now")


def test_what_would_change_a_mention_says_what_the_rules_ask_for() -> None:
    none, enough = (entry(many(n, "animal"), check="mention", expect="present") for n in (0, 4))
    assert "2 papers of any kind, that say so with little doubt; there are 0 now" in none["would_change"]
    assert enough["would_change"].startswith(("the loss of papers", "more papers on people"))


def test_both_sides_are_missing_where_a_comparison_has_one() -> None:
    found = entry(many(5, "observational"), check="comparison", against=["NSC"], min_design="observational")
    assert found["reason"].startswith("too few studies to set side by side, 5 against 0")
    assert found["would_change"] == "more studies on both sides of the comparison"


DESIGNS = st.sampled_from(["trial_controlled", "trial_uncontrolled", "observational", "case_report", "animal"])
DIRECTIONS = st.sampled_from(["benefit", "no_effect", "mixed", "harm"])


@given(st.lists(st.tuples(DESIGNS, DIRECTIONS), max_size=12))
def test_every_share_stands_with_its_count(studies: list[tuple[str, str]]) -> None:
    papers = [paper(design, finding(direction)) for design, direction in studies]
    found: dict[str, Any] = entry(papers)
    told = found["reason"].replace("423 of 470 (90%) animal", "")
    assert re.sub(r"\d+ of \d+ \(an estimated \d+%\)", "", told).count("%") == 0
    # What is told in brackets adds up to the studies before them.
    for listed, said in re.findall(r"(?:^|: |also )([^:;()]+) \(([^)]*found[^)]*)\)", told):
        counted = sum(int(n) for n in re.findall(r"\d+", listed))
        directions = [int(n) for n in re.findall(r"\d+", said)]
        assert not directions or sum(directions) == counted
