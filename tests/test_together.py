"""All searches asked together: few requests where nothing moved, and never less found than search by search."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from doorkit import NOW, QUERY, Room, a_room, article, articles, fault
from msminer.errors import AddressBlocked, QueryError, RateLimited
from msminer.pubmed.entrez import Entrez
from msminer.pubmed.harvest import job, together
from msminer.pubmed.query import named_query

DAY = timedelta(days=1)
FIRST = 90_000_001
OTHER = named_query("cells", "cells[tiab]")
HALF = named_query("half", f"sclerosis[tiab] AND {FIRST}:{FIRST + 9}[uid]")
NONE = named_query("none", "unheard[tiab]")
QUERIES = (QUERY, OTHER, HALF, NONE)


def asked_each(here: Room) -> bool:
    """Whether the searches of the last harvest were asked one by one."""
    return any(part.requests for part in here.summaries[-1].queries)


@pytest.mark.parametrize("window", [9_999, 7])
@pytest.mark.parametrize("after", [timedelta(minutes=5), DAY, 7 * DAY, 29 * DAY])
def test_nothing_new_takes_few_requests_in_all(tmp_path: Path, window: int, after: timedelta) -> None:
    with a_room(tmp_path, records=30, window=window) as here:
        here.harvest(*QUERIES)
        first = here.store.searches()
        summary = here.harvest(*QUERIES, now=NOW + after)
        assert summary.nothing_new
        assert summary.requests <= 9
        assert not asked_each(here)
        assert [(part.query, part.count, part.already) for part in summary.queries] == [
            ("ms", 30, 30), ("cells", 30, 30), ("half", 10, 10), ("none", 0, 0),
        ]  # fmt: skip
        assert any("none: PubMed finds nothing" in warning for warning in summary.warnings)
        rows = here.store.searches()[4:]
        same = ("query", "term", "count", "translation", "lost", "finished")
        assert [[row[name] for name in same] for row in rows] == [[row[name] for name in same] for row in first]
        assert {tuple(map(tuple, row["plan"])) for row in rows} == {(("as asked 2026-11-21T12:00:00Z", 0),)}


def test_a_chain_of_looks_keeps_the_day_of_the_search_itself_and_ends_after_a_month(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest(*QUERIES)
        for days in (10, 20, 29):
            here.harvest(*QUERIES, now=NOW + days * DAY)
            assert not asked_each(here)
        assert here.store.searches()[-1]["plan"] == [["as asked 2026-11-21T12:00:00Z", 0]]
        here.harvest(*QUERIES, now=NOW + 31 * DAY)
        assert asked_each(here)
        here.harvest(*QUERIES, now=NOW + 32 * DAY)
        assert not asked_each(here)


MOVES = {
    "new": fault("add", "esearch", xml=article(95_000_000, day="2026/11/22")),
    "entered long ago": fault("add", "esearch", xml=article(95_000_000, day="2001/01/01")),
    "revised": fault("revise", "esearch", pmid=FIRST, day="2026-11-22", find="walked", replace="ran"),
    "left one search of three": fault("revise", "esearch", pmid=FIRST, day="2026-11-22", find="Sclerosis", replace="X"),
    "joined a search": fault("revise", "esearch", pmid=FIRST, day="2026-11-22", find="walked", replace="unheard"),
    "retracted, revision date of old": fault("retract", "esearch", pmid=FIRST, day="2019-01-01"),
    "deleted": fault("delete", "esearch", pmid=FIRST),
}


@pytest.mark.parametrize("window", [9_999, 7])
@pytest.mark.parametrize("move", MOVES)
def test_whatever_moves_is_found(tmp_path: Path, move: str, window: int) -> None:
    with a_room(tmp_path, records=20, window=window) as here:
        here.harvest(*QUERIES)
        here.server.plan.add(**MOVES[move])
        here.harvest(*QUERIES, now=NOW + 2 * DAY)
        assert asked_each(here)
        held = {row["pmid"]: row for _, row in here.store.articles().iterrows()}
        first = held[str(FIRST)]
        seen = {
            "new": "95000000" in held,
            "entered long ago": "95000000" in held,
            "revised": "ran" in first["abstract"],
            "left one search of three": first["queries"] == ["cells"],
            "joined a search": first["queries"] == ["cells", "half", "ms", "none"],
            "retracted, revision date of old": first["retracted"],
            "deleted": first["queries"] == [],
        }
        assert seen[move]


def test_records_not_delivered_are_asked_again_on_another_day(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("missing", pmids=[FIRST], times=2)]) as here:
        here.harvest(*QUERIES)
        here.harvest(*QUERIES, now=NOW + timedelta(hours=1))
        assert not asked_each(here)
        assert str(FIRST) not in here.held()
        here.harvest(*QUERIES, now=NOW + DAY)
        assert here.is_whole()


def test_records_of_another_search_alone_are_looked_up_all_the_same(tmp_path: Path) -> None:
    with a_room(tmp_path, records=20) as here:
        here.harvest(QUERY)
        few = (HALF, NONE)
        here.harvest(*few, now=NOW + DAY)
        here.server.plan.add(**fault("retract", "esearch", pmid=FIRST + 15, day="2019-01-01"))
        here.harvest(*few, now=NOW + 3 * DAY)
        assert not asked_each(here)
        frame = here.store.articles().set_index("pmid")
        assert bool(frame.loc[str(FIRST + 15), "retracted"])


@pytest.mark.parametrize("name", ["backend_down", "html", "reset", "proxy_failure", "zero"])
def test_a_look_that_fails_leaves_the_searches_to_themselves(tmp_path: Path, name: str) -> None:
    with a_room(tmp_path) as here:
        here.harvest(*QUERIES)
        options = {"silent": True} if name == "zero" else {}
        here.server.plan.add(**fault(name, "esearch", times=6, **options))
        here.server.plan.add(**fault("add", "efetch", xml=article(95_000_000, day="2026/11/22")))
        summary = here.harvest(*QUERIES, now=NOW + DAY)
        assert asked_each(here)
        assert summary.nothing_new
        here.harvest(*QUERIES, now=NOW + DAY)
        assert not asked_each(here)


@pytest.mark.parametrize(("name", "error"), [("blocked", AddressBlocked), ("rate_limited", RateLimited)])
def test_a_look_that_is_refused_stops_the_run(tmp_path: Path, name: str, error: type[Exception]) -> None:
    options = {"retry_after": 0} if name == "rate_limited" else {}
    with a_room(tmp_path) as here:
        here.harvest(*QUERIES)
        before = len(here.server.log)
        here.server.plan.add(**fault(name, "esearch", times=None, **options))
        with pytest.raises(error):
            here.harvest(*QUERIES, now=NOW + DAY)
        assert len(here.server.log) - before <= 6


def test_a_search_that_became_wrong_is_reported_though_nothing_moved(tmp_path: Path) -> None:
    accepted = named_query("cells", "cells[tiab]", frozenset({"x"}))
    with a_room(tmp_path, faults=[fault("phrase_lost", "esearch", nth=2, phrase='"x"')]) as here:
        here.harvest(QUERY, accepted)
        assert here.store.searches()[1]["lost"]
        here.server.plan.add(**fault("phrase_lost", "esearch", nth=4, phrase='"x"'))
        with pytest.raises(QueryError):
            here.harvest(QUERY, OTHER, now=NOW + DAY)


@pytest.mark.parametrize("name", ["tag_ignored", "phrase_lost"])
def test_another_reading_of_the_searches_is_a_doubt(tmp_path: Path, name: str) -> None:
    with a_room(tmp_path) as here:
        here.harvest(*QUERIES)
        options = {"by": 0} if name == "tag_ignored" else {"phrase": '"x"'}
        here.server.plan.add(**fault(name, "esearch", **options))
        here.harvest(*QUERIES, now=NOW + DAY)
        assert asked_each(here)


def test_searches_that_were_not_asked_to_their_end_are_asked_again(tmp_path: Path) -> None:
    with a_room(tmp_path, records=250) as here:
        here.harvest(*QUERIES)
        here.server.plan.add(**fault("revise", "esearch", pmid=FIRST, day="2026-11-22", find="walked", replace="ran"))
        here.server.plan.add(**fault("blocked", "efetch"))
        with pytest.raises(AddressBlocked):
            here.harvest(*QUERIES, now=NOW + 2 * DAY)
        here.harvest(*QUERIES, now=NOW + 2 * DAY)
        assert asked_each(here)
        assert here.store.counts()["pending"] == 0
        assert len(here.store.versions(str(FIRST))) == 1


def test_one_search_alone_is_asked_by_itself(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest(QUERY)
        assert here.harvest(QUERY, now=NOW + DAY).requests == 3
        assert [entry.params["term"] for entry in here.calls("esearch")].count(f"({QUERY.term})") == 0


# --- the same as search by search, whatever happens in between

# A revision's day is that of the harvest that first can see it, or so many days back as had not settled before.
_CHANGES = st.one_of(
    st.builds(lambda n, day: ("add", {"xml": article(n, day=day)}), st.integers(95_000_000, 95_000_003),
              st.sampled_from(["2001/01/01", "2026/11/20", "2026/11/22", "2026/11/25"])),
    st.builds(lambda n, back, word: ("revise", {"pmid": FIRST + n, "back": back, "find": word, "replace": "unheard"}),
              st.integers(0, 5), st.integers(0, 3), st.sampled_from(["walked", "Sclerosis", "cells"])),
    st.builds(lambda n: ("retract", {"pmid": FIRST + n, "day": "2019-01-01"}), st.integers(0, 5)),
    st.builds(lambda n: ("delete", {"pmid": FIRST + n}), st.integers(6, 8)),
)  # fmt: skip
_TABLES = ("articles", "article_versions", "article_queries", "events", "tombstones", "quarantine", "pending")
_READ_ON = {"page_sha256", "checked_at"}
_HISTORY = {*_READ_ON, "fetched_at", "superseded_at", "first_seen", "dropped_at", "seen_at", "number"}
# Every revision's day has settled before the next harvest: NLM's days do within 36 hours.
_FAR_APART, _ANY_TIME = [40, 80, 200], [1, 20, 30, 80, 200]


def contents(here: Room, without: set[str]) -> dict[str, list[str]]:
    """All rows but those on pages and searches; when a record was last compared may differ."""
    with here.store.reading() as connection:
        return {
            name: sorted(
                json.dumps({key: str(value) for key, value in row.items() if key not in without})
                for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()
            )
            for name in _TABLES
            if "number" not in without or name != "article_versions"
        }


def dated(options: dict[str, Any], before: datetime, now: datetime) -> dict[str, Any]:
    """The options of a change between two harvests; a revision's day is one that had not settled at the first."""
    if "back" not in options:
        return options
    first = (before - timedelta(hours=36)).date() + DAY
    day = max(first, now.date() - options["back"] * DAY)
    return {key: value for key, value in options.items() if key != "back"} | {"day": day.isoformat()}


