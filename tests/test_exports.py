"""Exports: safe in spreadsheets, whole in Parquet, readable by citation tools, silent about person and machine."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import rispy
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rocrate.rocrate import ROCrate

from msminer.errors import ReportError
from msminer.report import charts
from msminer.report.bundle import ReportBundle
from msminer.report.citations import bibtex, ris
from msminer.report.claimreview import check_review, claim_reviews
from msminer.report.diff import _moved, diff
from msminer.report.exports import CRATE, FILES, TABLES, read_table, safe_cell, tables_of, write_csv, write_tables
from msminer.report.folder import write_report
from msminer.report.provenance import clean, clean_text
from report_fixture import HOSTILE, NOW, undrawn_bundle

LIVE = "=+-@\t\r\n\0＝＋－＠"


@pytest.fixture(scope="module")
def bundle() -> ReportBundle:
    return undrawn_bundle(60)


@pytest.fixture(scope="module")
def folder(bundle: ReportBundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(bundle, tmp_path_factory.mktemp("report")).parent


def test_every_file_is_there_and_named_on_the_page(folder: Path) -> None:
    assert {name for name, _ in FILES} | {"index.html", "report.json"} == {p.name for p in folder.iterdir()}


@given(st.text(alphabet=st.sampled_from(LIVE + "a '\""), max_size=8))
def test_no_cell_starts_a_formula(text: str) -> None:
    safe = safe_cell(text)
    assert not safe.startswith(tuple(LIVE))
    assert "\0" not in safe
    assert safe.lstrip("'").replace("'", "") == text.replace("\0", "").lstrip("'").replace("'", "")


def test_csv_is_read_back_row_by_row(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"t": ["=1+1", "a,b", 'say "x"', "two\nlines", None], "n": [-1.5, 2, 3, 4, 5], "l": [["=x"], [], [], [], []]}
    )
    write_csv(frame, tmp_path / "t.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_bytes().decode(), newline="")))
    assert [row["t"] for row in rows] == ["'=1+1", "a,b", 'say "x"', "two\nlines", ""]
    assert rows[0]["n"] == "-1.5"
    assert json.loads(rows[0]["l"]) == ["=x"]


def test_hostile_titles_survive_csv_and_parquet(bundle: ReportBundle, folder: Path) -> None:
    with (folder / "articles.csv").open(encoding="utf-8", newline="") as file:
        titles = {row["title"] for row in csv.DictReader(file)}
    parquet = set(read_table(TABLES[0], folder)["title"])
    for title in HOSTILE:
        assert (("'" + title) if title.startswith("=") else title) in titles
        assert title in parquet
    assert not any(title.startswith(tuple(LIVE)) for title in titles)


def test_parquet_gives_back_every_table(bundle: ReportBundle, folder: Path) -> None:
    for table in TABLES:
        expected = tables_of(bundle)[table.name]
        read = read_table(table, folder)
        assert list(read.columns) == table.names
        assert len(read) == len(expected)
        for name in read.columns:
            got = [None if _missing(v) else v for v in read[name]]
            want = [None if _missing(v) else v for v in expected[name]]
            assert got == want, (table.name, name)


def _missing(value: Any) -> bool:
    return not isinstance(value, list | dict | tuple) and bool(pd.isna(value))


def test_same_tables_same_bytes(bundle: ReportBundle, folder: Path, tmp_path: Path) -> None:
    write_tables(tables_of(bundle), tmp_path, bundle.origin)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_duckdb_reads_the_parquet(folder: Path) -> None:
    row = duckdb.sql(f"select count(*), count(distinct pmid) from '{folder / 'articles.parquet'}'").fetchall()
    assert row == [(60, 60)]


def test_every_row_says_where_it_comes_from(folder: Path) -> None:
    for table in TABLES:
        with (folder / f"{table.name}.csv").open(encoding="utf-8", newline="") as file:
            assert {row["origin"] for row in csv.DictReader(file)} <= {"entrez"}
    for name in ("judgement.json", "provenance.json", "diff.json", "report.json"):
        assert json.loads((folder / name).read_text(encoding="utf-8"))["origin"] == "entrez"


def test_exports_hold_no_abstract(folder: Path) -> None:
    for path in folder.iterdir():
        assert b"Invented abstract" not in path.read_bytes(), path.name


def test_ris_is_read_back(bundle: ReportBundle) -> None:
    entries = rispy.loads(ris(bundle.articles, "entrez"))
    assert len(entries) == len(bundle.articles)
    by_title = {entry["title"]: entry for entry in entries}
    first = bundle.articles.iloc[20]
    entry = by_title[first["title"]]
    assert entry["accession_number"] == first["pmid"]
    assert entry["urls"] == [f"https://pubmed.ncbi.nlm.nih.gov/{first['pmid']}/"]
    assert not any(e.get("accession_number", "").startswith("99") for e in entries)
    assert any("Retracted." in e.get("notes", []) for e in entries)


def test_a_line_break_starts_no_ris_field(bundle: ReportBundle) -> None:
    articles = bundle.articles.head(1).assign(title="x\nER  - \nTY  - BOOK\u2028AU  - evil")
    entries = rispy.loads(ris(articles, "entrez"))
    assert len(entries) == 1
    assert entries[0]["type_of_reference"] == "JOUR"


def test_bibtex_is_balanced_and_tame(bundle: ReportBundle) -> None:
    text = bibtex(bundle.articles, "sample")
    assert text.count("@article{") == len(bundle.articles)
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert "\\input" not in text
    assert len(set(re.findall(r"@article\{(\w+),", text))) == len(bundle.articles)
    assert "pmid99" not in text


REVIEW = {
    "type": "object",
    "required": [
        "@context",
        "@type",
        "url",
        "datePublished",
        "author",
        "claimReviewed",
        "itemReviewed",
        "reviewRating",
        "reviewBody",
    ],
    "properties": {
        "@context": {"const": "https://schema.org"},
        "@type": {"const": "ClaimReview"},
        "datePublished": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
        "claimReviewed": {"type": "string", "minLength": 5},
        "reviewBody": {"type": "string", "pattern": "No medical advice"},
        "author": {"required": ["@type", "name"]},
        "itemReviewed": {"properties": {"@type": {"const": "Claim"}}, "required": ["appearance"]},
        "reviewRating": {
            "required": ["@type", "alternateName", "ratingExplanation"],
            "not": {"required": ["ratingValue"]},
        },
        "citation": {
            "type": "array",
            "items": {"properties": {"url": {"pattern": "^https://(pubmed.ncbi.nlm.nih.gov|doi.org)/"}}},
        },
    },
}


def test_every_claim_has_a_valid_review(folder: Path) -> None:
    graph = json.loads((folder / "claimreview.jsonld").read_text(encoding="utf-8"))["@graph"]
    assert len(graph) == 80
    validator = Draft202012Validator(REVIEW)
    for review in graph:
        validator.validate(review)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reviewBody": "All is well."}, "no medical advice"),
        ({"claimReviewed": ""}, "claimReviewed"),
        ({"author": {"@type": "Organization"}}, "name"),
        ({"reviewRating": {"@type": "Verdict"}}, "unknown type"),
    ],
)
def test_broken_review_is_refused(bundle: ReportBundle, change: dict[str, Any], told: str) -> None:
    review = claim_reviews(bundle)[0]
    with pytest.raises(ReportError, match=told):
        check_review({**review, **change})


def test_provenance_names_neither_person_nor_machine(folder: Path) -> None:
    for name in ("provenance.json", "index.html", "judgement.json", "model_card.json", CRATE):
        text = (folder / name).read_text(encoding="utf-8")
        assert "somebody" not in text
        assert "k" * 36 not in text
    assert json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["searches"][0]["count"] == 60


def test_crate_names_every_file_with_its_checksum(folder: Path) -> None:
    crate = ROCrate(folder)
    files = {entity.id: entity for entity in crate.data_entities}
    assert set(files) == {path.name for path in folder.iterdir()} - {CRATE}
    for name, entity in files.items():
        held = (folder / name).read_bytes()
        assert (entity["contentSize"], entity["sha256"]) == (str(len(held)), hashlib.sha256(held).hexdigest()), name
        assert entity["encodingFormat"]
        assert len(entity["description"]) > 10


def test_crate_tells_the_run(folder: Path) -> None:
    crate = ROCrate(folder)
    assert crate.metadata["conformsTo"] == "https://w3id.org/ro/crate/1.1"
    root = crate.root_dataset
    assert all(root[name] for name in ("name", "description", "license", "author", "mainEntity"))
    assert root["datePublished"] == "2026-11-21T12:00:00+00:00"
    assert "No medical advice" in root["description"]
    run = crate.get("#run")
    assert run.type == "CreateAction"
    assert run["endTime"] == root["datePublished"]
    assert run["instrument"]["softwareVersion"] == "0.1.0"
    assert "version test-1" in run["instrument"]["description"]
    assert run["instrument"]["softwareRequirements"] == ["python 3.11.9", "lxml 6.1.0"]
    inputs = {entity["name"]: entity for entity in run["object"]}
    assert inputs["claims.yaml"]["sha256"] == "a" * 64
    assert inputs["msminer-1-test"]["subjectOf"].id == "model_card.json"
    assert {entity.id for entity in run["result"]} == {entity.id for entity in crate.data_entities}
    search = crate.get("#search-stem_cells_ms")
    assert (search["query"], search["endTime"]) == ("stem cells[tiab]", "2026-11-21T10:00:00Z")
    assert "60 records" in search["description"]


def test_every_reference_in_the_crate_resolves(folder: Path) -> None:
    graph = json.loads((folder / CRATE).read_text(encoding="utf-8"))["@graph"]
    known = {entity["@id"] for entity in graph}
    assert len(known) == len(graph)
    named = {
        part["@id"]
        for entity in graph
        for key, value in entity.items()
        for part in (value if isinstance(value, list) else [value])
        if isinstance(part, dict) and not (entity["@id"] == CRATE and key == "conformsTo")
    }
    assert named <= known


def test_crate_of_a_report_without_searches_or_model_is_whole(tmp_path: Path) -> None:
    crate = ROCrate(write_report(undrawn_bundle(10, origin="sample", provenance={}), tmp_path).parent)
    run = crate.get("#run")
    assert [entity["name"] for entity in run["object"]] == [
        "msminer's offline sample of digests; none is a published abstract"
    ]
    assert crate.get("#search-stem_cells_ms") is None


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("write to a.b+c@x-y.example.org now", "write to [address removed] now"),
        ("email=a%40b.org&x", "email=[address removed]&x"),
        ("key 0123456789abcdef0123456789abcdef0123", "key [key removed]"),
        ("sha " + "a" * 64, "sha " + "a" * 64),
        ("read /home/some one/data/x.sqlite", "read x.sqlite"),
        ("C:\\Users\\me\\x.xml", "x.xml"),
        ('"stem cells"[tiab] AND 2020/01/01:2020/12/31[crdt]', '"stem cells"[tiab] AND 2020/01/01:2020/12/31[crdt]'),
        ("https://eutils.ncbi.nlm.nih.gov/entrez/eutils/", "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"),
        ("and/or, MSC-AD/EV", "and/or, MSC-AD/EV"),
    ],
)
def test_clean_text(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


def test_clean_drops_private_entries_at_any_depth() -> None:
    value = {"a": [{"api_key": 1, "email": 2, "keywords": ["x"], "store_url": 3}], "home": 4, "when": NOW.date()}
    assert clean(value) == {"a": [{"keywords": ["x"]}], "when": "2026-11-21"}


@pytest.fixture(scope="module")
def changes(bundle: ReportBundle, folder: Path) -> dict[str, Any]:
    articles = bundle.articles.copy()
    articles.loc[30, "retracted"] = True
    articles.loc[31, "concern"] = True
    fresh = articles.iloc[[0]].assign(pmid="39999999", title="A new paper")
    articles = pd.concat([articles.drop(index=40), fresh], ignore_index=True)
    labels = bundle.labels.copy()
    at = labels.index[(labels["pmid"] == "20000020") & (labels["axis"] == "cell_types")][0]
    labels.loc[at, "label"] = "ESC"
    verdicts = json.loads(json.dumps(bundle.verdicts))
    verdicts["verdicts"][0]["verdict"] = "challenged"
    verdicts["verdicts"][1]["tiers"][0]["low"] += 0.02
    verdicts["verdicts"][2]["tiers"][0]["low"] += 0.001
    return diff(replace(bundle, articles=articles, labels=labels, verdicts=verdicts), folder)


def test_diff_tells_what_changed(changes: dict[str, Any]) -> None:
    assert [p["pmid"] for p in changes["new_papers"]] == ["39999999"]
    assert [p["pmid"] for p in changes["gone_papers"]] == ["20000040"]
    assert [p["pmid"] for p in changes["new_retractions"]] == ["20000030"]
    assert [p["pmid"] for p in changes["new_concerns"]] == ["20000031"]
    assert [(c["pmid"], c["added"]) for c in changes["changed_labels"]] == [("20000020", ["ESC"])]
    assert [(f["claim_id"], f["before"], f["after"]) for f in changes["flipped_verdicts"]] == [
        ("S0-01", "Backed", "Challenged")
    ]
    assert [m["claim_id"] for m in changes["moved_intervals"]] == ["S0-02"]
    assert changes["rules_changed"] is changes["model_changed"] is False


def test_moved_intervals_know_their_arms_and_leave_mere_counts_out() -> None:
    def tier(name: str, arm: str | None, share: float | None, studies: int = 3) -> dict[str, Any]:
        limits = {"low": None, "high": None} if share is None else {"low": 0.1, "high": 0.9}
        return {"tier": name, "arm": arm, "studies": studies, "share": share, **limits}

    before = {"tiers": [tier("animal", "MSC", 0.5), tier("animal", "HSC", 0.4), tier("in_vitro", None, None, 1)]}
    after = {"tiers": [tier("animal", "MSC", 0.5), tier("observational", None, 0.3), tier("in_vitro", None, None, 9)]}
    assert [(m["tier"], m["arm"], m["before"] is None, m["after"] is None) for m in _moved("S0-01", before, after)] == [
        ("observational", None, True, False),
        ("animal", "HSC", False, True),
    ]


def test_diff_stands_on_the_page_and_as_json(bundle: ReportBundle, folder: Path, tmp_path: Path) -> None:
    verdicts = json.loads(json.dumps(bundle.verdicts))
    verdicts["verdicts"][0]["verdict"] = "challenged"
    later = replace(bundle, verdicts=verdicts, generated_at=NOW + timedelta(days=1), previous=folder)
    page = write_report(later, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "Changed verdicts: 1" in text
    assert "Backed, now challenged: Age-related decline" in text
    assert (
        json.loads(page.with_name("diff.json").read_text(encoding="utf-8"))["flipped_verdicts"][0]["claim_id"]
        == "S0-01"
    )


def test_reports_of_two_origins_are_not_compared(bundle: ReportBundle, folder: Path) -> None:
    with pytest.raises(ReportError, match="different origins"):
        diff(replace(bundle, origin="sample"), folder)


def test_folder_without_a_report_is_refused(bundle: ReportBundle, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no whole report"):
        diff(bundle, tmp_path)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_wilson(hits: int, total: int, low: float, high: float) -> None:
    assert charts.wilson(hits, total) == pytest.approx((low, high), abs=1e-4)


def test_garwood() -> None:
    frame = charts.with_poisson(pd.DataFrame({"n": [0, 1, 10]}), "n")
    assert frame["low"].tolist() == pytest.approx([0, 0.0253, 4.7954], abs=1e-4)
    assert frame["high"].tolist() == pytest.approx([3.6889, 5.5716, 18.3904], abs=1e-4)


def test_every_chart_meets_altairs_own_schema() -> None:
    years = list(range(2015, 2021))
    shares = pd.DataFrame(
        {
            "panel": ["<script>x</script>"] * 6,
            "year": years,
            "share": [0.5] * 6,
            "share_low": [0.1] * 6,
            "share_high": [0.9] * 6,
            "incomplete": [False] * 5 + [True],
        }
    )
    kinds = pd.DataFrame(
        {"kind": ["Animals"] * 6, "year": years, "studies": [1] * 6, "low": [0.1] * 6, "high": [5.0] * 6}
    )
    rates = pd.DataFrame(
        {
            "year": years,
            "rate_studies": [1.0] * 6,
            "rate_low": [0.5] * 6,
            "rate_high": [2.0] * 6,
            "newest": [False] * 5 + [True],
        }
    )
    tiers = pd.DataFrame(
        {
            "tier": ["Animal studies"],
            "studies": [9],
            "share": [0.9],
            "low": [0.6],
            "high": [0.98],
            "scope": ["animals or dish"],
        }
    )
    drawn = [
        charts.shares_svg(shares, ["<script>x</script>"], "ms", 'a "label" & <b>'),
        charts.kinds_svg(kinds, ["Animals"], "label"),
        charts.rate_svg(rates, "label"),
        charts.tier_svg(tiers, "label"),
    ]
    for svg in drawn:
        assert svg.startswith('<svg role="img"')
        assert "<script" not in svg
        assert "style=" not in svg
        assert "#0" not in svg  # every stand-in colour became a variable of the page
