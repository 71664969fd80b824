"""The offline sample: facts as they stand in the table, told to be a digest, found by the searches that need them."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import Bio
import pytest
import yaml
from lxml import etree

from msminer.pubmed.query import load_named_queries
from msminer.resources import shipped
from msminer.sandbox.index import Index
from msminer.sandbox.records import load
from msminer.sandbox.search import search


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_sample", shipped("data", "sample", "build.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    lines = shipped("data", "sample", "evidence.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def articles() -> list[Any]:
    return list(etree.fromstring(gzip.decompress(shipped("data", "sample", "sample.xml.gz").read_bytes())))


def text(article: Any) -> str:
    return " ".join("".join(e.itertext()) for e in article.iterfind(".//AbstractText"))


def test_the_shipped_file_is_what_the_script_makes(build: ModuleType, rows: list[dict[str, Any]]) -> None:
    shipped_bytes = gzip.decompress(shipped("data", "sample", "sample.xml.gz").read_bytes())
    assert build.corpus(rows) == shipped_bytes


def test_the_same_table_gives_the_same_bytes(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for name in ("one.gz", "two.gz"):
        table = str(shipped("data", "sample", "evidence.jsonl"))
        monkeypatch.setattr("sys.argv", ["build.py", table, "-o", str(tmp_path / name)])
        assert build.main() == 0
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_it_is_valid_pubmed_xml(articles: list[Any]) -> None:
    dtd = etree.DTD(str(Path(Bio.__file__).parent / "Entrez" / "DTDs" / "pubmed_250101.dtd"))
    assert dtd.validate(articles[0].getparent()), dtd.error_log


def test_every_record_says_it_is_a_digest(build: ModuleType, articles: list[Any], rows: list[dict[str, Any]]) -> None:
    assert len(articles) == len(rows) == 230
    for article, row in zip(articles, rows, strict=True):
        assert text(article).startswith("Digest by msminer, not the published abstract.")
        if row["title_descriptive"]:
            title = article.findtext(".//ArticleTitle")
            assert title.startswith("[Description by msminer: ")
            assert title.endswith("]")


def test_facts_and_figures_stand_as_in_the_table(articles: list[Any], rows: list[dict[str, Any]]) -> None:
    for article, row in zip(articles, rows, strict=True):
        for finding in row["findings"]:
            assert finding["fact"].rstrip(".") in text(article)
        for figure in row.get("figures") or []:
            assert f"{figure['value']:,}" in text(article)


def test_identifiers_are_real_or_plainly_local(
    build: ModuleType, articles: list[Any], rows: list[dict[str, Any]]
) -> None:
    seen = set()
    for article, row in zip(articles, rows, strict=True):
        pmid = article.findtext("MedlineCitation/PMID")
        ids = {e.get("IdType"): e.text for e in article.iterfind("PubmedData/ArticleIdList/ArticleId")}
        seen.add(pmid)
        assert ids.get("pubmed") == row["pmid"]
        assert (ids.get("doi"), ids.get("pmc")) == (row["doi"], row["pmcid"])
        assert (pmid == row["pmid"]) if row["pmid"] else int(pmid) > 990_000_000
    assert len(seen) == len(rows)


def test_types_claim_no_more_than_the_title(articles: list[Any], rows: list[dict[str, Any]]) -> None:
    for article, row in zip(articles, rows, strict=True):
        types = [e.text for e in article.iterfind(".//PublicationType")]
        if "Randomized Controlled Trial" in types:
            assert row["study_design"] == "trial_controlled"
            assert re.search("randomi[sz]ed", row["title"], re.IGNORECASE)
        assert ("Retracted Publication" in types) == bool(row["retracted"])


def test_the_frame_of_a_sentence_holds_no_keyword_of_its_claims(build: ModuleType) -> None:
    """Keywords are looked up in the sentence of a finding: only the fact may answer to them."""
    cells = [f"With {name}," for name in build.CELLS.values()]
    for claim in yaml.safe_load(shipped("data", "claims.yaml").read_text())["claims"]:
        wanted = claim.get("outcome")
        outcomes = [wanted] if isinstance(wanted, str) else wanted or list(build.SAYS)
        frames = cells + [says for outcome in outcomes for says in build.SAYS[outcome].values()]
        if not wanted:
            frames += [*build.DESIGNS.values(), *build.ROUTES.values(), *build.POPULATIONS.values(), build.FIRST_WORDS]
        for keyword in claim.get("keywords") or []:
            hits = [frame for frame in frames if re.search(r"\b" + re.escape(keyword), frame, re.IGNORECASE)]
            assert not hits, (claim["id"], keyword)


def test_a_row_with_everything_unknown(build: ModuleType, rows: list[dict[str, Any]]) -> None:
    bare = {
        **rows[0], "id": "E999", "year": None, "title": None, "title_descriptive": False, "journal": None, "doi": None,
        "pmcid": None, "first_author": None, "n": None, "follow_up_months": None, "routes": [], "findings": [],
    }  # fmt: skip
    article = build.record(bare)
    assert article.findtext("MedlineCitation/PMID") == "990000999"
    assert article.findtext(".//ArticleTitle") == "[Not Available]."
    assert article.findtext(".//MedlineDate") == "Date unknown"
    assert "No result is recorded" in text(article)


def test_a_retracted_trial_carries_its_marks(build: ModuleType, rows: list[dict[str, Any]]) -> None:
    row = {**rows[2], "retracted": True, "trial_ids": ["NCT00000001"]}
    article = build.record(row)
    types = [e.text for e in article.iterfind(".//PublicationType")]
    assert {"Retracted Publication", "Randomized Controlled Trial"} <= set(types)
    assert article.findtext(".//AccessionNumber") == "NCT00000001"


def test_searches_find_their_share_of_the_sample() -> None:
    index = Index(load([shipped("data", "sample", "sample.xml.gz")]))
    counts = {query.name: len(search(index, query.term, date(2026, 11, 21)).places) for query in load_named_queries()}
    # Measured 2026-11.
    assert counts == {
        "cell_safety": 62, "epidemiology": 36, "ms_all": 178, "neuregulin": 1, "neurogenesis": 11, "remyelination": 71,
        "repair_drugs": 21, "stem_cells_ms": 213,
    }  # fmt: skip
