"""The 55 faults of the catalogue (docs/fetching.md), played on the wire by the sandbox; each test names its number.

Wherever a fault can be survived, the store ends up exactly as if there had been none; wherever it cannot, the run ends
with an error and the store holds no trace of an answer that was none.
"""

# ruff: noqa: E501  (records and tables of answers are easier to compare one a line)

from __future__ import annotations

import gzip
import hashlib
import re
import sqlite3
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from doorkit import NOW, PATIENCE, QUERY, QUICK, a_room, article, articles, fault, truth, write_records
from msminer.errors import (
    AddressBlocked,
    BadApiKey,
    EmptyResult,
    IncompleteResult,
    MalformedReply,
    MsminerError,
    PageTooHeavy,
    PubMedError,
    QueryError,
    ServiceError,
    StoreFull,
    StoreLocked,
    TransportError,
    UnsafeXml,
)
from msminer.pubmed import replies
from msminer.pubmed.gate import Gate
from msminer.pubmed.query import check_term, named_query
from msminer.store import open_store

FIRST = 90_000_001


def survives(folder: Path, *faults: dict[str, Any], **room: Any) -> list[Any]:
    """The harvest ends whole in spite of the faults; returns the server's log."""
    with a_room(folder, faults=faults, **room) as here:
        summary = here.harvest()
        assert here.is_whole()
        assert summary.queries[0].count == summary.queries[0].new == len(here.records)
        assert (summary.missing, summary.quarantined, summary.warnings) == (0, 0, ())
        assert any(entry.fault for entry in here.server.log), "the fault was never played"
        return here.server.log


def fails(
    folder: Path, error: type[MsminerError], *faults: dict[str, Any], requests: int | None = None, **room: Any
) -> MsminerError:
    """The harvest ends with this error, nothing is taken for an answer; requests: how often the faulty call was made."""
    with a_room(folder, faults=faults, **room) as here:
        with pytest.raises(error) as caught:
            here.harvest()
        assert here.store.counts()["articles"] == 0
        assert not here.store.tombstones()
        assert not any(search["finished"] for search in here.store.searches())
        if requests is not None:
            assert len(here.calls(faults[0]["call"])) == requests
        return caught.value


@pytest.mark.parametrize(("seconds", "at_least"), [(1, 1.0), (None, 0.01)])
def test_fault_01_rate_limited(tmp_path: Path, seconds: int | None, at_least: float) -> None:
    with a_room(tmp_path, faults=[fault("rate_limited", retry_after=seconds)]) as here:
        here.harvest()
        refused, again = (entry.time for entry in here.calls("efetch"))
        assert again - refused >= at_least
        assert here.is_whole()
        # Starts are now spaced twice as far.
        assert b'"steps": 1' in (here.settings.home / "rate-gate.json").read_bytes()


def test_fault_01_waits_double_without_retry_after(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("rate_limited", retry_after=None, times=4)], timing=slow_first(0.05)) as here:
        here.harvest()
        times = [entry.time for entry in here.calls("efetch")]
        gaps = [late - early for early, late in pairwise(times)]
        assert all(gap >= wait for gap, wait in zip(gaps, (0.05, 0.1, 0.2, 0.4), strict=True))


def slow_first(seconds: float) -> Any:
    from dataclasses import replace

    return replace(QUICK, shortest=seconds, longest=seconds)


def test_fault_02_rate_limited_under_200(tmp_path: Path) -> None:
    log = survives(tmp_path, fault("rate_limited_200"), fault("rate_limited_200", "esearch"))
    assert [entry.status for entry in log] == [200] * 4


def test_fault_03_bad_key(tmp_path: Path) -> None:
    error = fails(tmp_path, BadApiKey, fault("bad_key", "esearch"), requests=1, key="canary-5f3a")
    assert "canary" not in f"{error} {error.context} {error.__cause__} {error.__context__}"
    assert "MSMINER_API_KEY" in str(error)


