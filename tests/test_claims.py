"""The register: strict reading, rules with a version of their own, and the words a claim is made of."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from msminer.errors import ClaimError
from msminer.evidence.claims import allowed_designs, expand_cells, keyword_pattern, load_register, parse_register
from msminer.resources import shipped
from msminer.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()
DATA = yaml.safe_load(shipped("data", "claims.yaml").read_text(encoding="utf-8"))
REGISTER = load_register()


def test_all_claims_are_read() -> None:
    assert len(REGISTER.claims) == 80
    assert len({claim.id for claim in REGISTER.claims}) == 80


def test_the_shipped_rules_have_the_version_they_were_published_with() -> None:
    """A changed rule changes this line; docs/verdicts.md then says what changed and why."""
    assert REGISTER.rules.version == "2026-11c-4f1b1d22"


@pytest.mark.parametrize("twice", ["  minimum_studies: 3\n", "  name: again\n", "  [a, b]: 1\n"])
def test_a_key_given_twice_is_refused(tmp_path: Path, twice: str) -> None:
    text = shipped("data", "claims.yaml").read_text(encoding="utf-8")
    path = tmp_path / "claims.yaml"
    path.write_text(text.replace("  dispute_studies: 2\n", "  dispute_studies: 2\n" + twice), encoding="utf-8")
    with pytest.raises(ClaimError, match="given twice"):
        load_register(path)


def test_changed_rules_are_another_version() -> None:
    changed = REGISTER.with_rules(minimum_studies=5)
    assert changed.rules.version != REGISTER.rules.version
    assert changed.rules.block.minimum_studies == 5
    assert REGISTER.with_rules().rules.version == REGISTER.rules.version


@pytest.mark.parametrize("part", [{"rules": 3}, {"sources": [{"id": "S0"}]}, {"sources": 7}, {"claims": {}}])
def test_a_register_of_another_shape_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(ClaimError):
        parse_register({**DATA, **part}, VOCABULARY)


@pytest.mark.parametrize(
    "change",
    [
        {"minimum_studies": 0},
        {"support_share": 1.5},
        {"mixed_counts": -1},
        {"no_such_rule": 1},
        {"context": ("opinion",)},
        {"pool": ()},
    ],
)
def test_bad_rules_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ClaimError, match="rules"):
        REGISTER.with_rules(**change)


BAD = [
    ("outcome", {"outcome": "happiness"}),
    ("cell_types", {"cell_types": ["magic"]}),
    ("population", {"population": ["dogs"]}),
    ("min_design", {"min_design": "rct"}),
    ("directions", {"directions": ["up"]}),
    ("routes", {"routes": ["oral"]}),
    ("check", {"check": "vote"}),
    ("keyword", {"keyword": ["x"]}),
    ("about", {"about": "dogs"}),
    ("source", {"source": "S9"}),
    ("expected direction", {"expect": "present"}),
    ("against", {"check": "comparison"}),
    ("lacks", {"check": "figure"}),
    ("lacks", {"check": "citation"}),
    ("outcome", {"also_report": {"outcome": "happiness"}}),
    ("no_field", {"also_report": {"no_field": 1}}),
]


@pytest.mark.parametrize(("names", "change"), BAD)
def test_a_bad_claim_is_named(names: str, change: dict[str, Any]) -> None:
    data = copy.deepcopy(DATA)
    entry = next(claim for claim in data["claims"] if claim["id"] == "S0-03")
    entry.update(change)
    with pytest.raises(ClaimError, match="S0-03") as error:
        parse_register(data, VOCABULARY)
    assert names in str(error.value)


def test_a_claim_given_twice_is_refused() -> None:
    data = copy.deepcopy(DATA)
    data["claims"].append(data["claims"][0])
    with pytest.raises(ClaimError, match="twice"):
        parse_register(data, VOCABULARY)


def test_any_is_every_stem_cell_given_or_its_product() -> None:
    cells = expand_cells(("any",), VOCABULARY)
    assert {"HSC", "EV", "other", "MSC-NP"} <= cells
    assert not {"endogenous", "none"} & cells
    assert "none" in expand_cells(("none", "any"), VOCABULARY)
    assert expand_cells(("MSC",), VOCABULARY) == {"MSC"}


def test_designs_replace_min_design() -> None:
    case_reports = allowed_designs(REGISTER.claim("S0-33"), VOCABULARY)
    assert case_reports == {"case_report"}
    assert allowed_designs(REGISTER.claim("S0-47"), VOCABULARY) == {
        "trial_uncontrolled",
        "trial_controlled",
        "systematic_review",
    }
    assert "narrative_review" not in allowed_designs(REGISTER.claim("S0-05"), VOCABULARY)


@pytest.mark.parametrize(
    ("keywords", "text", "found"),
    [
        (("infection",), "Severe INFECTIONS occurred", True),
        (("infection",), "post-infection", True),
        (("infection",), "disinfection of rooms", False),
        (("MRI activity",), "free of mri activity", True),
        (("c++",), "written in C++", True),
    ],
)
def test_keywords_stand_at_the_start_of_a_word(keywords: tuple[str, ...], text: str, found: bool) -> None:
    pattern = keyword_pattern(keywords)
    assert pattern is not None
    assert bool(pattern.search(text)) is found


def test_no_keywords_no_pattern() -> None:
    assert keyword_pattern(()) is None
