"""The harvest as its users see it: whole results in slices, nothing fetched twice, what changed, what others added."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorkit import NOW, QUERY, QUICK, a_room, article, articles, fault, truth, write_records
from msminer.errors import EmptyResult, IncompleteResult, MsminerError, PubMedError, QueryError, UsageError
from msminer.pubmed.harvest import denominators, harvest_files
from msminer.pubmed.harvest.pages import newer_dtd
from msminer.pubmed.query import named_query
from msminer.pubmed.slices import FIRST_DAY, LAST_UID, Slice, chunks, since, whole
from msminer.settings import NCBI_URL
from msminer.store import Page, open_store

DAY = timedelta(days=1)
FIRST = 90_000_001
OTHER = named_query("cells", "cells[tiab]")


# --- slices


@given(
    st.dates(date(1850, 1, 1), date(2030, 1, 1)), st.integers(0, 40_000), st.integers(1, 1_000), st.integers(0, 10**6)
)
def test_halves_cover_a_slice_exactly(first: date, days: int, low: int, uids: int) -> None:
    area = Slice(first, min(first + timedelta(days=days), date(2040, 1, 1)), low, low + uids)
    if not area.divisible:
        with pytest.raises(ValueError, match="halved"):
            area.halves()
        return
    one, two = area.halves()
    if area.first < area.last:
        assert (one.first, two.last) == (area.first, area.last)
        assert two.first - one.last == timedelta(days=1)
        assert {(half.low, half.high) for half in (one, two)} == {(area.low, area.high)}
    else:
        assert (one.low, two.high, two.low - one.high) == (area.low, area.high, 1)
        assert one.low <= one.high
        assert two.low <= two.high
        assert {(half.first, half.last) for half in (one, two)} == {(area.first, area.last)}


def test_slices_in_words() -> None:
    today = date(2026, 11, 21)
    assert whole(today).first == FIRST_DAY
    assert whole(today).last == date(2027, 3, 16)
    assert since(date(2026, 11, 1), today).term("a OR b") == "(a OR b) AND 2026/11/01:2027/03/16[crdt]"
    one_day = Slice(today, today, 1, 500)
    assert one_day.term("a") == "(a) AND 2026/11/21:2026/11/21[crdt] AND 1:500[uid]"
    assert str(one_day) == "2026-11-21..2026-11-21 uid 1..500"
    assert str(Slice(today, today)) == "2026-11-21..2026-11-21"
    assert Slice(today, today).halves()[0].high == (1 + LAST_UID) // 2
    assert list(chunks(["1", "2", "3"], 2)) == [["1", "2"], ["3"]]


@pytest.mark.parametrize("window", [1, 2, 3, 7, 39, 40, 41])
def test_any_window_gives_the_whole(tmp_path: Path, window: int) -> None:
    with a_room(tmp_path, records=40, window=window) as here:
        here.harvest()
        assert here.is_whole()
        plan = here.store.searches()[0]["plan"]
        assert sum(count for _, count in plan) == 40
        assert all(count <= window for _, count in plan)


def test_a_single_day_above_the_window_is_split_by_pmid(tmp_path: Path) -> None:
    records = {pmid: article(pmid, day="2021/05/06") for pmid in range(500, 560)} | {9: article(9, day="1999/01/01")}
    with a_room(tmp_path, records=records, window=10) as here:
        here.harvest()
        assert here.is_whole()
        assert any("uid" in piece for piece, _ in here.store.searches()[0]["plan"])


def test_slices_that_never_add_up_are_no_result(tmp_path: Path) -> None:
    with a_room(tmp_path, records=20, window=5) as here:
        real = here.client.search

        def drifting(term: str, *, most: int | None = None) -> Any:
            from dataclasses import replace

            reply = real(term, most=most)
            return replace(reply, count=reply.count + 1) if term == QUERY.term else reply

        here.client.search = drifting  # type: ignore[method-assign]
        with pytest.raises(IncompleteResult, match="add up"):
            here.harvest()
        assert here.store.counts()["articles"] == 0


def test_one_pmid_cannot_exceed_the_window(tmp_path: Path) -> None:
    from msminer.pubmed.harvest.find import _parts

    today = date(2026, 11, 21)
    with a_room(tmp_path) as here, pytest.raises(IncompleteResult, match="one PMID"):
        list(_parts(here.client, "x", Slice(today, today, 5, 5)))


# --- nothing twice


def test_a_second_run_fetches_nothing_twice_and_says_so(tmp_path: Path) -> None:
    with a_room(tmp_path, records=410) as here:
        first = here.harvest(QUERY, OTHER)
        assert str(first) == f"410 new, 0 changed, 0 there already; 3 pages, {first.requests} requests"
        for later in (timedelta(0), timedelta(minutes=5), DAY, 40 * DAY):
            summary = here.harvest(QUERY, OTHER, now=NOW + later)
            assert summary.nothing_new
            assert str(summary).startswith("nothing new: all 410 records were there already")
            assert [part.already for part in summary.queries] == [410, 410]
            assert all(part.requests <= 5 for part in summary.queries)
        assert len(here.calls("efetch")) == 3
        assert all(run["status"] == "done" for run in here.store.runs())


@pytest.mark.parametrize("window", [9_999, 10])
def test_nothing_new_takes_at_most_five_requests_a_query(tmp_path: Path, window: int) -> None:
    with a_room(tmp_path, records=60, window=window) as here:
        here.harvest()
        summary = here.harvest(now=NOW + DAY)
        assert summary.nothing_new
        assert summary.requests <= 5


def test_records_revised_today_are_read_once_more_after_the_day_has_settled_and_then_never(tmp_path: Path) -> None:
    records = articles(5) | {7: article(7, revised="2026/11/21"), 8: article(8, revised="2026/11/20")}
    with a_room(tmp_path, records=records) as here:
        here.harvest()
        times = [
            timedelta(minutes=5),
            timedelta(hours=6),
            timedelta(hours=20),
            DAY,
            DAY + timedelta(hours=6),
            2 * DAY,
            3 * DAY,
        ]
        before = len(here.calls("efetch"))
        for later in times:
            here.harvest(now=NOW + later)
        asked = [entry.params["id"] for entry in here.calls("efetch")[before:]]
        # 8 had its last day before; its 12:00 UTC of the next day is the very moment of the first run.
        assert asked == ["7"]
        assert here.store.versions("7") == []


def test_a_record_revised_again_within_the_overlap_is_found(tmp_path: Path) -> None:
    with a_room(tmp_path, records=articles(5) | {7: article(7, revised="2026/11/20")}) as here:
        here.harvest()
        here.server.plan.add(**fault("revise", "esearch", pmid=7, day="2026-11-21", find="walked", replace="ran"))
        assert here.harvest(now=NOW + timedelta(hours=3)).changed == 1
        assert here.harvest(now=NOW + timedelta(hours=4)).changed == 0
        assert len(here.store.versions("7")) == 1


def test_new_records_are_found_by_entry_date_above_the_window(tmp_path: Path) -> None:
    with a_room(tmp_path, records=60, window=10) as here:
        here.harvest()
        here.server.plan.add(**fault("add", "esearch", xml=article(95_000_000, day="2026/11/22")))
        before = len(here.calls("esearch"))
        summary = here.harvest(now=NOW + DAY)
        assert summary.new == 1
        assert here.held() == truth([*here.records, 95_000_000])
        assert len(here.calls("esearch")) - before <= 5


def test_a_late_index_above_the_window_is_found_by_the_sum(tmp_path: Path) -> None:
    """A record that entered long ago and matches only now: no entry date shows it, the whole count does."""
    with a_room(tmp_path, records=60, window=10) as here:
        here.harvest()
        here.server.plan.add(**fault("add", "esearch", xml=article(95_000_000, day="2001/01/01")))
        assert here.harvest(now=NOW + DAY).new == 1


def test_records_that_leave_a_query_stay_in_the_store(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest()
        here.server.plan.add(
            **fault("revise", "esearch", pmid=FIRST, day="2026-11-22", find="Sclerosis", replace="Other")
        )
        summary = here.harvest(now=NOW + 2 * DAY)
        assert summary.queries[0].dropped == 1
        frame = here.store.articles()
        assert frame["queries"].tolist() == [[], *[["ms"]] * 4]
        assert frame["title"].iloc[0].startswith("Other")
        assert here.store.tombstones() == []


def test_retractions_are_looked_up_for_everything_stored(tmp_path: Path) -> None:
    """Also for records that no query of the run finds, and when the revision date tells nothing."""
    with a_room(tmp_path, records=8) as here:
        here.harvest()
        here.server.plan.add(**fault("retract", "esearch", pmid=FIRST, day="2019-01-01"))
        narrow = named_query("narrow", f"sclerosis[tiab] NOT {FIRST}[uid]")
        summary = here.harvest(narrow, now=NOW + 30 * DAY)
        assert (summary.changed, summary.queries[0].changed) == (1, 0)
        assert not summary.nothing_new
        frame = here.store.articles()
        assert frame["retracted"].tolist() == [True, *[False] * 7]
        assert [(event["pmid"], event["kind"]) for event in here.store.events()] == [(str(FIRST), "retraction")]
        before = len(here.server.log)
        here.harvest(narrow, now=NOW + 30 * DAY + timedelta(hours=1))
        assert not [entry for entry in here.server.log[before:] if entry.call == "efetch"]


def test_records_joined_from_another_query_are_checked_from_their_own_day_on(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest(QUERY)
        here.server.plan.add(**fault("revise", "esearch", pmid=FIRST, day="2026-11-25", find="walked", replace="ran"))
        here.harvest(OTHER, now=NOW + 60 * DAY)
        assert len(here.store.versions(str(FIRST))) == 1


def test_a_changed_term_is_a_new_search(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest()
        narrow = named_query("ms", f"sclerosis[tiab] NOT {FIRST}[uid]")
        summary = here.harvest(narrow, now=NOW + DAY)
        assert summary.queries[0].dropped == 1
        assert here.store.articles()["queries"].tolist() == [[], *[["ms"]] * 4]


def test_missing_and_set_aside_are_asked_again_on_another_day_only(tmp_path: Path) -> None:
    bad, lost = FIRST + 1, FIRST + 2
    faults = [fault("bad_characters", pmid=bad, form="reference", times=1), fault("missing", pmids=[lost], times=2)]
    with a_room(tmp_path, faults=faults) as here:
        here.harvest()
        pages = len(here.calls("efetch"))
        same_day = here.harvest(now=NOW + timedelta(hours=2))
        assert len(here.calls("efetch")) == pages
        assert same_day.new == 0
        here.harvest(now=NOW + DAY)
        assert here.is_whole()
        assert here.store.tombstones() == []


def test_a_queue_left_by_a_broken_run_is_emptied_first(tmp_path: Path) -> None:
    with a_room(tmp_path, records=250, faults=[fault("bad_key", nth=2)]) as here:
        with pytest.raises(PubMedError):
            here.harvest()
        assert here.store.counts()["pending"] == 50
        summary = here.harvest()
        assert here.is_whole()
        assert (summary.new, summary.already) == (50, 200)


def test_several_queries_share_their_records(tmp_path: Path) -> None:
    with a_room(tmp_path, records=10) as here:
        narrow = named_query("narrow", f"{FIRST}:{FIRST + 2}[uid]")
        summary = here.harvest(QUERY, narrow)
        assert [(part.count, part.new) for part in summary.queries] == [(10, 10), (3, 3)]
        assert summary.new == 10
        assert here.store.articles()["queries"].tolist() == [["ms", "narrow"]] * 3 + [["ms"]] * 7
        assert [row["query"] for row in here.store.searches()] == ["ms", "narrow"]
        assert here.store.searches()[0]["translation"]


def test_a_bad_query_stops_before_any_record_is_fetched(tmp_path: Path) -> None:
    lost = [fault("phrase_lost", "esearch", nth=2, phrase='"x"')]
    with a_room(tmp_path, faults=lost) as here:
        with pytest.raises(QueryError):
            here.harvest(QUERY, OTHER)
        assert not here.calls("efetch")


def test_no_hit_at_all_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with a_room(tmp_path) as here, pytest.raises(EmptyResult, match="widen"):
        here.harvest(named_query("none", "unheard[tiab]"))


def test_progress_is_told(tmp_path: Path) -> None:
    from msminer.pubmed.harvest import harvest

    told: list[tuple[str, int, int]] = []
    with a_room(tmp_path, records=210) as here:
        harvest(here.store, here.client, [QUERY], now=NOW, progress=lambda *step: told.append(step))
    assert told == [("search", 0, 1), ("search", 1, 1), ("fetch", 0, 210), ("fetch", 200, 210), ("fetch", 210, 210)]


# --- pages


def test_a_page_that_is_no_pubmed_set_is_halved_down_to_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msminer.errors import DamagedXml
    from msminer.pubmed.harvest import pages

    real, bad = pages.parse_page, str(FIRST + 3).encode()

    def strict(data: bytes, *, source: str) -> Any:
        if bad in data:
            raise DamagedXml("not to be read", source=source)
        return real(data, source=source)

    monkeypatch.setattr(pages, "parse_page", strict)
    with a_room(tmp_path, records=9) as here:
        summary = here.harvest()
        assert (summary.new, summary.quarantined) == (8, 1)
        assert [row["pmid"] for row in here.store.quarantine()] == [bad.decode()]
        asked = [page["asked"] for page in here.store.pages()]
        assert sorted(pmid for part in asked for pmid in part) == sorted(str(p) for p in here.records)


@pytest.mark.parametrize("named", [None, "12345"])
def test_a_bad_record_without_its_pmid_is_found_by_halving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    from msminer.pubmed.harvest import pages
    from msminer.pubmed.parse import BadRecord, ParsedPage

    real, bad = pages.parse_page, str(FIRST + 3)

    def strict(data: bytes, *, source: str) -> ParsedPage:
        page = real(data, source=source)
        good = [record for record in page.records if record["pmid"] != bad]
        return ParsedPage(good, [], [BadRecord(named, "torn", b"<torn>")] if len(good) < len(page.records) else [])

    monkeypatch.setattr(pages, "parse_page", strict)
    with a_room(tmp_path, records=9) as here:
        here.harvest()
        assert [(row["pmid"], row["reason"]) for row in here.store.quarantine()] == [(bad, "torn")]
        assert here.store.counts()["articles"] == 8


@pytest.mark.parametrize(
    ("name", "newer"),
    [(b"pubmed_250101.dtd", False), (b"pubmed_190101.dtd", False), (b"pubmed_270101.dtd", True), (b"", False)],
)
def test_newer_document_types(name: bytes, newer: bool) -> None:
    said = newer_dtd(
        [Page("efetch", ["1"], b'<!DOCTYPE PubmedArticleSet "' + name + b'">', []), Page("file", [], None, [])]
    )
    assert said == (name.decode() if newer else None)


# --- denominators


def test_denominators_are_asked_once_a_month(tmp_path: Path) -> None:
    years = [2001, 2005, 1900]
    with a_room(tmp_path, records=40) as here:
        assert denominators(here.store, here.client, years, QUERY, now=NOW) == 3
        frame = here.store.denominators()
        want = {year: sum(f">{year}</Year></PubDate>" in xml for xml in here.records.values()) for year in years}
        assert dict(zip(frame["year"], frame["ms_papers"], strict=True)) == want
        assert want[1900] == 0
        assert denominators(here.store, here.client, [*years, 2006], QUERY, now=NOW + 20 * DAY) == 1
        assert denominators(here.store, here.client, years, QUERY, now=NOW + 31 * DAY) == 3
        assert denominators(here.store, here.client, [2001], OTHER, now=NOW + 32 * DAY) == 1


def test_a_denominator_that_cannot_be_had_is_no_zero(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("backend_down", "esearch", times=None)]) as here:
        with pytest.raises(PubMedError):
            denominators(here.store, here.client, [2001], QUERY, now=NOW)
        assert len(here.store.denominators()) == 0


# --- files


def test_files_are_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    good = write_records(tmp_path / "good.xml", articles(5).values())
    cut = tmp_path / "cut.xml"
    cut.write_bytes(write_records(tmp_path / "more.xml", articles(1_300, 1_000).values()).read_bytes()[:-40])
    (tmp_path / "other.xml").write_text("<html/>")
    with open_store(f"sqlite:///{tmp_path / 's.sqlite'}", origin="files") as store:
        paths = [good, cut, tmp_path / "other.xml", tmp_path / "absent.xml"]
        summary = harvest_files(store, paths, now=NOW, queries=["stem_cells_ms"])
        assert (summary.new, summary.already) == (5, 0)
        assert [name for name, _ in summary.left_out] == ["cut.xml", "other.xml", "absent.xml"]
        assert len(summary.warnings) == 3
        assert store.articles()["queries"].tolist() == [["stem_cells_ms"]] * 5
        again = harvest_files(store, [good], now=NOW, queries=["stem_cells_ms"])
        assert (again.new, again.already) == (0, 5)
        assert not any(str(tmp_path) in str(row) for row in [*store.pages(), *store.runs()])


def test_files_that_are_all_unreadable_are_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text("{}")
    with open_store(f"sqlite:///{tmp_path / 's.sqlite'}", origin="files") as store, pytest.raises(UsageError):
        harvest_files(store, [tmp_path / "x.xml"], now=NOW)


def test_deleted_citations_of_a_file_become_tombstones(tmp_path: Path) -> None:
    path = tmp_path / "update.xml"
    path.write_text(
        f"<PubmedArticleSet>{article(5)}<DeleteCitation><PMID>77</PMID></DeleteCitation></PubmedArticleSet>"
    )
    with open_store(f"sqlite:///{tmp_path / 's.sqlite'}", origin="files") as store:
        harvest_files(store, [path], now=NOW)
        assert [(row["pmid"], row["gone_at"]) for row in store.tombstones()] == [("77", "2026-11-21")]


# --- the key


def test_a_key_appears_nowhere_after_a_run_with_faults(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    canary = "canarykey0123456789"
    caplog.set_level(logging.DEBUG)
    plans = [
        [
            fault("rate_limited", retry_after=None),
            fault("reset"),
            fault("html", "esearch"),
            fault("bad_characters", form="utf8", pmid=FIRST),
        ],
        [fault("bad_key", "esearch")],
        [fault("blocked", "esearch")],
        [fault("redirect", to="http://127.0.0.1:9/")],
        [fault("drip", seconds=0.1, times=None)],
    ]
    said = ""
    for number, plan in enumerate(plans):
        with a_room(tmp_path / str(number), faults=plan, key=canary) as here:
            try:
                here.harvest()
            except MsminerError as error:
                said += describe(error)
            assert any(canary in entry.body for entry in here.server.log), "the key was never sent"
            assert not any(canary in entry.path for entry in here.server.log)
            said += str(here.store.runs()) + str(here.store.searches()) + repr(here.client) + repr(here.settings)
    assert canary not in said + caplog.text
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or canary.encode() not in path.read_bytes(), path.name


def describe(error: BaseException | None) -> str:
    """An error with all it carries and all behind it."""
    parts = []
    while error is not None:
        parts.append(f"{error!r} {error} {getattr(error, 'context', '')} {error.args}")
        error = error.__cause__ or error.__context__
    return " ".join(parts)


def test_the_key_is_in_no_process_list(tmp_path: Path) -> None:
    with a_room(tmp_path, key="canarykey-ps") as here:
        here.harvest()
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert "canarykey-ps" not in listed


# --- the corpus


@pytest.mark.corpus
@pytest.mark.slow
def test_all_ms_records_of_the_corpus_arrive_and_a_second_run_fetches_none(tmp_path: Path, corpus: Path) -> None:
    from msminer.pubmed.entrez import open_client
    from msminer.pubmed.harvest import harvest
    from msminer.sandbox import Sandbox
    from msminer.settings import Settings

    with Sandbox(sorted((corpus / "pubmed").glob("*.gz"))) as server:
        settings = Settings(entrez_url=server.url, home=tmp_path)
        with open_store(settings.database_url("entrez"), origin="entrez") as store, open_client(settings) as client:
            query = named_query("ms", '"multiple sclerosis"[tiab]')
            now = datetime.now(UTC)
            first, second = harvest(store, client, [query], now=now), harvest(store, client, [query], now=now)
            assert first.new == first.queries[0].count == store.counts()["articles"] > 2_000
            assert second.nothing_new
            assert second.requests <= 5
            assert not [entry for entry in server.log if entry.status != 200]


def test_the_raw_page_can_be_parsed_again_without_pubmed(tmp_path: Path) -> None:
    import gzip

    from msminer.pubmed.parse import parse_page

    with a_room(tmp_path, timing=QUICK) as here:
        here.harvest()
        rows: Sequence[Any]
        with sqlite3.connect(here.settings.home / "msminer.sqlite") as raw:
            rows = raw.execute("SELECT raw FROM pages").fetchall()
        raw.close()
        again = [record["title"] for (page,) in rows for record in parse_page(gzip.decompress(page)).records]
        assert sorted(again) == sorted(here.store.articles()["title"])


def test_a_text_export_is_stored_and_said_to_be_unproved(tmp_path: Path) -> None:
    path = tmp_path / "saved.nbib"
    path.write_text(
        "PMID- 7\nDP  - 2021\nTI  - Invented cells.\nAB  - They walked.\nSO  - Invent J. 2021;1:1.\n\n", "utf-8"
    )
    with open_store(f"sqlite:///{tmp_path / 's.sqlite'}", origin="files") as store:
        summary = harvest_files(store, [path], now=NOW)
        assert summary.new == 1
        assert ["cannot be proved complete" in warning for warning in summary.warnings] == [True]


def test_bad_records_of_a_file_are_set_aside(tmp_path: Path) -> None:
    path = write_records(tmp_path / "x.xml", [article(5), article(6).replace("walked", "&#x1;"), article(7)])
    with open_store(f"sqlite:///{tmp_path / 's.sqlite'}", origin="files") as store:
        summary = harvest_files(store, [path], now=NOW)
        assert (summary.new, summary.quarantined) == (2, 1)
        assert any("set aside" in warning for warning in summary.warnings)
        assert str(summary).startswith("2 new, 0 changed, 0 there already, 1 set aside")
        again = harvest_files(store, [path], now=NOW + DAY)
        assert again.quarantined == 1
        assert [row["last_seen"][:10] for row in store.quarantine()] == ["2026-11-22"]


def test_a_lost_phrase_that_is_accepted_is_said_on_pubmed_itself(tmp_path: Path) -> None:
    lost = named_query("ms", QUERY.term, frozenset({"x"}))
    with a_room(tmp_path, faults=[fault("phrase_lost", "esearch", phrase='"x"')]) as here:
        here.client.settings = here.client.settings.model_copy(update={"entrez_url": NCBI_URL})
        assert any("does not know" in warning for warning in here.harvest(lost).warnings)


def test_a_summary_is_ready_for_json(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        said = here.harvest().as_dict()
    assert said["queries"][0]["query"] == "ms"
    assert json.loads(json.dumps(said))["new"] == 5