@pytest.mark.parametrize("form", ["redirect", "page"])
def test_fault_04_address_blocked(tmp_path: Path, form: str) -> None:
    error = fails(tmp_path, AddressBlocked, fault("blocked", "efetch", form=form, times=None), requests=1)
    assert "eutilities@ncbi.nlm.nih.gov" in str(error)


def test_fault_05_empty_id_list(tmp_path: Path) -> None:
    error = fails(tmp_path, ServiceError, fault("empty_ids", times=None), requests=1)
    assert "empty" in str(error)


def test_fault_06_all_ids_unknown(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("all_missing", times=None)]) as here:
        summary = here.harvest()
        assert summary.missing == 5
        assert summary.new == 0
        assert {(row["first_miss"], row["gone_at"]) for row in here.store.tombstones()} == {("2026-11-21", None)}
        assert {int(row["pmid"]) for row in here.store.tombstones()} == set(here.records)
        assert "not delivered" in summary.warnings[0]


def test_fault_07_some_ids_missing_once(tmp_path: Path) -> None:
    log = survives(tmp_path, fault("missing", count=2))
    assert [len(e.params["id"].split(",")) for e in log if e.call == "efetch"] == [5, 2]


def test_fault_07_some_ids_missing_for_good(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("missing", times=None, pmids=[FIRST])]) as here:
        summary = here.harvest()
        assert here.held() == truth(set(here.records) - {FIRST})
        assert (summary.new, summary.missing) == (4, 1)
        assert summary.warnings[0].startswith("1 PMIDs were not delivered")
        assert [row["pmid"] for row in here.store.tombstones()] == [str(FIRST)]
        asked, again = here.store.pages()
        assert asked["missing"] == again["missing"] == again["asked"] == [str(FIRST)]
        assert sorted(asked["received"] + asked["missing"]) == sorted(asked["asked"])


def test_fault_07_the_store_never_shrinks(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest()
        here.server.plan.add(**fault("zero", "esearch", times=None))
        with pytest.raises(EmptyResult):
            here.harvest(now=NOW + timedelta(days=1))
        assert here.is_whole()


def test_fault_08_foreign_record(tmp_path: Path) -> None:
    records = articles(5) | {91_000_000: article(91_000_000, text="Nothing of it.").replace("Sclerosis", "Other")}
    with a_room(tmp_path, records=records, faults=[fault("extra")]) as here:
        here.harvest()
        assert here.held() == truth(articles(5))


@pytest.mark.parametrize("in_place", [False, True])
def test_fault_08_foreign_record_for_good(tmp_path: Path, in_place: bool) -> None:
    records = articles(5) | {91_000_000: article(91_000_000, text="Nothing of it.").replace("Sclerosis", "Other")}
    error = fails(
        tmp_path, IncompleteResult, fault("extra", times=None, in_place=in_place), records=records, requests=2
    )
    assert "not asked for" in str(error)


@pytest.mark.parametrize("newest_first", [False, True])
def test_fault_09_two_versions(tmp_path: Path, newest_first: bool) -> None:
    with a_room(tmp_path, faults=[fault("duplicate", newest_first=newest_first)]) as here:
        here.harvest()
        frame = here.store.articles()
        assert frame["version"].tolist() == [2, 1, 1, 1, 1]
        assert here.is_whole()


def test_fault_10_book(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("book")]) as here:
        summary = here.harvest()
        assert (summary.new, summary.missing) == (5, 0)
        assert here.store.articles()["kind"].tolist().count("book") == 1


def test_fault_11_window(tmp_path: Path) -> None:
    error = fails(tmp_path, ServiceError, fault("window", "esearch"), requests=1)
    assert "cannot be larger" in str(error)


