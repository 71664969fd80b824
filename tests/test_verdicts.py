"""Verdicts: what must never be called backed, what must be, and what stands beside it. All papers are invented."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.evidence.citation import compare
from msminer.evidence.claims import StudyTarget, load_register, parse_register
from msminer.evidence.labelling import Reading
from msminer.evidence.publications import Figure, Finding, Publication
from msminer.evidence.statistics import Share
from msminer.evidence.tiers import stance_of
from msminer.evidence.verdicts import judge
from msminer.evidence.votes import Vote
from msminer.vocabulary import load_vocabulary

REGISTER = load_register()
VOCABULARY = load_vocabulary()
_IDS = itertools.count()


def finding(direction: str = "benefit", outcome: str = "disability", cell: str = "MSC", text: str = "") -> Finding:
    return Finding(outcome, direction, cell, text or f"{outcome} {direction}")


def paper(design: str, *findings: Finding, **changes: Any) -> Publication:
    name = f"P{next(_IDS):05}"
    populations = ("eae", "animal_model") if design == "animal" else ("none",) if design == "in_vitro" else ("ms",)
    cells = tuple(dict.fromkeys(one.cell_type for one in findings)) or ("MSC",)
    base: dict[str, Any] = {"year": 2015, "first_author": name, "title": f"Paper {name}", "routes": ("intravenous",)}
    base |= {"populations": populations, "cell_types": cells}
    return Publication(name, study_design=design, findings=findings, **{**base, **changes})


def many(count: int, design: str, direction: str = "benefit", **changes: Any) -> list[Publication]:
    return [paper(design, finding(direction), **changes) for _ in range(count)]


def claim(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "S0-01",
        "source": "S0",
        "about": "people",
        "topic": "t",
        "strength": "asserts",
        "check": "direction",
        "says": "Invented claim.",
        "expect": "benefit",
        "cell_types": ["MSC"],
        "outcome": "disability",
        "population": ["any"],
        "min_design": "in_vitro",
    }
    return {**base, **changes}


def entry(
    publications: Sequence[Publication], *, options: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    rules = REGISTER.rules.block.model_dump()
    data = {"rules": rules, "sources": [{"id": "S0", "kind": "k"}], "claims": [claim(**changes)]}
    result = judge(parse_register(data, VOCABULARY), publications, **(options or {}))
    json.dumps(result, allow_nan=False)
    found: dict[str, Any] = result["verdicts"][0]
    return found


def verdict(publications: Sequence[Publication], **changes: Any) -> str:
    return str(entry(publications, **changes)["verdict"])


EFFECT = [
    ("two of three series", many(8, "observational") + many(4, "observational", "no_effect"), "contested"),
    (
        "half of all studies, trials above series",
        many(2, "trial_controlled") + many(1, "trial_controlled", "mixed") + many(2, "observational", "no_effect"),
        "contested",
    ),
    (
        "good open-label trials above failing series",
        many(3, "trial_uncontrolled") + many(4, "observational", "no_effect"),
        "contested",
    ),
    (
        "one good and one null trial above 30 series",
        many(30, "observational") + many(1, "trial_controlled") + many(1, "trial_controlled", "no_effect"),
        "contested",
    ),
    ("nothing", [], "insufficient"),
    ("two trials", many(2, "trial_controlled"), "insufficient"),
    ("three trials", many(3, "trial_controlled"), "backed"),
    ("three series", many(3, "observational"), "backed"),
    ("case reports alone, however many", many(20, "case_report"), "insufficient"),
    ("animals alone, however many", many(50, "animal"), "backed in models only"),
    ("the dish alone", many(5, "in_vitro"), "backed in models only"),
    ("two animal studies", many(2, "animal"), "insufficient"),
    ("animals that disagree", many(3, "animal") + many(3, "animal", "no_effect"), "contested"),
    ("animals that fail", many(5, "animal", "no_effect"), "challenged"),
    (
        "a null trial against 30 series",
        many(30, "observational") + many(1, "trial_controlled", "no_effect"),
        "contested",
    ),
    ("a harmful trial against 30 series", many(30, "observational") + many(1, "trial_controlled", "harm"), "contested"),
    (
        "a mixed trial alone above 30 series",
        many(30, "observational") + many(1, "trial_controlled", "mixed"),
        "contested",
    ),
    (
        "three null trials against 30 series",
        many(30, "observational") + many(3, "trial_controlled", "no_effect"),
        "challenged",
    ),
    ("null trials against animals", many(30, "animal") + many(3, "trial_controlled", "no_effect"), "challenged"),
    ("one null trial against animals", many(30, "animal") + many(1, "trial_controlled", "no_effect"), "contested"),
    ("series that fail", many(4, "observational", "no_effect"), "challenged"),
    ("series that disagree", many(2, "observational") + many(2, "observational", "no_effect"), "contested"),
    ("one dissenter of three series", many(2, "observational") + many(1, "observational", "no_effect"), "insufficient"),
    ("mixed results only", many(6, "observational", "mixed"), "contested"),
    (
        "good trials above failing series",
        many(3, "trial_controlled") + many(9, "observational", "no_effect"),
        "contested",
    ),
    ("trials that disagree", many(3, "trial_controlled") + many(3, "trial_controlled", "no_effect"), "contested"),
    ("one dissenting trial of five", many(4, "trial_controlled") + many(1, "trial_controlled", "no_effect"), "backed"),
    ("people outweigh animals", many(4, "observational", "no_effect") + many(60, "animal"), "challenged"),
    (
        "narrative reviews and opinions alone",
        many(9, "narrative_review") + many(9, "opinion") + many(9, "guideline"),
        "insufficient",
    ),
    ("protocols alone", many(9, "protocol"), "insufficient"),
    (
        "a controlled trial in mice",
        many(9, "trial_controlled", populations=("eae", "animal_model")),
        "backed in models only",
    ),
]


@pytest.mark.parametrize(("case", "publications", "expected"), EFFECT, ids=[one[0] for one in EFFECT])
def test_effects(case: str, publications: list[Publication], expected: str) -> None:
    assert verdict(publications) == expected


def test_biology_may_be_backed_by_models() -> None:
    assert verdict(many(5, "animal"), about="biology") == "backed"


def test_the_largest_trial_is_not_outvoted_by_small_ones() -> None:
    small = many(5, "trial_controlled", n=12.0)
    large = many(1, "trial_controlled", "no_effect", n=400.0)
    assert verdict(small + large) == "contested"


def test_ten_reports_of_one_trial_are_one_vote() -> None:
    reports = many(10, "trial_uncontrolled", first_author="Doe", n=30.0)
    found = entry(reports)
    assert found["verdict"] == "insufficient"
    assert found["tiers"][0]["studies"] == 1


def test_an_open_label_extension_does_not_take_the_vote_of_a_null_trial() -> None:
    null = many(1, "trial_controlled", "no_effect", trial_ids=("NCT00000001",), year=2012)
    extension = many(1, "trial_uncontrolled", "benefit", trial_ids=("NCT00000001",), year=2018)
    found = entry(null + extension + many(8, "observational"))
    assert found["verdict"] == "contested"
    assert found["tiers"][0]["tier"] == "trial_controlled"


def test_retracted_work_never_counts_but_is_shown() -> None:
    found = entry(many(2, "trial_controlled") + many(2, "trial_controlled", retracted=True))
    assert found["verdict"] == "insufficient"
    assert found["with_retracted"] == {"verdict": "backed", "studies": 2}
    assert found["counts"]["left_out"]["retracted"] == 2


def test_concern_is_flagged() -> None:
    found = entry(many(3, "trial_controlled", concern=True))
    assert all(row["concern"] for row in found["deciding"])


PREDICATE = [
    ("a source rolls up", {"cell": "MSC-BM"}, {}, {}, True),
    ("a parent does not roll down", {"cell": "MSC"}, {}, {"cell_types": ["MSC-BM"]}, False),
    ("a progenitor is not marrow", {"cell": "MSC-NP"}, {}, {"cell_types": ["MSC-BM"]}, False),
    ("vesicles only where named", {"cell": "EV"}, {"cell_types": ("EV", "MSC")}, {}, False),
    ("vesicles where named", {"cell": "EV"}, {"cell_types": ("EV", "MSC")}, {"cell_types": ["EV"]}, True),
    ("a product is any stem cell's", {"cell": "EV"}, {"cell_types": ("EV", "MSC")}, {"cell_types": ["any"]}, True),
    ("a drug in a transplant paper", {"cell": "none"}, {"cell_types": ("MSC",)}, {"cell_types": ["any"]}, False),
    ("the body's own cells are not any", {"cell": "endogenous"}, {}, {"cell_types": ["any"]}, False),
    ("another disease", {}, {"populations": ("other_disease",)}, {}, False),
    ("another disease beside MS", {}, {"populations": ("ms", "other_disease")}, {}, True),
    ("another disease where named", {}, {"populations": ("other_disease",)}, {"population": ["other_disease"]}, True),
    ("a subtype is MS", {}, {"populations": ("spms",)}, {"population": ["ms"]}, True),
    ("MS is not a subtype", {}, {"populations": ("ms",)}, {"population": ["spms"]}, False),
    ("too weak a design", {}, {}, {"min_design": "trial_controlled"}, False),
    ("a named design", {}, {}, {"min_design": "trial_controlled", "designs": ["observational"]}, True),
    ("a keyword in the sentence", {"text": "Enhancing lesions fell"}, {}, {"keywords": ["enhanc"]}, True),
    ("a keyword in the title only", {}, {"title": "Enhancing lesions"}, {"keywords": ["enhanc"]}, False),
    ("long enough", {}, {"follow_up_months": 24.0}, {"horizon_months": 24}, True),
    ("too short", {}, {"follow_up_months": 23.0}, {"horizon_months": 24}, False),
    ("unknown length", {}, {}, {"horizon_months": 24}, False),
    ("another outcome", {"outcome": "mri"}, {}, {}, False),
    ("one of two outcomes", {"outcome": "mri"}, {}, {"outcome": ["relapse", "mri"]}, True),
]  # fmt: skip


@pytest.mark.parametrize(("case", "about", "row", "predicate", "counts"), PREDICATE, ids=[one[0] for one in PREDICATE])
def test_what_a_claim_is_about(
    case: str, about: dict[str, str], row: dict[str, Any], predicate: dict[str, Any], counts: bool
) -> None:
    papers = [paper("observational", finding(**about), **row) for _ in range(4)]
    assert verdict(papers, **predicate) == ("backed" if counts else "insufficient")


def test_an_animal_model_of_another_disease_is_no_model_of_ms() -> None:
    stroke = many(5, "animal", populations=("animal_model", "other_disease"))
    assert verdict(stroke) == "insufficient"
    assert verdict(many(5, "animal", populations=("eae", "animal_model", "other_disease"))) == "backed in models only"


def test_unknown_follow_up_is_left_out_and_counted() -> None:
    found = entry(many(2, "observational"), horizon_months=24)
    assert found["counts"]["left_out"] == {"unknown follow-up": 2}
    assert "2 papers are left out, since they do not say how long" in found["reason"]


def test_each_route_needs_a_study() -> None:
    spinal = many(4, "observational", routes=("intrathecal",))
    brain = many(1, "observational", routes=("intracerebral",))
    routes = ["intrathecal", "intracerebral"]
    assert verdict(spinal, routes=routes) == "insufficient"
    assert verdict(spinal + brain, routes=routes) == "backed"
    assert verdict(many(9, "observational"), routes=routes) == "insufficient"


def test_harm_expected_is_supported_by_harm() -> None:
    assert verdict(many(4, "observational", "harm"), expect="harm") == "backed"
    assert verdict(many(4, "observational"), expect="harm") == "challenged"


def test_a_systematic_review_decides_only_where_its_tier_has_no_study() -> None:
    review = [paper("systematic_review", finding(), title="Meta-analysis of 12 studies")]
    assert verdict(review) == "backed"
    assert verdict(review + many(4, "observational", "no_effect")) == "challenged"
    small = [paper("systematic_review", finding())]
    assert verdict(small) == "insufficient"
    assert verdict(review, min_design="systematic_review", designs=["systematic_review"]) == "insufficient"


def test_a_review_of_unknown_follow_up_decides_nothing_over_a_horizon() -> None:
    review = [paper("systematic_review", finding(), title="Meta-analysis of 12 studies")]
    long = [paper("systematic_review", finding(), title="Meta-analysis of 12 studies", follow_up_months=60.0)]
    assert verdict(review, horizon_months=24) == "insufficient"
    assert verdict(long, horizon_months=24) == "backed"


def test_a_reference_that_was_not_searched_is_not_called_not_found() -> None:
    assert entry([], options={"queries_searched": frozenset({"other"})}, **REFERENCE)["verdict"] == "insufficient"
    assert verdict([], **REFERENCE) == "not found"


def test_a_review_of_mice_and_people_stands_for_neither() -> None:
    review = [paper("systematic_review", finding(), title="Review of 12 studies", populations=("ms", "animal_model"))]
    assert verdict(review) == "insufficient"


def mention(publications: Sequence[Publication], **changes: Any) -> str:
    return verdict(publications, **{"check": "mention", "expect": "present", **changes})


MENTION = [
    ("one series in people says it", many(1, "observational", "harm"), {}, "backed"),
    ("one case report", many(1, "case_report"), {}, "insufficient"),
    ("two case reports", many(2, "case_report"), {}, "backed"),
    ("two animal studies", many(2, "animal"), {}, "backed in models only"),
    ("two animal studies on biology", many(2, "animal"), {"about": "biology"}, "backed"),
    ("the wrong direction", many(3, "observational"), {"directions": ["harm", "mixed"]}, "insufficient"),
    ("reviews where they are admitted", many(2, "narrative_review"), {"designs": ["narrative_review"]}, "backed"),
    ("reviews below the least design", many(5, "narrative_review"), {}, "insufficient"),
    ("records without a finding: two", many(2, "protocol"), {"outcome": [], "designs": ["protocol"]}, "insufficient"),
    ("records without a finding: three", many(3, "protocol"), {"outcome": [], "designs": ["protocol"]}, "backed"),
    ("retracted only", many(5, "observational", retracted=True), {}, "insufficient"),
]


@pytest.mark.parametrize(("case", "publications", "changes", "expected"), MENTION, ids=[one[0] for one in MENTION])
def test_mentions(case: str, publications: list[Publication], changes: dict[str, Any], expected: str) -> None:
    assert mention(publications, **changes) == expected


COUNTED = [
    ("all are on people", ["observational", "case_report"], "people", {"observational": 1, "case_report": 1}),
    ("models beside people", ["observational", "animal"], "people", {"observational": 1, "animal": 0}),
    ("models beside people, on biology", ["observational", "animal"], "biology", {"observational": 1, "animal": 1}),
    ("models alone", ["animal", "animal"], "people", {"animal": 2}),
    ("too few", ["case_report"], "people", {"case_report": 1}),
]


@pytest.mark.parametrize(("case", "designs", "about", "counted"), COUNTED, ids=[one[0] for one in COUNTED])
def test_sources_that_count_are_those_that_decide(
    case: str, designs: list[str], about: str, counted: dict[str, int]
) -> None:
    papers = [paper(design, finding()) for design in designs]
    found = entry(papers, check="mention", expect="present", about=about)
    assert {row["tier"]: row["counted"] for row in found["tiers"]} == counted
    assert {row["tier"]: row["stance"] == "source" for row in found["tiers"]} == {k: n > 0 for k, n in counted.items()}
    assert {row["tier"] for row in found["deciding"]} == {name for name, n in counted.items() if n}
    assert {row["tier"] for row in found["tiers"] if row["method"] == "shown, not counted"} == {
        name for name, n in counted.items() if not n
    }
    assert len(found["sentences"]) == len(found["deciding"])


def test_of_reviews_those_on_people_alone_count_beside_people() -> None:
    reviews = [paper("systematic_review", finding(), populations=(one,)) for one in ("ms", "eae")]
    found = entry([*many(1, "observational"), *reviews], check="mention", expect="present")
    assert [(row["studies"], row["counted"]) for row in found["tiers"]] == [(1, 1), (2, 1)]
    assert reviews[1].id not in {row["publication_id"] for row in found["deciding"]}


def drugs(direction: str, text: str) -> Publication:
    return paper("trial_controlled", finding(direction, text=text))


def test_a_drug_arm_needs_a_drug_as_comparator() -> None:
    compared = [
        "better than alemtuzumab",
        "3 cells vs 34 drug patients",
        "compared with continued disease-modifying drugs",
    ]
    other = ["better than placebo", "after alemtuzumab", "conditioning with a drug", "fewer relapses than before"]
    against = {"check": "comparison", "against": "drug_arm"}
    assert verdict([drugs("benefit", text) for text in compared], **against) == "backed"
    assert entry([drugs("benefit", text) for text in other], **against)["counts"]["matching"] == 0


def test_two_cell_types_need_studies_on_both_sides() -> None:
    against = {"check": "comparison", "against": ["HSC"]}
    other = [paper("observational", finding("no_effect", cell="HSC")) for _ in range(30)]
    assert verdict(many(30, "observational"), **against) == "insufficient"
    assert verdict(many(30, "observational") + other, **against) == "backed"
    better = [paper("observational", finding(cell="HSC")) for _ in range(30)]
    assert verdict(many(30, "observational", "no_effect") + better, **against) == "challenged"
    assert verdict(many(3, "observational") + other[:3], **against) in {"contested", "backed"}


def figures(*values: tuple[float, int | None], region: str = "worldwide") -> list[Publication]:
    return [
        paper("observational", figures=(Figure("people with MS (adults)", region, value, year),))
        for value, year in values
    ]


FIGURE = {"check": "figure", "expect": "present", "cell_types": [], "outcome": []}
ABOUT = {"quantity": "people with MS", "region": "worldwide", "about": 1000, "tolerance": 0.2}


@pytest.mark.parametrize(
    ("papers", "expected"),
    [
        (figures((900, 2010), (1100, 2018)), "backed"),
        (figures((1000, 2010), (2000, 2018)), "challenged"),
        (figures((1000, 2018), (2000, 2018)), "contested"),
        (figures((1000, 2018), region="United States"), "insufficient"),
        ([], "insufficient"),
    ],
)
def test_the_newest_figure_decides(papers: list[Publication], expected: str) -> None:
    assert verdict(papers, figure=ABOUT, **FIGURE) == expected


def test_figures_are_read_from_abstracts() -> None:
    text = (
        "Background. In 2020, 2.8 million people lived with MS worldwide. Costs were $85 million in the United States."
    )
    least = {"quantity": "people with MS", "region": "worldwide", "at_least": 2_000_000}
    found = entry([paper("observational", abstract=text)], figure=least, **FIGURE)
    assert found["verdict"] == "backed"
    assert [(row["value"], row["year"]) for row in found["figures"]] == [(2_800_000, 2020)]
    own = entry([paper("observational", abstract=text, abstract_kind="digest")], figure=least, **FIGURE)
    assert [one["sentences"][0]["kind"] for one in (found, own)] == ["quote", "digest"]


REFERENCE = {
    "check": "citation",
    "expect": "present",
    "cell_types": [],
    "outcome": [],
    "study": {
        "authors": ["Doe J", "Roe R"],
        "year": 2020,
        "title_words": ["invented cells", "multiple sclerosis", "rabbits"],
    },
}
TITLE = "Invented cells in multiple sclerosis: rabbits and hope"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"title": TITLE, "authors": ("Doe J", "Roe R"), "year": 2020}, "confirmed"),
        ({"title": TITLE, "authors": ("Doe J", "Roe R"), "year": 2019}, "misquoted"),
        ({"title": TITLE, "authors": ("Doe J", "Poe E"), "year": 2020}, "misquoted"),
        (
            {"title": "Invented cells in multiple sclerosis: a review", "authors": ("Doe J", "Roe R"), "year": 2020},
            "misquoted",
        ),
        ({"title": "Something else", "authors": ("Poe E",), "year": 2020}, "not found"),
        ({"title": "Something else", "authors": ("Poe E",), "year": 1999}, "not found"),
    ],
)
def test_a_reference_is_compared_field_by_field(record: dict[str, Any], expected: str) -> None:
    first = record["authors"][0]
    assert verdict([paper("narrative_review", **{"first_author": first, **record})], **REFERENCE) == expected


def test_records_brought_by_a_search_for_the_reference_are_compared() -> None:
    found = paper("narrative_review", title=TITLE, authors=("Doe J", "Roe R"), year=2020)
    options = {"citation_lookup": lambda _: [found], "queries_searched": frozenset({"other"})}
    result = entry([], options=options, **REFERENCE)
    assert result["verdict"] == "confirmed"
    assert result["candidates"][0]["fields"]["year"] == "confirmed"


DESCRIBED = {
    **REFERENCE,
    "study": {
        "cell_types": ["MSC-AD"],
        "routes": ["intrathecal"],
        "follow_up_months": [18],
        "finding": "no progression",
    },
}


@pytest.mark.parametrize(
    ("changes", "direction", "expected"),
    [
        ({"follow_up_months": 18.0}, "benefit", "confirmed"),
        ({"follow_up_months": 12.0}, "benefit", "misquoted"),
        ({"follow_up_months": 18.0}, "harm", "misquoted"),
        ({"follow_up_months": 12.0}, "harm", "not found"),
        ({"follow_up_months": 18.0, "routes": ("intravenous",)}, "benefit", "not found"),
        ({"follow_up_months": 18.0, "cell_types": ("MSC", "MSC-BM")}, "benefit", "not found"),
    ],
)
def test_a_described_study(changes: dict[str, Any], direction: str, expected: str) -> None:
    row = {"cell_types": ("MSC", "MSC-AD"), "routes": ("intrathecal",), **changes}
    assert verdict([paper("trial_uncontrolled", finding(direction, cell="MSC-AD"), **row)], **DESCRIBED) == expected


@pytest.mark.parametrize(
    ("study", "record", "field", "expected"),
    [
        ({"journal": "Mult Scler J"}, {"journal": "Multiple sclerosis journal"}, "journal", "confirmed"),
        ({"journal": "Mult Scler J"}, {"journal": "Neurology"}, "journal", "differs"),
        ({"journal": "Neurology"}, {}, "journal", "unknown"),
        ({"doses": 3}, {"title": "Three spinal doses of cells"}, "doses", "confirmed"),
        ({"doses": 3}, {"title": "After 4 injections"}, "doses", "differs"),
        ({"doses": 3}, {"title": "Cells"}, "doses", "unknown"),
        ({"follow_up_months": [48]}, {"title": "Up to four years of cells"}, "follow_up_months", "confirmed"),
        ({"follow_up_months": [48]}, {"title": "Cells"}, "follow_up_months", "unknown"),
        ({"finding": "no adverse events"}, {}, "finding", "unknown"),
        ({"authors": ["Doe J", "Roe R"]}, {"first_author": "Doe"}, "authors", "confirmed"),
        ({"authors": ["Doe J", "Roe R"]}, {"first_author": "Roe"}, "authors", "differs"),
        ({"authors": ["Doe J"]}, {"first_author": None}, "authors", "unknown"),
        ({"title_words": ["cells"]}, {"title": "Cells", "title_descriptive": True}, "title_words", "unknown"),
        ({"year": 2020}, {"year": None}, "year", "unknown"),
        ({"routes": ["intrathecal"]}, {"routes": ()}, "routes", "unknown"),
    ],
)  # fmt: skip
def test_one_field_of_a_reference(study: dict[str, Any], record: dict[str, Any], field: str, expected: str) -> None:
    found = compare(StudyTarget.model_validate(study), paper("trial_uncontrolled", **record), VOCABULARY)
    assert found == {field: expected}


def test_not_searched_is_no_absence_of_papers() -> None:
    papers = [paper("trial_controlled", finding(), queries=frozenset({"remyelination"})) for _ in range(4)]
    options = {"queries_searched": frozenset({"remyelination"})}
    found = entry(papers, options=options)
    assert (found["verdict"], found["searched"]) == ("insufficient", False)
    assert "not searched" in found["reason"]
    assert entry(papers, options=options, query="remyelination")["verdict"] == "backed"


def test_a_custom_query_stands_in_for_the_default_one_only() -> None:
    papers = [paper("trial_controlled", finding(), queries=frozenset({"custom"})) for _ in range(4)]
    options = {"queries_searched": frozenset({"custom"})}
    assert entry(papers, options=options)["verdict"] == "backed"
    assert entry(papers, options=options, query="remyelination")["searched"] is False


def test_the_verdict_of_every_year_and_when_it_flipped() -> None:
    papers = [paper("observational", finding(), year=year) for year in (2001, 2003, 2006)]
    found = entry([*papers, paper("observational", finding(), year=None)])
    assert [row["year"] for row in found["as_of"]] == list(range(2001, 2007))
    assert [row["verdict"] for row in found["as_of"]][-2:] == ["insufficient", "backed"]
    assert found["flipped"] == 2006


def test_leaving_out_the_study_that_carries_it() -> None:
    found = entry(many(3, "observational"))
    assert found["without_most_influential"]["verdict"] == "insufficient"
    assert entry([])["without_most_influential"] is None


def test_subtypes_stand_apart() -> None:
    relapsing = many(4, "observational", populations=("rrms", "ms"))
    progressive = many(4, "observational", "no_effect", populations=("spms", "ms"))
    rows = {row["population"]: row for row in entry(relapsing + progressive)["subtypes"]}
    assert (rows["rrms"]["share"], rows["progressive"]["share"]) == (1.0, 0.0)
    assert rows["rrms"]["differ"]
    few = entry(relapsing + progressive[:2])
    assert not few["subtypes"][0]["differ"]
    assert "progressive MS alone 0 of 2, too few to be sure" in few["reason"]


def test_harm_and_benefit_are_both_shown() -> None:
    harm = paper("case_report", finding("harm", "safety"))
    found = entry([*many(4, "observational"), paper("observational", finding("benefit", "safety")), harm])
    assert found["safety"]["benefit"] == 1
    assert found["safety"]["case_reports_of_harm"] == [harm.id]


def test_a_claim_that_denies_is_told_so() -> None:
    assert "something is not so" in entry([], says="There is no cure.")["reason"]
    assert "something is not so" not in entry([], says="Cells help (not only in mice).")["reason"]


def test_small_trials_do_not_rule_out_a_rare_risk() -> None:
    papers = [paper("trial_uncontrolled", finding("benefit", "safety"), n=10.0) for _ in range(3)]
    assert "none of 30 people had a serious event, a risk of up to 10.0%" in entry(papers, outcome="safety")["reason"]


def test_no_more_harm_than_the_comparator_is_safe() -> None:
    papers = [paper("trial_controlled", finding("no_effect", "safety")) for _ in range(3)]
    found = entry(papers, outcome="safety")
    assert (found["verdict"], found["tiers"][0]["no_effect"]) == ("backed", 3)
    assert verdict(many(3, "trial_controlled", "no_effect")) == "challenged"


@pytest.mark.parametrize(
    ("quantity", "region", "expected"),
    [
        ("people with MS", "USA", "backed"),
        ("People with MS (adults), upper estimate", "United States", "backed"),
        ("people with MS per 100,000", "United States", "insufficient"),
        ("people with MS (per 100,000)", "United States", "insufficient"),
        ("people with MSA", "United States", "insufficient"),
    ],
)
def test_a_figure_must_be_of_the_quantity_and_region(quantity: str, region: str, expected: str) -> None:
    papers = [paper("observational", figures=(Figure(quantity, region, 1000, 2020),))]
    assert verdict(papers, figure={**ABOUT, "region": "United States"}, **FIGURE) == expected


ERRORS = {
    "findings": {
        "direction": {
            "benefit": {"benefit": 80, "no_effect": 10, "harm": 5, "mixed": 5},
            "no_effect": {"benefit": 10, "no_effect": 30, "harm": 0, "mixed": 0},
            "harm": {"benefit": 4, "no_effect": 1, "harm": 20, "mixed": 0},
            "mixed": {"benefit": 10, "no_effect": 2, "harm": 2, "mixed": 10},
            "none": {"benefit": 20, "no_effect": 5, "harm": 5, "mixed": 5},
        }
    }
}


def read(count: int) -> list[Publication]:
    sentence = Finding("disability", "benefit", "MSC", "It helped.", "quote", 0, 10, 0.8)
    return [paper("observational", sentence) for _ in range(count)]


def test_labels_that_may_be_wrong_weigh_less_than_labels_by_people() -> None:
    by_people, by_model = entry(many(6, "observational")), entry(read(6), options={"errors": ERRORS})
    one, other = by_people["tiers"][0], by_model["tiers"][0]
    assert other["low"] < one["low"]
    assert other["share"] < one["share"]
    assert verdict(many(3, "observational")) == "backed"
    assert entry(read(3), options={"errors": ERRORS})["verdict"] == "insufficient"


@pytest.mark.parametrize(
    ("agrees", "share", "chance", "by_people", "by_model"),
    [
        (True, 0.85, 0.85, "supports", "too few"),
        (True, 0.85, 0.9, "supports", "supports"),
        (False, 0.1, 0.15, "against", "against"),
    ],
)
def test_a_model_must_be_surer_to_support_a_claim_than_to_speak_against_it(
    agrees: bool, share: float, chance: float, by_people: str, by_model: str
) -> None:
    told = "benefit" if agrees else "harm"
    vote = Vote("1", paper("observational"), "observational", told, agrees, "MSC", (), float(agrees))
    one = np.ones((1, 1))
    read_by_model = replace(vote, reading=Reading((told,), one[0], one, one, {told: (1.0, float(agrees), 0.0)}))
    found = Share(share, 0.0, 1.0, chance, share, 0.1, "partial pooling")
    assert stance_of([vote] * 5, found, REGISTER.rules) == by_people
    assert stance_of([*[vote] * 4, read_by_model], found, REGISTER.rules) == by_model


def test_the_order_of_rows_does_not_matter() -> None:
    papers = many(3, "trial_controlled") + many(4, "observational", "mixed") + many(2, "animal", "harm")
    assert entry(papers) == entry(papers[::-1])


DESIGNS = ("trial_controlled", "trial_uncontrolled", "observational", "case_report", "animal", "in_vitro")
ROWS = st.lists(
    st.tuples(st.sampled_from(DESIGNS), st.sampled_from(("benefit", "no_effect", "harm", "mixed"))), max_size=14
)


def support(rows: list[tuple[str, str]]) -> float:
    scores = {"benefit": 1.0, "mixed": 0.5}
    return sum(scores.get(direction, 0.0) for design, direction in rows if design in DESIGNS[:3])


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_backed_in_people_always_has_enough_studies_in_people(rows: list[tuple[str, str]]) -> None:
    found = entry([paper(design, finding(direction)) for design, direction in rows])
    people = [direction for design, direction in rows if design in DESIGNS[:3]]
    nulls = [d for design, d in rows if design == "trial_controlled" and d in {"no_effect", "harm"}]
    if found["verdict"] == "backed":
        assert len(people) >= 3
        assert support(rows) * 2 > len(people)
        assert len(nulls) * 3 <= sum(design == "trial_controlled" for design, _ in rows)
    if not people:
        assert found["verdict"] != "backed"


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from(("trial_controlled", "trial_uncontrolled", "observational")))
def test_one_more_failure_never_makes_a_claim_backed(rows: list[tuple[str, str]], design: str) -> None:
    papers = [paper(one, finding(direction)) for one, direction in rows]
    if verdict([*papers, paper(design, finding("no_effect"))]) == "backed":
        assert verdict(papers) == "backed"


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(1, 30))
def test_animals_never_make_a_claim_about_people_backed(rows: list[tuple[str, str]], count: int) -> None:
    papers = [paper(one, finding(direction)) for one, direction in rows]
    if verdict(papers) != "backed":
        assert verdict(papers + many(count, "animal")) != "backed"


def test_every_entry_has_every_key() -> None:
    keys = {
        *(
            "claim_id",
            "verdict",
            "reason",
            "tiers",
            "deciding",
            "sentences",
            "as_of",
            "flipped",
            "without_most_influential",
        ),
        *("with_retracted", "would_change", "subtypes", "safety", "also_report", "candidates", "figures", "searched"),
        *("query", "counts"),
    }
    result = judge(REGISTER, many(3, "trial_controlled"))
    assert result["rules_version"] == REGISTER.rules.version
    assert [one["claim_id"] for one in result["verdicts"]] == [one.id for one in REGISTER.claims]
    assert all(set(one) == keys for one in result["verdicts"])
    assert all(one["reason"] and one["would_change"] for one in result["verdicts"])
