"""The tools for one's own claims: check, add, preview, draft."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.claimtools.add import Question, ask_all, questions
from msminer.claimtools.add import add as add_to
from msminer.claimtools.check import check
from msminer.claimtools.draft import draft, draft_yaml, sentences_of
from msminer.claimtools.preview import as_text, preview
from msminer.claimtools.register import load_with
from msminer.claimtools.words import phrases
from msminer.errors import ClaimError
from msminer.evidence.claims import Claim, load_register
from msminer.evidence.publications import Finding, Publication
from msminer.resources import shipped

SHIPPED = load_register()
ARTICLE = Path(__file__).parent / "data" / "article.txt"

RIGHT = """\
sources:
  - {id: S7, kind: a leaflet of our own}
claims:
  # on walking
  - {id: S7-01, source: S7, about: people, topic: walking, strength: asserts, check: direction,
     says: "Fat cells help people walk.",
     cell_types: [MSC-AD], outcome: disability, expect: benefit, population: [ms], min_design: case_report}
"""


def file_of(folder: Path, text: str = RIGHT) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def add(path: Path, fields: dict[str, Any], **options: Any) -> Claim:
    return add_to(path, fields, vocabulary=SHIPPED.vocabulary, **options)


# ---- the register with one's own claims


def test_a_file_without_rules_extends_the_shipped_register(tmp_path: Path) -> None:
    register = load_with(file_of(tmp_path))
    assert len(register.claims) == len(SHIPPED.claims) + 1
    assert register.rules == SHIPPED.rules
    assert register.claim("S7-01").outcome == ("disability",)


def test_a_whole_register_stands_alone() -> None:
    assert load_with(shipped("data", "claims.yaml")) == load_with() == SHIPPED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "list named claims"),
        ("claims: none", "list named claims"),
        ("sources:\n  - {id: S0, kind: x}\nclaims: []", "take another"),
        ("claims: []\nclaims: []", "given twice"),
        ("claims: []\nnotes: x", "nothing else"),
        ("claims: [", "no YAML"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        load_with(file_of(tmp_path, text))


# ---- check


@pytest.mark.parametrize(
    ("old", "new", "field", "line", "nearest"),
    [
        ("outcome: disability", "outcome: disabilty", "outcome", 7, "disability"),
        ("outcome: disability", "outcome: fatigue", "outcome", 7, "quality_of_life"),
        ("[MSC-AD]", "[MSC-AD, adipose stem cell]", "cell_types", 7, "MSC-AD"),
        ("[MSC-AD]", "[HSCT]", "cell_types", 7, "HSC"),
        ("population: [ms]", "population: [mice]", "population", 7, "animal_model"),
        ("min_design: case_report", "min_design: cohort study", "min_design", 7, "observational"),
        ("about: people", "about: peple", "about", 5, "people"),
        ("strength: asserts", "strength: assert", "strength", 5, "asserts"),
        ("outcome:", "outcomes:", "outcomes", 7, "outcome"),
        ("source: S7,", "source: S8,", "source", 5, None),
        ("id: S7-01", "id: first", "id", 5, None),
        ("id: S7-01, source: S7", "id: S0-01, source: S7", "id", 5, None),
        ("topic: walking,", "topic: walking, query: stem_cell_ms,", "query", 5, "stem_cells_ms"),
        ("expect: benefit", "expect: present", "expect", 7, None),
        (", outcome: disability", "", "outcome", 5, None),
        ("check: direction", "check: comparison", "against", 5, None),
        ("topic: walking, ", "", "topic", 5, None),
        ("case_report}", "case_report, also_report: {population: [people]}}", "also_report.population", 7, None),
    ],
)
def test_each_mistake_is_explained(
    tmp_path: Path, old: str, new: str, field: str, line: int, nearest: str | None
) -> None:
    assert old in RIGHT
    found = check(file_of(tmp_path, RIGHT.replace(old, new)), SHIPPED.vocabulary)
    told = {mistake.field: mistake for mistake in found}
    assert field in told, [str(mistake) for mistake in found]
    assert (told[field].line, told[field].nearest) == (line, nearest)
    assert told[field].claim is not None


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = RIGHT.replace("MSC-AD", "MSC_AD").replace("expect: benefit", "expect: good").replace("topic: walking, ", "")
    found = check(file_of(tmp_path, text))
    assert sorted(str(mistake.field) for mistake in found) == ["cell_types", "expect", "topic"]
    assert "line 7, claim S7-01, cell_types: is no word of cell_types: 'MSC_AD'; did you mean MSC-AD?" in map(
        str, found
    )


def test_a_key_given_twice_is_told(tmp_path: Path) -> None:
    found = check(file_of(tmp_path, RIGHT.replace("topic: walking", "topic: walking, topic: legs")))
    assert [(mistake.field, mistake.line) for mistake in found] == [("topic", 5)]


@pytest.mark.parametrize("text", ["claims: [", "a: b: c", "\tclaims:", "claims:\n  - 5", "", "claims:\n - {id: [}"])
def test_what_is_no_claims_file_is_told_not_raised(tmp_path: Path, text: str) -> None:
    assert check(file_of(tmp_path, text))


def test_the_shipped_register_and_a_right_file_have_no_mistake(tmp_path: Path) -> None:
    assert check(shipped("data", "claims.yaml")) == []
    assert check(file_of(tmp_path)) == []


FIELDS = yaml.safe_load(RIGHT)["claims"][0]
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        "ms",
        "any",
        "benefit",
        "present",
        "disability",
        "direction",
        "figure",
        "citation",
        "comparison",
        "mention",
        "people",
        ["ms"],
        ["any"],
        ["none"],
        [],
        3,
        None,
        {"year": 2020},
        {"quantity": "people", "region": "x", "about": 3},
        "S7",
        "animal",
    ]
)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*FIELDS, "figure", "study", "against", "keywords", "designs", "query", "bad"]),
        VALUES,
        max_size=3,
    )
)
def test_check_finds_a_mistake_wherever_the_loader_does(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    data = {"sources": [{"id": "S7", "kind": "k"}], "claims": [{**FIELDS, **changes}]}
    path = file_of(tmp_path_factory.mktemp("check"), yaml.safe_dump(data))
    found = check(path, SHIPPED.vocabulary)
    try:
        load_with(path, SHIPPED.vocabulary)
    except ClaimError:
        assert found
    else:  # a search that is not there is told by check alone
        assert {mistake.field for mistake in found} <= {"query"}


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from(["S7", "S7-01", "ms", "any", "direction", ""])
)
KEYS = st.one_of(st.sampled_from(["rules", "sources", "claims", "id", "kind", *FIELDS]), st.integers())
TREES = st.recursive(
    LEAVES, lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part, max_size=4), max_leaves=8
)


@settings(max_examples=60, deadline=None)
@given(
    tree=st.dictionaries(st.sampled_from(["rules", "sources", "claims", "more"]), TREES),
    claim=st.dictionaries(KEYS, TREES),
)
def test_no_file_breaks_the_check_or_the_loader(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any], claim: dict[Any, Any]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    for data in (tree, {**tree, "claims": [{**FIELDS, **claim}]}):
        path = file_of(folder, yaml.safe_dump(data))
        found = check(path, SHIPPED.vocabulary)
        try:
            load_with(path, SHIPPED.vocabulary)
        except ClaimError:
            assert found


# ---- add

NEW = {
    "source": "S7",
    "about": "people",
    "topic": "mood",
    "strength": "suggests",
    "check": "direction",
    "says": "Cells lift the mood: “quite”.",
    "cell_types": ["any"],
    "outcome": ["quality_of_life"],
    "expect": "benefit",
    "population": ["ms"],
    "min_design": "case_report",
}


def test_a_claim_is_added_and_nothing_else_changes(tmp_path: Path) -> None:
    path = file_of(tmp_path, RIGHT + "\n# the end\n")
    claim = add(path, NEW)
    text = path.read_text()
    assert claim.id == "S7-02"
    assert text.startswith(RIGHT)
    assert text.endswith("\n# the end\n")
    assert load_with(path, SHIPPED.vocabulary).claim("S7-02") == claim
    assert check(path, SHIPPED.vocabulary) == []
    assert add(path, NEW).id == "S7-03"


def test_a_new_file_and_a_new_source(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "new.yaml"
    with pytest.raises(ClaimError, match="new source"):
        add(path, NEW)
    assert not path.exists()
    assert add(path, NEW, kind="a leaflet").id == "S7-01"
    assert add(path, {**NEW, "source": "S8"}, kind="a film").id == "S8-01"
    assert add(path, {**NEW, "source": "S0"}).id == "S0-48"
    assert [source["kind"] for source in yaml.safe_load(path.read_text())["sources"]] == ["a leaflet", "a film"]
    assert check(path, SHIPPED.vocabulary) == []


@pytest.mark.parametrize(
    "change", [{"outcome": ["mood"]}, {"cell_types": []}, {"id": "S0-01"}, {"colour": "red"}, {"source": "seven"}]
)
def test_a_wrong_claim_leaves_the_file_as_it_was(tmp_path: Path, change: dict[str, Any]) -> None:
    path = file_of(tmp_path)
    with pytest.raises(ClaimError):
        add(path, {**NEW, **change}, kind="x")
    assert path.read_text() == RIGHT


@pytest.mark.parametrize(
    "layout",
    [
        RIGHT.rstrip("\n"),
        RIGHT + "\n\n",
        RIGHT.replace("  - {", "- {").replace("\n     ", "\n   "),
        "claims:\n- id: S0-90\n  source: S0\n  about: people\n  topic: t\n  strength: asserts\n  check: mention\n"
        "  says: s\n  cell_types: [any]\n  expect: present\n  # behind\n\nsources:\n- {id: S7, kind: k}\n",
    ],
)
def test_layouts_that_people_write(tmp_path: Path, layout: str) -> None:
    path = file_of(tmp_path, layout)
    before = len(load_with(path, SHIPPED.vocabulary).claims)
    add(path, NEW)
    assert len(load_with(path, SHIPPED.vocabulary).claims) == before + 1


def test_a_list_on_one_line_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = file_of(tmp_path, "sources: [{id: S7, kind: k}]\nclaims: []\n")
    with pytest.raises(ClaimError, match="one dash a line"):
        add(path, NEW)


def test_questions_lead_to_a_claim(tmp_path: Path) -> None:
    answers = {
        "says": ["", "Cells help."],
        "topic": ["help"],
        "outcome": ["walking", "disability, relapse"],
        "source": ["S7"],
    }
    asked: list[str] = []

    def ask(question: Question) -> str:
        asked.append(question.field)
        return answers.get(question.field, [""]).pop(0) if answers.get(question.field) else ""

    fields = ask_all(ask)
    assert asked.count("says") == 2  # it may not stay empty
    assert asked.count("outcome") == 2  # walking is no outcome
    assert "against" not in asked
    claim = add(tmp_path / "new.yaml", fields, kind="k")
    assert (claim.outcome, claim.cell_types, claim.expect) == (("disability", "relapse"), ("any",), "benefit")


def test_every_question_is_a_field_of_a_claim() -> None:
    assert {question.field for question in questions()} <= set(type(SHIPPED.claims[0]).model_fields)


# ---- preview


def publication(name: str, design: str, direction: str, **more: Any) -> Publication:
    finding = Finding("disability", direction, "MSC-AD", "Scores fell over two years.")
    values: dict[str, Any] = {"pmid": name, "title": f"Study {name}", "year": 2020, "first_author": name} | more
    return Publication(f"P{name}", design, ("MSC", "MSC-AD"), more.pop("populations", ("ms",)), (finding,), **values)


ROWS = [
    publication("1", "trial_controlled", "no_effect", trial_ids=("NCT00000001",)),
    publication("2", "trial_controlled", "benefit", trial_ids=("NCT00000001",)),
    publication("3", "observational", "benefit"),
    publication("4", "narrative_review", "benefit"),
    publication("5", "observational", "benefit", retracted=True),
]


def test_a_preview_counts_studies_not_publications() -> None:
    shown = preview(SHIPPED.claim("S1-03"), ROWS, SHIPPED)
    tiers = {tier.tier: tier for tier in shown.tiers}
    assert (tiers["trial_controlled"].publications, tiers["trial_controlled"].studies) == (2, 1)
    assert tiers["trial_controlled"].directions == {"no_effect": 1, "benefit": 1}
    assert not tiers["narrative_review"].counts
    assert shown.left_out == {"retracted": 1}
    text = as_text(shown)
    assert "trial_controlled: 1 study in 2 publications: 1 benefit, 1 no_effect" in text
    assert "PMID 3 (2020)" in text
    assert "backed" not in text


def test_reviews_count_where_the_question_is_whether_it_is_said() -> None:
    tiers = {tier.tier: tier.counts for tier in preview(SHIPPED.claim("S0-39"), [ROWS[3]], SHIPPED).tiers}
    assert tiers == {}
    claim = SHIPPED.claim("S0-39").model_copy(update={"keywords": ()})
    assert [tier.counts for tier in preview(claim, [ROWS[3]], SHIPPED).tiers] == [True]


def test_a_preview_tells_which_condition_is_too_narrow() -> None:
    claim = SHIPPED.claim("S1-03").model_copy(update={"keywords": ("unheard",)})
    shown = preview(claim, ROWS, SHIPPED)
    assert shown.without == {"keywords": 3}
    assert "nothing matches" in as_text(shown)


def test_a_preview_of_another_search_says_not_searched() -> None:
    rows = [Publication("P1", "observational", ("MSC",), ("ms",), queries=frozenset({"remyelination"}))]
    shown = preview(SHIPPED.claim("S1-03"), rows, SHIPPED)
    assert not shown.searched
    assert "not searched" in as_text(shown)
    custom = [Publication("P1", "observational", ("MSC",), ("ms",), queries=frozenset({"custom"}))]
    assert preview(SHIPPED.claim("S1-03"), custom, SHIPPED).searched


@pytest.mark.parametrize("claim", SHIPPED.claims, ids=lambda claim: claim.id)
def test_every_claim_can_be_previewed(claim: Any) -> None:
    assert as_text(preview(claim, ROWS, SHIPPED)).endswith("no verdict.")


# ---- draft


def drafted(sentence: str) -> dict[str, Any]:
    (one,) = draft(sentence, SHIPPED.vocabulary)
    return one.fields


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "Stem cells may improve walking in people with MS.",
            {
                "cell_types": ["any"],
                "outcome": ["disability"],
                "expect": "benefit",
                "population": ["ms"],
                "strength": "suggests",
                "check": "direction",
                "about": "people",
                "min_design": "case_report",
            },
        ),
        (
            "In mice, neural stem cells rebuild myelin.",
            {
                "cell_types": ["NSC"],
                "outcome": ["remyelination"],
                "population": ["animal_model"],
                "about": "biology",
                "min_design": "animal",
            },
        ),
        (
            "Stem cells carry a risk of infection.",
            {"check": "mention", "expect": "present", "directions": ["harm", "mixed"], "outcome": ["safety"]},
        ),
        (
            "Mesenchymal stem cells carry a low risk of side effects.",
            {"check": "direction", "expect": "benefit", "cell_types": ["MSC"]},
        ),
        (
            "We hope that AHSCT will stop MS from getting worse.",
            {"cell_types": ["HSC"], "strength": "hopes", "expect": "benefit"},
        ),
        ("Stem cells had no effect on fatigue.", {"expect": "no_effect", "outcome": ["quality_of_life"]}),
        ("Stem cells work better than drugs.", {"check": "comparison", "against": ["drug_arm"]}),
        (
            "MSCs help people with secondary progressive MS keep walking.",
            {"population": ["spms"], "cell_types": ["MSC"]},
        ),
        ("There is no cure for MS.", {"check": "mention", "query": "epidemiology"}),
        (
            "About 2.8 million people have multiple sclerosis.",
            {"figure": {"quantity": "people with MS", "region": "worldwide", "about": 2_800_000, "tolerance": 0.2}},
        ),
        (
            "Millions of people have MS.",
            {"figure": {"quantity": "people with MS", "region": "worldwide", "at_least": 2_000_000}},
        ),
        (
            "A study published in 2021 gave mesenchymal stem cells to people with MS.",
            {"check": "citation", "study": {"year": 2021, "cell_types": ["MSC"], "population": ["ms"]}},
        ),
        (
            "Stem cells regrow myelin.",
            {"population": ["any"], "also_report": {"population": ["ms"], "min_design": "case_report"}},
        ),
    ],
)
def test_what_a_sentence_is_drafted_as(sentence: str, expected: dict[str, Any]) -> None:
    fields = drafted(sentence)
    assert {name: fields.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "sentence",
    ["Do stem cells regrow myelin?", "Drink enough water.", "Stem cells are small.", "0 million people have MS.", ""],
)
def test_what_is_no_claim(sentence: str) -> None:
    assert draft(sentence, SHIPPED.vocabulary) == []


def test_an_article_becomes_a_file_that_the_loader_takes(tmp_path: Path) -> None:
    text = draft_yaml(ARTICLE.read_text(), SHIPPED, source="S9", name="an article")
    path = file_of(tmp_path, text)
    assert check(path, SHIPPED.vocabulary) == []
    assert len(load_with(path, SHIPPED.vocabulary).claims) == len(SHIPPED.claims) + 12
    assert "sentence 5 (Stem cells can regrow the …), sentence 10" in text
    for sentence in sentences_of(ARTICLE.read_text()):
        assert sentence not in text  # paraphrased, never quoted
    for verdict in ("backed", "contested", "challenged", "insufficient"):
        assert verdict not in text


def test_a_source_that_is_taken_and_an_article_without_claims_are_told() -> None:
    with pytest.raises(ClaimError, match="still free"):
        draft_yaml("Stem cells regrow myelin.", SHIPPED, source="S0", name="x")
    with pytest.raises(ClaimError, match="no sentence"):
        draft_yaml("Drink water.", SHIPPED, source="S9", name="x")


@settings(max_examples=25, deadline=None)
@given(st.text())
def test_no_article_breaks_the_draft(article: str) -> None:
    text = f"{article}. Stem cells regrow myelin."
    try:
        made = draft_yaml(text, SHIPPED, source="S9", name=article)
    except ClaimError:
        return
    assert yaml.safe_load(made)["claims"]


def test_phrases_match_by_the_vocabularys_rules() -> None:
    pattern = phrases(["stem cell", "HSCT", "improv*"])
    assert pattern.search("Stem-cells")
    assert pattern.search("improved")
    assert pattern.search("the HSCT trial")
    assert not pattern.search("hsct")
    assert not pattern.search("system cell")
    assert not phrases([]).search("anything")