def lived(folder: Path, rounds: list[tuple[int, list[Any]]], window: int, without: set[str]) -> dict[str, list[str]]:
    """What the store holds after some harvests with changes before each, and a last one when all has settled."""
    with a_room(folder, records=articles(9), window=window) as here:
        here.harvest(*QUERIES)
        now = NOW
        for hours, changes in [*rounds, (72, [])]:
            before, now = now, now + timedelta(hours=hours)
            for name, options in changes:
                here.server.plan.add(**fault(name, "any", **dated(options, before, now)))
            here.harvest(*QUERIES, now=now)
        return contents(here, without)


def rounds_of(hours: list[int]) -> st.SearchStrategy[list[tuple[int, list[Any]]]]:
    return st.lists(st.tuples(st.sampled_from(hours), st.lists(_CHANGES, max_size=2)), max_size=4)


@pytest.mark.parametrize(("hours", "without"), [(_FAR_APART, _READ_ON), (_ANY_TIME, _HISTORY)])
def test_the_store_is_that_of_asking_each_search(
    tmp_path_factory: pytest.TempPathFactory, hours: list[int], without: set[str]
) -> None:
    @given(rounds=rounds_of(hours), window=st.sampled_from([9_999, 4]))
    @settings(max_examples=8, deadline=None)
    def same(rounds: list[tuple[int, list[Any]]], window: int) -> None:
        with_looks = lived(tmp_path_factory.mktemp("looks"), rounds, window, without)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(job, "look", lambda *_, **__: None)
            patch.setattr(job, "read_together", lambda *_, **__: None)
            assert with_looks == lived(tmp_path_factory.mktemp("each"), rounds, window, without)

    same()


def test_the_reading_is_kept_as_it_came(tmp_path: Path) -> None:
    with a_room(tmp_path) as here:
        here.harvest(*QUERIES)
        kept = json.loads(here.store.meta(together.READING) or "")
        assert kept["asked_at"] == "2026-11-21T12:00:00Z"
        assert kept["term"].startswith("(sclerosis[tiab]) OR (cells[tiab])")
        assert isinstance(here.client, Entrez)
        assert kept["translation"]