def test_fault_11_is_never_met(tmp_path: Path) -> None:
    with a_room(tmp_path, records=40, window=7) as here:
        summary = here.harvest()
        assert here.is_whole()
        assert summary.queries[0].count == 40
        assert sum(count for _, count in here.store.searches()[0]["plan"]) == 40
        assert all(
            int(entry.params.get("retstart", 0)) == 0 and int(entry.params["retmax"]) <= 7
            for entry in here.calls("esearch")
        )


def test_fault_12_window_as_json(tmp_path: Path) -> None:
    error = fails(tmp_path, ServiceError, fault("window_json", "esearch"), requests=1)
    assert "cannot be larger" in str(error)


def test_fault_13_clamp(tmp_path: Path) -> None:
    error = fails(tmp_path, ServiceError, fault("clamp", "esearch"), requests=1)
    assert "Restrictions achieved" in str(error)


def test_fault_14_short_page(tmp_path: Path) -> None:
    survives(tmp_path, fault("short_page"))


@pytest.mark.parametrize("status", [200, 400])
def test_fault_15_history_expired(tmp_path: Path, status: int) -> None:
    survives(tmp_path, fault("history_expired", status=status, times=2))
    with a_room(tmp_path) as here:
        here.harvest()
        assert not any("WebEnv" in entry.params or "query_key" in entry.params for entry in here.server.log)


@pytest.mark.parametrize("call", ["esearch", "efetch"])
@pytest.mark.parametrize("name", ["backend_down", "database_gone", "cpp_exception"])
def test_fault_16_17_18_service_down(tmp_path: Path, call: str, name: str) -> None:
    survives(tmp_path, fault(name, call, times=3))


@pytest.mark.parametrize("name", ["backend_down", "database_gone", "cpp_exception"])
def test_fault_16_17_18_for_good_is_no_zero(tmp_path: Path, name: str) -> None:
    error = fails(tmp_path, ServiceError, fault(name, "esearch", times=None), requests=6)
    assert "says=" in str(error)


def test_fault_17_is_asked_again_slowly() -> None:
    body = b"<eSearchResult><ERROR>Search Backend failed: Database is not supported: pubmed</ERROR></eSearchResult>"
    said = replies.refusal(200, {}, body)
    assert said is not None
    assert said.again
    assert said.slowly
    assert QUICK.pause(1, slowly=True) >= QUICK.pause(1, slowly=False) / 2


@pytest.mark.parametrize("status", [200, 400])
def test_fault_19_viewer_timeout(tmp_path: Path, status: int) -> None:
    survives(tmp_path, fault("viewer_timeout", status=status))


def test_fault_19_viewer_timeout_halves_the_page(tmp_path: Path) -> None:
    log = survives(tmp_path, fault("viewer_timeout", times=6))
    assert [len(e.params["id"].split(",")) for e in log if e.call == "efetch"] == [5] * 6 + [2, 3]


def test_fault_19_for_good(tmp_path: Path) -> None:
    fails(tmp_path, PageTooHeavy, fault("viewer_timeout", times=None), records=2)


@pytest.mark.parametrize("form", ["plain", "raw", "escaped"])
@pytest.mark.parametrize("status", [200, 400])
def test_fault_20_proxy_failure(tmp_path: Path, form: str, status: int) -> None:
    survives(tmp_path, fault("proxy_failure", form=form, status=status, times=2))


def test_fault_21_server_error(tmp_path: Path) -> None:
    survives(tmp_path, fault("server_error"), fault("server_error", "esearch"))


@pytest.mark.parametrize("status", [502, 503, 504])
def test_fault_22_bad_gateway(tmp_path: Path, status: int) -> None:
    survives(tmp_path, fault("bad_gateway", status=status, times=2))


def test_fault_22_retry_after_is_honoured(tmp_path: Path) -> None:
    log = survives(tmp_path, fault("bad_gateway", status=503, retry_after=1))
    early, late = (entry.time for entry in log if entry.call == "efetch")
    assert late - early >= 1.0


