"""The shipped searches: readable by PubMed, one for each claim, and found to find what they must."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from msminer.pubmed.query import NamedQuery, load_named_queries, plain_phrase
from msminer.pubmed.recall import is_relevant, read_gold, recall
from msminer.resources import shipped
from msminer.sandbox.index import Index
from msminer.sandbox.records import load
from msminer.sandbox.search import search

TODAY = date(2026, 11, 21)
QUERIES = {query.name: query for query in load_named_queries()}
# The words that carry each search: PubMed must know them, so no loss of one is accepted.
CORE = {
    "stem_cells_ms": {"stem cell*", "multiple sclerosis"},
    "remyelination": {"remyelinat*", "multiple sclerosis"},
    "repair_drugs": {"remyelinat*", "multiple sclerosis"},
    "epidemiology": {"prevalence", "multiple sclerosis"},
    "neuregulin": {"neuregulin*", "multiple sclerosis"},
    "cell_safety": {"stem cell*", "multiple sclerosis"},
    "neurogenesis": {"neurogenesis", "multiple sclerosis"},
    "ms_all": {"multiple sclerosis"},
}


def phrases(query: NamedQuery) -> set[str]:
    found = re.findall(r'"([^"]*)"\[|([A-Za-z0-9-]+)\[', query.term)
    return {plain_phrase(quoted or bare) for quoted, bare in found}


def test_every_claim_has_its_search() -> None:
    claims = yaml.safe_load(shipped("data", "claims.yaml").read_text())["claims"]
    assert set(QUERIES) == set(CORE)
    assert {claim.get("query", "stem_cells_ms") for claim in claims} <= set(QUERIES)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_only_synonyms_may_be_lost(name: str) -> None:
    query = QUERIES[name]
    assert query.allow_lost == phrases(query) - CORE[name]
    assert phrases(query) >= CORE[name]


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_searches_say_why(name: str) -> None:
    text = shipped("data", "queries", f"{name}.txt").read_text()
    assert text.startswith("# ")
    assert all(len(line) <= 120 for line in text.splitlines())


def test_relevance_of_gold_labels() -> None:
    def row(cells: list[str], populations: list[str]) -> dict[str, list[str]]:
        return {"cell_types": cells, "populations": populations}

    assert is_relevant(row(["MSC", "MSC-BM"], ["rrms", "ms"]))
    assert is_relevant(row(["endogenous"], ["toxic_demyelination", "animal_model"]))
    assert not is_relevant(row(["none"], ["ms"]))
    assert not is_relevant(row(["MSC"], ["animal_model", "other_disease"]))
    assert not is_relevant(row(["MSC"], ["animal_model"]))


def test_recall_counts_what_the_source_holds() -> None:
    gold = [{"pmid": str(n), "cell_types": ["HSC"], "populations": ["ms"]} for n in (3, 1, 2)]
    gold.append({"pmid": "4", "cell_types": ["none"], "populations": ["ms"]})
    part = recall(gold, found=["1", "9"], available=["1", "2", "4"])
    assert (part.found, part.missed, part.total, part.share) == (("1",), ("2",), 2, 0.5)
    assert recall(gold, found=["1", "2", "3"]).share == 1.0
    assert recall([], found=["1"]).share is None


@lru_cache(maxsize=1)
def corpus_index(folder: Path) -> Index:
    return Index(load(sorted((folder / "pubmed").glob("*.xml.gz"))))


@pytest.mark.corpus
@pytest.mark.slow
def test_recall_of_the_default_search_over_the_gold(corpus: Path) -> None:
    index = corpus_index(corpus)
    found = search(index, QUERIES["stem_cells_ms"].term, TODAY)
    hits = [str(index.records[place].pmid) for place in found.places]
    result = recall(read_gold(shipped("data", "gold", "gold.jsonl")), hits, map(str, index.place))
    # Measured 2026-11: 58 of 59. The one missed is a review of a receptor that names no cell to be grafted or mobilised
    # in terms the search could ask for without taking in every paper on axons. The gold was used to find a missing
    # abbreviation, so this is no unbiased estimate; it guards against a later loss.
    assert result.total == 59
    assert len(result.found) >= 58


@pytest.mark.corpus
@pytest.mark.slow
def test_searches_stay_narrow_on_the_corpus(corpus: Path) -> None:
    index = corpus_index(corpus)
    counts = {name: len(search(index, query.term, TODAY).places) for name, query in QUERIES.items()}
    # Measured 2026-11 over 34,868 records: 118 stem_cells_ms, 124 remyelination, 43 repair_drugs, 839 epidemiology,
    # 2 neuregulin, 21 cell_safety, 36 neurogenesis, 2,443 ms_all.
    assert counts["ms_all"] > counts["epidemiology"] > counts["stem_cells_ms"] > 100
    assert counts["stem_cells_ms"] < 300
    assert min(counts.values()) > 0


@pytest.mark.corpus
@pytest.mark.slow
def test_core_words_are_never_lost_on_the_corpus(corpus: Path) -> None:
    index = corpus_index(corpus)
    for name, query in QUERIES.items():
        lost = {plain_phrase(text) for text in search(index, query.term, TODAY).quoted_not_found}
        assert not lost & CORE[name], name
