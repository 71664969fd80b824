"""One study, one vote: what is merged, what never is, and which publication speaks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.evidence.claims import load_register
from msminer.evidence.publications import Finding, Publication
from msminer.evidence.registry import follow_up_months, patients, registry_numbers, trial_acronyms
from msminer.evidence.studies import find_studies, speaker, studies_table, surname, tier_of

REGISTER = load_register()
RULES, VOCABULARY = REGISTER.rules, REGISTER.vocabulary
GOOD = (Finding("disability", "benefit", "HSC", "better"),)


def paper(name: str, **changes: Any) -> Publication:
    base: dict[str, Any] = {
        "study_design": "trial_uncontrolled",
        "cell_types": ("HSC",),
        "populations": ("rrms", "ms"),
        "first_author": "Doe",
        "n": 24.0,
        "year": 2015,
        "findings": GOOD,
        "title": f"Paper {name}",
    }
    return Publication(name, **{**base, **changes})


def groups(*papers: Publication) -> list[list[str]]:
    return sorted(sorted(one.id for one in study.publications) for study in find_studies(papers, VOCABULARY).studies)


MERGED = [
    ("author, cells, population and size", {}, {"year": 2019}),
    ("first author with initials", {}, {"first_author": "Doe JA"}),
    (
        "one registry number in the row, one in the abstract",
        {"trial_ids": ("NCT 01234567",), "n": 9.0, "first_author": "A"},
        {"abstract": "Registered as nct01234567.", "first_author": "B"},
    ),
    (
        "trial name and sizes one in twenty apart",
        {"title": "ABC-MS final report", "first_author": "A"},
        {"title": "A trial of cells (ABC-MS): interim", "n": 25.0, "first_author": "B"},
    ),
    (
        "protocol and results by name",
        {"study_design": "protocol", "title": "The protocol (TRIALX)", "n": None, "findings": ()},
        {"title": "Results (TRIALX): a trial", "first_author": "B"},
    ),
    ("a source named in one only", {"cell_types": ("MSC", "MSC-BM")}, {"cell_types": ("MSC",)}),
    ("the same paper twice", {"doi": "10.1000/ABC", "n": 1.0, "first_author": "A"}, {"doi": "10.1000/abc", "n": 2.0}),
    (
        "a review listed twice",
        {"study_design": "narrative_review", "pmid": "5"},
        {"study_design": "narrative_review", "pmid": "5"},
    ),
]


@pytest.mark.parametrize(("why", "first", "second"), MERGED)
def test_publications_of_one_study_are_one(why: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    assert groups(paper("a", **first), paper("b", **second)) == [["a", "b"]], why


APART = [
    ("different sizes", {}, {"n": 48.0}),
    ("sizes alike but no trial named", {}, {"n": 25.0}),
    ("size unknown", {"n": None}, {"n": None}),
    ("another author", {}, {"first_author": "Roe"}),
    ("author unknown", {"first_author": None}, {"first_author": None}),
    ("another cell type", {}, {"cell_types": ("MSC", "MSC-BM")}),
    ("another course of MS", {}, {"populations": ("spms", "ms")}),
    ("different numbers of one registry", {"trial_ids": ("NCT01234567",)}, {"trial_ids": ("NCT07654321",)}),
    ("case reports of one patient each", {"n": 1.0, "study_design": "case_report"},
     {"n": 1.0, "study_design": "case_report"}),
    ("a review and its trial", {"study_design": "systematic_review"}, {}),
    ("a review that names the trial's number", {"study_design": "narrative_review", "abstract": "NCT01234567"},
     {"trial_ids": ("NCT01234567",)}),
    ("decades apart", {"year": 1999}, {"year": 2019}),
]  # fmt: skip


@pytest.mark.parametrize(("why", "first", "second"), APART)
def test_different_studies_stay_apart(why: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    assert groups(paper("a", **first), paper("b", **second)) == [["a"], ["b"]], why


def test_a_pooled_analysis_does_not_chain_the_trials_it_pools() -> None:
    one = paper("a", trial_ids=("NCT00000001",), first_author="A")
    other = paper("b", trial_ids=("NCT00000002",), first_author="B")
    pooled = paper("c", trial_ids=("NCT00000001", "NCT00000002"), first_author="C", n=48.0)
    assert groups(one, other, pooled) == [["a"], ["b"], ["c"]]


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    papers = [paper(str(i), n=24.0 if i < 3 else 40.0, first_author="Doe" if i % 2 else "Roe") for i in range(6)]
    assert groups(*[papers[i] for i in order]) == groups(*papers)


def test_the_newest_with_results_speaks_but_not_over_a_stronger_design() -> None:
    old = paper("old", year=2012)
    new = paper("new", year=2018)
    silent = paper("silent", year=2020, findings=())
    trial = paper("trial", year=2010, study_design="trial_controlled")
    retracted = paper("gone", year=2021, retracted=True)
    voice = speaker([old, new, silent, retracted], RULES)
    assert voice is not None
    assert voice.id == "new"
    strongest = speaker([old, new, trial], RULES)
    assert strongest is not None
    assert strongest.id == "trial"
    assert speaker([silent, retracted], RULES) is None


@pytest.mark.parametrize(
    ("design", "populations", "tier"),
    [
        ("trial_controlled", ("ms",), "trial_controlled"),
        ("trial_controlled", ("eae", "animal_model"), "animal"),
        ("observational", ("none",), "in_vitro"),
        ("animal", ("ms", "animal_model"), "animal"),
        ("trial_controlled", ("healthy_human",), "trial_controlled"),
    ],
)
def test_an_animal_result_never_stands_in_a_human_tier(design: str, populations: tuple[str, ...], tier: str) -> None:
    assert tier_of(paper("a", study_design=design, populations=populations), RULES) == tier


def test_the_table_names_the_speaker_first() -> None:
    frame = studies_table(find_studies([paper("a", year=2012), paper("b", year=2018)], VOCABULARY), RULES)
    assert frame["publications"].tolist() == [["b", "a"]]
    assert frame["why_one"].tolist() == ["author, cells, population and size"]


def test_a_table_of_no_studies_is_empty() -> None:
    assert len(studies_table(find_studies([], VOCABULARY), RULES)) == 0


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("(NCT01895439)", ("NCT01895439",)),
        ("ClinicalTrials.gov: NCT 01895439; again nct-01895439", ("NCT01895439",)),
        ("ISRCTN 12345678", ("ISRCTN12345678",)),
        ("EudraCT number 2009-016442-74", ("EUDRACT2009-016442-74",)),
        ("ACTRN12611000503987 and IRCT201012123456N2", ("ACTRN12611000503987", "IRCT201012123456N2")),
        (
            "ChiCTR-TRC-12002345; UMIN000012345; jRCT2031200123",
            ("CHICTRTRC-12002345", "JRCT2031200123", "UMIN000012345"),
        ),
        ("NCT0189543 is one digit short; 2009-2010; NTR2500", ("NTR2500",)),
        ("no number here, n=12345678", ()),
    ],
)
def test_registry_numbers(text: str, numbers: tuple[str, ...]) -> None:
    assert sorted(registry_numbers(text)) == sorted(numbers)


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("HALT-MS final 5-year report", {"HALT-MS"}),
        ("A randomised trial (CCMR One): results", {"CCMR ONE"}),
        ("Effect of HSCT in RRMS: the EDSS and MRI", set()),
        ("MESENCHYMAL STEM CELLS (MSC): A REVIEW", set()),
        (None, set()),
    ],
)
def test_trial_names(title: str | None, names: set[str]) -> None:
    assert trial_acronyms(title) == names


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("We enrolled 24 patients with MS.", 24),
        ("A total of 1,626 participants were included.", 1626),
        ("Mice (n = 12) recovered.", 12),
        ("It has been known for 20 years.", None),
        ("From 1995 to 2015 patients were followed; 43 women were treated.", 43),
    ],
)
def test_patients_are_counted_only_where_stated(text: str, n: int | None) -> None:
    assert patients(text) == n


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("Median follow-up was 36 months.", 36.0),
        ("Patients were followed for 2 years; a 5-year follow-up is planned.", 60.0),
        ("with 12 months of follow-up", 12.0),
        ("Disease duration was 10 years.", None),
    ],
)
def test_follow_up(text: str, months: float | None) -> None:
    assert follow_up_months(text) == months


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Nash RA", "nash"),
        ("Nash", "nash"),
        ("van der Berg J", "van der berg"),
        ("Fernández O", "fernandez"),
        (None, ""),
    ],
)
def test_surnames(name: str | None, plain: str) -> None:
    assert surname(name) == plain