def test_fault_23_uri_too_long(tmp_path: Path) -> None:
    fails(tmp_path, ServiceError, fault("uri_too_long"), requests=1)
    with a_room(tmp_path, records=210) as here:
        here.harvest()
        assert here.is_whole()
        assert {entry.method for entry in here.server.log} == {"POST"}
        assert {entry.path for entry in here.server.log} == {
            "/entrez/eutils/esearch.fcgi",
            "/entrez/eutils/efetch.fcgi",
        }


@pytest.mark.parametrize("form", ["html", "xhtml"])
def test_fault_24_html(tmp_path: Path, form: str) -> None:
    survives(tmp_path, fault("html", form=form), fault("html", "esearch", form=form))
    fails(tmp_path / "2", MalformedReply, fault("html", form=form, times=None), requests=6)


def test_fault_25_routing_text(tmp_path: Path) -> None:
    survives(tmp_path, fault("routing_text"), fault("routing_text", "esearch"))


def test_fault_26_empty_body(tmp_path: Path) -> None:
    survives(tmp_path, fault("empty_body"), fault("empty_body", "esearch"))
    fails(tmp_path / "2", TransportError, fault("empty_body", "esearch", times=None), requests=6)


CUTS = [0, 300, 5_000]


@pytest.mark.parametrize("name", ["cut_length", "cut_chunked", "cut_close"])
@pytest.mark.parametrize("at", CUTS)
def test_fault_27_28_29_cut_body(tmp_path: Path, name: str, at: int) -> None:
    survives(tmp_path, fault(name, at=at))


def test_fault_29_cut_at_a_record_border(tmp_path: Path) -> None:
    survives(tmp_path, fault("cut_close", at="border"))
    survives(tmp_path / "2", fault("cut_close", "esearch", at=200))


def test_fault_27_28_29_no_cut_is_taken_for_whole() -> None:
    page = b"<PubmedArticleSet>" + b"".join(article(p).encode() for p in (1, 2)) + b"</PubmedArticleSet>"
    search = b"<eSearchResult><Count>1</Count><RetMax>1</RetMax><IdList><Id>1</Id></IdList><QueryTranslation>a</QueryTranslation></eSearchResult>"
    for at in range(len(page)):
        with pytest.raises(MalformedReply):
            replies.whole_records(page[:at])
    for at in range(len(search)):
        with pytest.raises(MalformedReply):
            replies.read_search(search[:at], asked=5)


@pytest.mark.parametrize("at", [None, 0, 700])
def test_fault_30_reset(tmp_path: Path, at: int | None) -> None:
    survives(tmp_path, fault("reset", at=at), fault("reset", "esearch", at=at))


@pytest.mark.parametrize("form", ["close", "garbage"])
def test_fault_31_closed_before_status(tmp_path: Path, form: str) -> None:
    survives(tmp_path, fault("close_before_status", form=form))


@pytest.mark.parametrize("at", [0, 700])
def test_fault_32_stall(tmp_path: Path, at: int) -> None:
    began = time.monotonic()
    survives(tmp_path, fault("stall", at=at))
    assert time.monotonic() - began < PATIENCE


def test_fault_33_drip(tmp_path: Path) -> None:
    began = time.monotonic()
    error = fails(tmp_path, TransportError, fault("drip", seconds=0.1, times=None), requests=1)
    assert "deadline" in str(error)
    assert time.monotonic() - began < PATIENCE


def test_fault_34_refused_then_back(tmp_path: Path) -> None:
    from dataclasses import replace

    survives(tmp_path, fault("refused", seconds=0.3), timing=replace(QUICK, tries=6, shortest=0.2, longest=0.4))


