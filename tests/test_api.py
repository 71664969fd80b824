"""The notebook API: documented frames from a report, claims of one's own, no side effects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from msminer import api, schema
from msminer.errors import ClaimError, MsminerError, ReportError, StoreError, UsageError
from msminer.report.exports import PUBLICATIONS, TABLES, VERDICTS
from msminer.report.folder import write_report
from msminer.resources import shipped
from report_fixture import HOSTILE, undrawn_bundle

OWN = {
    "says": "Transplanted blood-forming cells keep people with MS free of relapses.",
    "check": "direction",
    "cell_types": ["HSC"],
    "population": ["ms"],
    "outcome": "relapse",
    "expect": "benefit",
    "min_design": "observational",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(undrawn_bundle(30), tmp_path_factory.mktemp("report")).parent


@pytest.fixture(scope="module")
def table() -> Path:
    return shipped("data", "sample", "evidence.jsonl")


@pytest.mark.parametrize(
    ("function", "declared"),
    [
        (api.articles, PUBLICATIONS),
        (api.labels, schema.LABELS),
        (api.findings, schema.FINDINGS),
        (api.studies, schema.STUDIES),
        (api.trends, schema.TRENDS),
        (api.verdicts, VERDICTS),
    ],
)
def test_frames_have_their_documented_columns(folder: Path, function: object, declared: schema.Table) -> None:
    frame = function(folder)  # type: ignore[operator]
    assert list(frame.columns) == declared.names
    assert len(frame) > 0


def test_exported_frames_pass_the_check_of_their_table(folder: Path) -> None:
    report = api.open_report(folder)
    for declared in TABLES:
        schema.check(getattr(report, declared.name).astype(object), declared)


def test_report_knows_its_origin_and_its_whole_verdicts(folder: Path) -> None:
    report = api.open_report(folder)
    assert report.origin == "entrez"
    assert len(report.judgement["verdicts"]) == len(report.verdicts) == 80
    assert report.provenance["searches"][0]["query"] == "stem_cells_ms"


def test_reading_writes_nothing(folder: Path) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    api.articles(folder)
    api.verdicts(folder)
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


@pytest.mark.parametrize("function", [api.articles, api.findings, api.trends, api.verdicts])
def test_missing_store_is_an_error_and_none_is_made(clean_environment: Path, function: object) -> None:
    with pytest.raises(StoreError):
        function("sample")  # type: ignore[operator]
    assert not clean_environment.exists() or not list(clean_environment.rglob("*.sqlite"))


def test_unknown_source_is_named() -> None:
    with pytest.raises(UsageError, match="no-such-folder"):
        api.articles("no-such-folder")


def test_folder_without_a_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no whole report"):
        api.labels(tmp_path)


def test_claim_of_ones_own_is_judged(table: Path) -> None:
    entry = api.judge(OWN, table)
    assert entry["claim_id"] == "S99-01"
    assert entry["verdict"] in {"backed", "contested"}  # which of them is the matter of the verdicts' own tests
    assert {paper["cell_type"] for paper in entry["deciding"]} == {"HSC"}


def test_claim_of_the_register_is_judged_by_its_id(table: Path) -> None:
    assert api.judge("S0-18", table)["claim_id"] == "S0-18"


@pytest.mark.parametrize(("claim", "told"), [("S9-99", "no such claim"), ({**OWN, "outcome": "relapses"}, "outcome")])
def test_mistakes_in_claims_are_explained(table: Path, claim: object, told: str) -> None:
    with pytest.raises(ClaimError, match=told):
        api.judge(claim, table)  # type: ignore[arg-type]


def test_changed_rules_carry_another_version(table: Path) -> None:
    shipped_rules, stricter = api.judge_all([OWN], table), api.judge_all([OWN], table, {"minimum_studies": 50})
    assert shipped_rules["rules_version"] != stricter["rules_version"]
    assert stricter["verdicts"][0]["verdict"] == "insufficient"


def test_unknown_rule_is_refused(table: Path) -> None:
    with pytest.raises(ClaimError, match="no_such_rule"):
        api.judge(OWN, table, {"no_such_rule": 1})


def test_reports_are_not_judged_on(folder: Path) -> None:
    with pytest.raises(MsminerError, match="no abstracts"):
        api.judge(OWN, folder)


def test_shown_frames_escape_hostile_titles() -> None:
    html = api.show(pd.DataFrame({"title": list(HOSTILE)}), rows=50).to_html()
    assert "<script>" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_no_flow_engine_is_loaded() -> None:
    code = "import sys, msminer.api; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_package_offers_the_same_functions_lazily() -> None:
    import msminer

    assert msminer.open_report is api.open_report
    assert set(dir(msminer)) - {"__version__"} <= set(dir(api))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = msminer.no_such_name
    code = "import sys, msminer; sys.exit('msminer.api' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
