"""The evidence table: every rule of a row, refused by number, field, rule and value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.errors import RowError, TableError
from msminer.evidence.claims import load_register
from msminer.evidence.reader import parse_rows, read_evidence
from msminer.evidence.verdicts import judge
from msminer.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()
REGISTER = load_register()


def row(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "A1",
        "pmid": "12345678",
        "pmcid": None,
        "doi": None,
        "year": 2019,
        "first_author": "Doe",
        "journal": "J Invented",
        "title": "An invented trial",
        "title_descriptive": False,
        "cell_types": ["MSC", "MSC-BM"],
        "study_design": "trial_controlled",
        "populations": ["rrms", "ms"],
        "routes": ["intravenous"],
        "n": 24,
        "follow_up_months": 12.5,
        "findings": [{"outcome": "mri", "direction": "no_effect", "cell_type": "MSC-BM", "fact": "No difference"}],
        "retracted": None,
        "trial_ids": [],
    }
    return {**base, **changes}


def finding(**changes: Any) -> dict[str, Any]:
    return {"outcome": "mri", "direction": "benefit", "cell_type": "MSC", "fact": "Fewer lesions", **changes}


def test_a_good_row_is_read() -> None:
    (one,) = parse_rows([json.dumps(row())], VOCABULARY)
    assert (one.id, one.year, one.n, one.follow_up_months, one.retracted) == ("A1", 2019, 24.0, 12.5, False)
    assert one.findings[0].text == "No difference"
    assert one.findings[0].kind == "fact"


BAD = [
    ("id", row(id="")),
    ("id", {key: value for key, value in row().items() if key != "id"}),
    ("study_design", {key: value for key, value in row().items() if key != "study_design"}),
    ("retracte", row(retracte=True)),
    ("pmid", row(pmid=12345678)),
    ("pmid", row(pmid="PMID 1")),
    ("doi", row(doi="https://doi.org/10.1/x")),
    ("pmcid", row(pmcid="123")),
    ("year", row(year="2019")),
    ("year", row(year=2019.5)),
    ("year", row(year=True)),
    ("year", row(year=19)),
    ("cell_types", row(cell_types=["MSC", "magic"])),
    ("cell_types", row(cell_types="MSC")),
    ("cell_types", row(cell_types=["none", "MSC"])),
    ("cell_types", row(cell_types=["MSC", "MSC"])),
    ("study_design", row(study_design="rct")),
    ("study_design", row(study_design=None)),
    ("populations", row(populations=["people"])),
    ("routes", row(routes=["by mouth"])),
    ("n", row(n=-3)),
    ("n", row(n=0)),
    ("n", row(n="24")),
    ("follow_up_months", row(follow_up_months=-1)),
    ("retracted", row(retracted="no")),
    ("retracted", row(retracted=0)),
    ("trial_ids", row(trial_ids="NCT00000001")),
    ("trial_ids", row(trial_ids=[""])),
    ("findings", row(findings=None)),
    ("findings[0]", row(findings=["benefit"])),
    ("findings[0].outcome", row(findings=[finding(outcome="happiness")])),
    ("findings[0].direction", row(findings=[finding(direction="up")])),
    ("findings[0].cell_type", row(findings=[finding(cell_type="HSC")])),
    ("findings[0].fact", row(findings=[finding(fact=" ")])),
    ("findings[0].fact", row(findings=[{k: v for k, v in finding().items() if k != "fact"}])),
    ("findings[0].directions", row(findings=[finding(directions="harm")])),
    ("findings[1]", row(findings=[finding(), finding(direction="harm")])),
    ("figures[0].value", row(figures=[{"quantity": "q", "region": "r", "year": 2020, "value": None}])),
    ("figures[0].year", row(figures=[{"quantity": "q", "region": "r", "year": "2020", "value": 3}])),
]


@pytest.mark.parametrize(("field", "bad"), BAD)
def test_a_bad_row_is_refused_by_number_and_field(field: str, bad: dict[str, Any]) -> None:
    good = json.dumps(row(id="A0"))
    with pytest.raises(RowError) as error:
        parse_rows([good, "", json.dumps(bad)], VOCABULARY)
    assert (error.value.row, error.value.field) == (3, field)
    assert error.value.rule


def test_the_value_is_named() -> None:
    with pytest.raises(RowError, match="magic"):
        parse_rows([json.dumps(row(cell_types=["magic"]))], VOCABULARY)


@pytest.mark.parametrize("line", ["{", "[1]", '{"id": "A", "id": "B"}', '{"id": NaN}', "null"])
def test_a_line_that_is_no_object_is_refused(line: str) -> None:
    with pytest.raises(RowError) as error:
        parse_rows([line], VOCABULARY)
    assert (error.value.row, error.value.field) == (1, "line")


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(RowError, match="unique"):
        parse_rows([json.dumps(row()), json.dumps(row())], VOCABULARY)


def test_a_drugs_finding_may_stand_beside_cells() -> None:
    (one,) = parse_rows([json.dumps(row(findings=[finding(cell_type="none")]))], VOCABULARY)
    assert one.findings[0].cell_type == "none"


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_table_is_no_absence_of_papers(tmp_path: Path, content: str) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TableError):
        read_evidence(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError):
        read_evidence(path)


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "bom.jsonl"
    path.write_text(json.dumps(row()), encoding="utf-8-sig")
    assert len(read_evidence(path)) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("benefit"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    *row(),
    "findings[0]",
    *(f"findings[0].{name}" for name in finding()),
    "figures",
    "authors",
    "abstract",
    "extra",
]


def with_value(place: str, value: Any) -> dict[str, Any]:
    if place == "findings[0]":
        return row(findings=[value])
    if place.startswith("findings[0]."):
        return row(findings=[finding(**{place.split(".")[1]: value})])
    return row(**{place: value})


def refusal(lines: list[str]) -> RowError | None:
    """The refusal of a table's lines, None where they are read; any other error goes through."""
    try:
        parse_rows(lines, VOCABULARY)
    except RowError as error:
        return error
    return None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_any_value_is_read_or_refused_by_row_field_rule_and_value(place: str, value: Any) -> None:
    error = refusal(["", json.dumps(with_value(place, value))])
    if error is not None:
        assert error.row == 2
        named = place.split("[", maxsplit=1)[0].split(".", maxsplit=1)[0]
        # A finding may only speak of the row's cell types, so that without them it is the finding that is refused.
        also = "findings" if place == "cell_types" else "line"
        assert error.field.startswith((named, also, "line"))
        assert error.rule
        assert str(error).encode("utf-8")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.sampled_from(["[" * 100_000, '{"a":' * 100_000, '{"id": ' + "9" * 5000 + "}"]))
def test_any_line_is_read_or_refused(line: str) -> None:
    error = refusal([line])
    assert error is None or (error.row == 1 and error.field and error.rule)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["id", "title", "journal", "first_author", "findings[0].fact"]), st.text(min_size=1, max_size=8))
def test_what_is_read_can_be_judged_and_printed(place: str, value: str) -> None:
    """A lone surrogate is legal in JSON and can be neither printed nor stored."""
    try:
        rows = parse_rows([json.dumps(with_value(place, value))], VOCABULARY)
    except RowError:
        return
    assert json.dumps(judge(REGISTER, rows), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("place", ["id", "title", "abstract", "trial_ids", "findings[0].fact"])
def test_half_a_character_is_refused(place: str) -> None:
    value: Any = ["\ud800"] if place == "trial_ids" else "\ud800"
    with pytest.raises(RowError, match="half of a pair"):
        parse_rows([json.dumps(with_value(place, value))], VOCABULARY)