def test_fault_34_unreachable(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.server.stop()
        with pytest.raises(TransportError, match="unreachable") as caught:
            here.harvest()
        assert caught.value.context["tries"] == 6
        assert here.store.counts()["articles"] == 0


@pytest.mark.parametrize("form", ["reference", "control", "utf8"])
def test_fault_35_bad_characters(tmp_path: Path, form: str) -> None:
    bad = FIRST + 2
    with a_room(tmp_path, faults=[fault("bad_characters", form=form, pmid=bad, times=None)]) as here:
        summary = here.harvest()
        assert here.held() == truth(set(here.records) - {bad})
        (aside,) = here.store.quarantine()
        assert aside["pmid"] == str(bad)
        assert str(bad).encode() in aside["raw"]
        assert aside["sha256"] == hashlib.sha256(aside["raw"]).hexdigest()
        assert aside["reason"]
        assert (summary.new, summary.quarantined) == (4, 1)
        assert "set aside" in summary.warnings[0]


@pytest.mark.parametrize("form", ["bomb", "xxe"])
def test_fault_36_entities(tmp_path: Path, form: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary-77")
    began = time.monotonic()
    error = fails(tmp_path, UnsafeXml, fault("entities", form=form, file=str(secret), times=None), requests=1)
    assert "canary" not in str(error)
    assert time.monotonic() - began < PATIENCE


def test_fault_37_new_dtd(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("new_dtd", times=None)], records=410) as here:
        summary = here.harvest()
        assert here.is_whole()
        assert [text for text in summary.warnings if "pubmed_260101.dtd" in text] == list(summary.warnings)
        assert len(summary.warnings) == 1


@pytest.mark.parametrize("form", ["crc", "cut", "unasked"])
def test_fault_38_broken_gzip(tmp_path: Path, form: str) -> None:
    survives(tmp_path, fault("broken_gzip", form=form))


def test_fault_39_huge_body(tmp_path: Path) -> None:
    from dataclasses import replace

    small = replace(QUICK, largest=1_000_000, deadline=20.0, tries=2)
    error = fails(
        tmp_path, TransportError, fault("huge_body", megabytes=3, times=None), timing=small, encoding="identity"
    )
    assert "larger" in str(error)


def test_fault_40_tag_ignored(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"\[tiab\]"):
        check_term("asthma[tiabb]")
    with a_room(tmp_path) as here:
        here.harvest()
        here.server.plan.add(**fault("tag_ignored", "esearch"))
        summary = here.harvest(now=NOW + timedelta(days=1))
        assert any("reads the query otherwise" in text for text in summary.warnings)


def test_fault_41_phrase_lost(tmp_path: Path) -> None:
    error = fails(tmp_path, QueryError, fault("phrase_lost", "esearch", phrase='"lost cells"'))
    assert "lost cells" in str(error)
    with a_room(tmp_path, faults=[fault("phrase_lost", "esearch", phrase='"lost cells"[tiab]')]) as here:
        here.harvest(named_query("ms", QUERY.term, frozenset({"Lost cells"})))
        assert here.is_whole()


def test_fault_42_honest_zero(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        with pytest.raises(EmptyResult):
            here.harvest(named_query("none", "unheard[tiab]"))
        both = here.harvest(QUERY, named_query("none", "unheard[tiab]"))
        assert [part.count for part in both.queries] == [5, 0]
        assert any("finds nothing" in text for text in both.warnings)


def test_fault_42_zero_without_its_message(tmp_path: Path) -> None:
    error = fails(tmp_path, MalformedReply, fault("zero", "esearch", silent=True, times=None), requests=6)
    assert "zero" in str(error)


def test_fault_42_zero_after_hits_raises_alarm(tmp_path: Path) -> None:
    other = named_query("other", "cells[tiab]")
    with a_room(tmp_path) as here:
        here.harvest(QUERY, other)
        # Both the look at all searches together and the first of them are answered so.
        here.server.plan.add(**fault("zero", "esearch", times=2))
        summary = here.harvest(QUERY, other, now=NOW + timedelta(days=1))
        assert any("but found 5 records before" in text for text in summary.warnings)
        assert here.is_whole()
        assert here.store.articles()["queries"].tolist() == [["ms", "other"]] * 5


def test_fault_43_count_drifts(tmp_path: Path) -> None:
    survives(tmp_path, fault("count_drift", "esearch"))
    survives(tmp_path / "2", fault("count_drift", "esearch", by=1), records=40, window=7)
    fails(tmp_path / "3", PubMedError, fault("count_drift", "esearch", times=None))


def test_fault_44_same_id_twice(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("order_drift", "esearch")]) as here:
        here.harvest(QUERY, named_query("again", "cells[tiab]"))
        assert here.is_whole()
        assert [page["asked"] for page in here.store.pages()] == [sorted(str(p) for p in here.records)]


def test_fault_45_late_change(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest()
        for name, option in (("revise", {"find": "walked", "replace": "ran"}), ("retract", {}), ("concern", {})):
            here.server.plan.add(**fault(name, "esearch", pmid=FIRST, day="2026-11-22", **option))
        summary = here.harvest(now=NOW + timedelta(days=2))
        assert (summary.changed, summary.new) == (1, 0)
        first = here.store.articles().iloc[0]
        assert "ran 1" not in truth([FIRST])[str(FIRST)][1]
        assert " ran " in first["abstract"]
        assert (first["retracted"], first["concern"]) == (True, True)
        assert {event["kind"] for event in here.store.events()} == {"retraction", "concern"}
        assert {event["record_date"] for event in here.store.events()} == {"2026-11-22"}
        (former,) = here.store.versions(str(FIRST))
        assert (former["record"]["title"], former["record"]["abstract"]) == truth([FIRST])[str(FIRST)]
        assert here.held() | truth([FIRST]) == truth(here.records)


def test_fault_46_deleted(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest()
        here.server.plan.add(**fault("delete", "esearch", pmid=FIRST))
        here.harvest(now=NOW + timedelta(days=1))
        assert [(row["pmid"], row["gone_at"]) for row in here.store.tombstones()] == [(str(FIRST), None)]
        here.harvest(now=NOW + timedelta(days=1, hours=1))
        assert here.store.tombstones()[0]["gone_at"] is None, "a second miss on the same day proves nothing"
        summary = here.harvest(now=NOW + timedelta(days=2))
        assert here.store.tombstones()[0]["gone_at"] == "2026-11-23"
        assert here.is_whole(), "what is gone from PubMed is kept"
        assert any("gone from PubMed" in text for text in summary.warnings)


def test_fault_47_too_many_uids(tmp_path: Path) -> None:
    error = fails(tmp_path, ServiceError, fault("too_many_uids"), requests=1)
    assert "Too many UIDs" in str(error)


def test_fault_48_hidden_summary_failure(tmp_path: Path) -> None:
    survives(tmp_path, fault("hidden_summary_failure"), fault("hidden_summary_failure", "esearch"))
    fails(tmp_path / "2", ServiceError, fault("hidden_summary_failure", "esearch", times=None), requests=6)


@pytest.mark.parametrize("form", ["numbers", "array", "object", "list"])
def test_fault_49_bad_json_types(tmp_path: Path, form: str) -> None:
    fails(tmp_path, PubMedError, fault("bad_json_types", "esearch", form=form, times=None), requests=6)
    survives(tmp_path / "2", fault("bad_json_types", "esearch", form=form))


def test_fault_50_killed_in_mid_page(tmp_path: Path) -> None:
    """The transaction of a page is all or nothing; whole processes are killed in test_kill."""
    with a_room(tmp_path, records=450) as here:
        pages: list[int] = []

        def stop_at_the_second(stage: str, done: int, total: int) -> None:
            if stage == "fetch" and done:
                pages.append(done)
            if len(pages) == 2:
                raise KeyboardInterrupt

        from msminer.pubmed.harvest import harvest

        with pytest.raises(KeyboardInterrupt):
            harvest(here.store, here.client, [QUERY], now=NOW, progress=stop_at_the_second)
        assert here.store.counts()["articles"] == 400
        assert here.store.counts()["pending"] == 50
        assert here.store.runs()[-1]["status"] == "interrupted"
        here.harvest()
        assert here.is_whole()
        asked = [e.params["id"].split(",") for e in here.calls("efetch")]
        assert [len(ids) for ids in asked] == [200, 200, 50]


def test_fault_51_disk_full(tmp_path: Path) -> None:
    with a_room(tmp_path, records=600) as here:
        here.store.counts()
        with small_disk(here.store, pages=60), pytest.raises(StoreFull, match="no space"):
            here.harvest()
        done = here.store.counts()
        assert done["articles"] % 200 == 0
        assert done["articles"] + done["pending"] in {0, 600}
        here.store.check()
        here.harvest()
        assert here.is_whole()


class small_disk:  # noqa: N801  (reads as a with statement)
    """Let the SQLite file grow no further than so many pages: SQLITE_FULL, as a full disk gives it."""

    def __init__(self, store: Any, pages: int) -> None:
        self.store, self.pages = store, pages

    def __enter__(self) -> None:
        from sqlalchemy import event

        self.store.close()
        event.listen(self.store._engine, "connect", self._limit)

    def __exit__(self, *_: object) -> None:
        from sqlalchemy import event

        event.remove(self.store._engine, "connect", self._limit)
        self.store.close()

    def _limit(self, connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={self.pages}")


def test_fault_51_read_only(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest()
    url = f"sqlite:///file:{here.settings.home / 'msminer.sqlite'}?mode=ro&uri=true"
    with open_store(url, create=False) as store:
        assert store.counts()["articles"] == 5
        with pytest.raises(StoreFull, match="read-only"), store.run("test"):
            pass


def test_fault_52_two_runs_at_once(tmp_path: Path) -> None:
    with a_room(tmp_path) as here, open_store(here.settings.database_url("entrez")) as other, other.run("first"):
        with pytest.raises(StoreLocked, match="another run"):
            here.harvest()
        assert not here.server.log, "the second run asked PubMed though it may not write"


def test_fault_53_many_clients_share_one_budget(tmp_path: Path) -> None:
    """Two clients with gates of their own folder objects stay under the server's limit; test_gate proves it over processes."""
    with a_room(tmp_path, rate=True, limit=3) as here:
        here.harvest()
        here.harvest(now=NOW + timedelta(days=1))
        assert not [entry for entry in here.server.log if entry.status == 429]


def test_fault_54_clock_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(tmp_path, 50)
    with gate.request():
        pass
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86_400 * 365)
    began = time.monotonic()
    with gate.request():
        pass
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_fault_55_redirect_to_another_host(tmp_path: Path, status: int) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    with a_room(tmp_path / "there") as there:
        to = there.server.url + "efetch.fcgi"
        fails(
            tmp_path / "here",
            AddressBlocked,
            fault("redirect", status=status, to=to, times=None),
            key="canary-9",
            requests=1,
        )
        assert not there.server.log


def test_every_fault_has_its_test() -> None:
    text = Path(__file__).read_text("utf-8")
    named = re.findall(r"def test_fault_([0-9_]+)", text)
    numbers = {int(part) for name in named for part in name.split("_") if part}
    assert numbers == set(range(1, 56))


def test_gzip_page_is_kept_as_received(tmp_path: Path) -> None:
    from sqlalchemy import select

    from msminer.store.tables import PAGES

    with a_room(tmp_path) as here:
        here.harvest()
        with here.store.reading() as connection:
            row = connection.execute(select(PAGES)).one()
        raw = gzip.decompress(row.raw)
        assert hashlib.sha256(raw).hexdigest() == row.sha256 == here.store.articles()["page_sha256"].iloc[0]
        assert write_records(tmp_path / "x.xml", here.records.values()).read_bytes().count(b"<PMID") == raw.count(
            b"<PMID"
        )
