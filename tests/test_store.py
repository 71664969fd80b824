"""The store, on SQLite and on PostgreSQL through the same code."""

# ruff: noqa: E501  (records and tables of answers are easier to compare one a line)

from __future__ import annotations

import re
import sys
import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, inspect, select, text

import postgres
from doorkit import NOW, QUERY, a_room, article, articles, fault, truth
from msminer import schema
from msminer.errors import (
    OriginMismatch,
    SettingsError,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreVersion,
)
from msminer.pubmed.parse import parse_page
from msminer.schema import LabelledRecord, ParsedRecord
from msminer.store import Page, Store, describe_store, migrations, open_store, text_hash
from msminer.store.migrations import set_meta
from msminer.store.tables import MEMBERS_INDEX, META, SCHEMA_VERSION
from msminer.store.writing import bury, save_page


@pytest.fixture(params=postgres.BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'store.sqlite'}"
    return postgres.empty(request.getfixturevalue("postgres_server"))


def parsed(*xml: str) -> list[ParsedRecord]:
    return parse_page(f"<PubmedArticleSet>{''.join(xml)}</PubmedArticleSet>".encode()).records


HEADINGS = (
    '<MeshHeadingList><MeshHeading><DescriptorName UI="D0" MajorTopicYN="N">Invention</DescriptorName></MeshHeading>'
    "</MeshHeadingList>"
)


def save(store: Store, *xml: str, now: Any = NOW) -> Any:
    records = parsed(*xml)
    with store.writing() as connection:
        return save_page(connection, Page("efetch", [r["pmid"] for r in records], "".join(xml).encode(), records), now)


def labelled(pmid: str, model: str = "m1", **more: Any) -> LabelledRecord:
    whole: dict[str, Any] = {
        "pmid": pmid, "model": model, "cell_types": [{"label": "msc", "p": 0.9}], "study_design": {"label": "animal", "p": 0.8},
        "populations": [{"label": "eae", "p": 0.7}], "routes": [], "abstained": ["routes"],
        "findings": [{"outcome": "relapse", "direction": "benefit", "cell_type": "msc", "start": 0, "end": 5, "quote": "Scler", "p": 0.6}],
    }  # fmt: skip
    return LabelledRecord(**(whole | more))  # type: ignore[typeddict-item]


def test_records_come_back_as_they_went_in(url: str) -> None:
    with open_store(url, origin="entrez") as store:
        save(store, article(7), article(30), article(200))
        frame = store.articles()
        assert frame["pmid"].tolist() == ["7", "30", "200"]
        assert list(frame.columns) == schema.ARTICLES.names
        want = {record["pmid"]: record for record in parsed(article(7), article(30), article(200))}
        for row in frame.to_dict("records"):
            assert {name: row[name] for name in ParsedRecord.__annotations__} == want[row["pmid"]]
        schema.check(frame, schema.ARTICLES)


def test_an_empty_store_gives_empty_frames(url: str) -> None:
    with open_store(url) as store:
        for frame, table in (
            (store.articles(), schema.ARTICLES), (store.labels(), schema.LABELS), (store.findings(), schema.FINDINGS),
            (store.denominators(), schema.DENOMINATORS),
        ):  # fmt: skip
            assert len(frame) == 0
            assert list(frame.columns) == table.names
        assert set(store.counts().values()) == {0}
        assert store.runs() == store.searches() == store.events() == []


def test_a_changed_record_keeps_its_former_version(url: str) -> None:
    with open_store(url) as store:
        assert save(store, article(7)).new == ["7"]
        assert save(store, article(7)).same == ["7"]
        assert save(store, article(7, text="New words.", revised="2026/11/20")).changed == ["7"]
        assert save(store, article(7, text="Newer.", revised="2026/11/21"), now=NOW + timedelta(days=1)).changed == [
            "7"
        ]
        assert [v["record"]["abstract"] for v in store.versions("7")] == [truth([7])["7"][1], "New words."]
        assert store.versions("7")[1]["superseded_at"] == "2026-11-22T12:00:00Z"
        assert store.articles()["abstract"].tolist() == ["Newer."]


def test_a_lower_version_changes_nothing(url: str) -> None:
    with open_store(url) as store:
        save(store, article(7, text="Second.").replace('Version="1"', 'Version="2"'))
        assert save(store, article(7, text="First.")).same == ["7"]
        assert store.articles()["abstract"].tolist() == ["Second."]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(6)), cut=st.integers(1, 5))
def test_any_order_of_pages_gives_the_same_store(tmp_path: Path, order: list[int], cut: int) -> None:
    xml = [article(p) for p in (1, 2, 3)] + [
        article(p, text="Two.").replace('Version="1"', 'Version="2"') for p in (1, 2, 3)
    ]
    with open_store(f"sqlite:///{tmp_path / uuid.uuid4().hex}.sqlite") as store:
        chosen = [xml[i] for i in order]
        for part in (chosen[:cut], chosen[cut:], chosen[:cut]):
            save(store, *part)
        assert store.articles()["abstract"].tolist() == ["Two."] * 3


def test_labels_are_replaced_and_asked_for_again_when_the_record_changes(url: str) -> None:
    with open_store(url) as store:
        save(store, article(7), article(8))
        todo = list(store.unlabelled("m1"))
        assert [record["pmid"] for record in todo] == ["7", "8"]
        store.save_labels([labelled(r["pmid"]) for r in todo], {r["pmid"]: r["record_sha256"] for r in todo})
        assert list(store.unlabelled("m1")) == []
        assert [record["pmid"] for record in store.unlabelled("m2")] == ["7", "8"]
        save(store, article(7, text="New words."))
        again = list(store.unlabelled("m1"))
        assert [record["abstract"] for record in again] == ["New words."]
        store.save_labels([labelled("7", cell_types=[], findings=[])], {"7": again[0]["record_sha256"]})
        labels = store.labels()
        assert sorted(labels[labels["pmid"] == "7"]["label"]) == ["animal", "eae"]
        assert store.findings()["pmid"].tolist() == ["8"]
        assert store.counts()["labelled"] == 2
        # PubMed adds headings weeks after the text, and the model reads them.
        save(store, article(7, text="New words.", more=HEADINGS), article(8))
        assert [record["mesh"][0]["name"] for record in store.unlabelled("m1")] == ["Invention"]


def test_labels_may_be_saved_while_records_are_handed_out(url: str) -> None:
    with open_store(url) as store:
        save(store, *articles(12, 1).values())
        for record in store.unlabelled("m1"):
            store.save_labels([labelled(record["pmid"])], {record["pmid"]: record["record_sha256"]})
        assert store.counts()["labelled"] == 12


def test_events_have_dates_and_columns_of_their_own(url: str) -> None:
    def corrections(*kinds: str) -> str:
        notes = "".join(
            f'<CommentsCorrections RefType="{k}"><RefSource>Invented J. 2026</RefSource><PMID>{n}</PMID></CommentsCorrections>'
            for n, k in enumerate(kinds, 99)
        )
        return f"<CommentsCorrectionsList>{notes}</CommentsCorrectionsList>"

    with open_store(url) as store:
        save(store, article(7), article(8, more=corrections("ErratumIn"), revised="2021/05/06"))
        later = NOW + timedelta(days=3)
        save(
            store,
            article(7, more=corrections("RetractionIn", "ExpressionOfConcernIn", "CommentIn"), revised="2026/11/23"),
            now=later,
        )
        save(
            store,
            article(7, more=corrections("RetractionIn", "ExpressionOfConcernIn"), revised="2026/11/24"),
            now=later,
        )
        kinds = [(e["pmid"], e["kind"], e["notice_pmid"], e["record_date"], e["seen_at"][:10]) for e in store.events()]
        assert kinds == [
            ("7", "concern", "100", "2026-11-23", "2026-11-24"),
            ("7", "retraction", "99", "2026-11-23", "2026-11-24"),
            ("8", "erratum", "99", "2021-05-06", "2026-11-21"),
        ]
        with store.reading() as connection:
            rows = connection.execute(
                text("SELECT retracted_on, concern_on, erratum_on FROM articles ORDER BY pmid")
            ).all()
        assert [tuple(row) for row in rows] == [("2026-11-23", "2026-11-23", None), (None, None, "2021-05-06")]
        assert store.articles()[["retracted", "concern"]].to_numpy().tolist() == [[True, True], [False, False]]


def test_a_retraction_by_publication_type_alone_is_an_event(url: str) -> None:
    said = article(7).replace(
        "</PublicationTypeList>",
        '<PublicationType UI="D016441">Retracted Publication</PublicationType></PublicationTypeList>',
    )
    with open_store(url) as store:
        save(store, said)
        assert [(e["kind"], e["notice"]) for e in store.events()] == [("retraction", "publication type")]


def test_deletions_listed_by_nlm_are_tombstones_at_once(url: str) -> None:
    with open_store(url) as store:
        with store.writing() as connection:
            bury(connection, ["5"], NOW.date())
        assert store.tombstones()[0]["gone_at"] == "2026-11-21"
        save(store, article(5))
        assert store.tombstones() == [], "a record that is delivered again is not gone"


def test_the_origin_is_fixed_and_never_mixed(url: str) -> None:
    with open_store(url, origin="sample") as store:
        assert store.origin == "sample"
    with open_store(url, origin="entrez") as store, pytest.raises(OriginMismatch, match="another source"):
        store.articles()
    with open_store(url) as store:
        assert store.origin == "sample"
    with pytest.raises(SettingsError):
        open_store(url, origin="elsewhere")


def test_a_store_without_an_origin_takes_the_first(url: str) -> None:
    with open_store(url) as store:
        assert store.origin is None
    with open_store(url, origin="files") as store:
        assert store.origin == "files"


def test_a_newer_store_is_refused_and_an_unnumbered_one_is_damaged(url: str) -> None:
    with open_store(url) as store, store.writing() as connection:
        set_meta(connection, "schema_version", "999")
    with open_store(url) as store, pytest.raises(StoreVersion, match="update msminer"):
        store.counts()
    with open_store(url) as store, store._writer() as connection:
        connection.execute(META.delete().where(META.c.name == "schema_version"))
    with open_store(url) as store, pytest.raises(StoreDamaged):
        store.counts()


def test_nothing_is_made_where_nothing_may_be_made(url: str) -> None:
    with open_store(url, create=False) as store, pytest.raises(StoreError, match="msminer fetch"):
        store.counts()
    assert not url.startswith("sqlite") or not Path(url.removeprefix("sqlite:///")).exists()


def test_opening_reads_nothing(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'a' / 'store.sqlite'}"):
        pass
    assert not (tmp_path / "a").exists()


def test_the_page_and_its_rows_are_one_transaction(url: str) -> None:
    with open_store(url) as store:
        store.counts()

        class Stop(Exception):
            pass

        def half_a_page() -> None:
            records = parsed(article(7))
            with store.writing() as connection:
                save_page(connection, Page("efetch", ["7"], b"x", records), NOW)
                raise Stop

        with pytest.raises(Stop):
            half_a_page()
        assert store.counts()["articles"] == 0
        assert store.pages() == []


def test_an_analyst_reads_while_a_run_writes(url: str) -> None:
    with open_store(url) as store, open_store(url, create=False) as analyst:
        save(store, article(7))
        with store.run("fetch"), store.writing() as connection:
            records = parsed(article(8))
            save_page(connection, Page("efetch", ["8"], b"x", records), NOW)
            assert analyst.articles()["pmid"].tolist() == ["7"]
        assert analyst.articles()["pmid"].tolist() == ["7", "8"]


def test_runs_are_recorded_with_their_end(url: str) -> None:
    with open_store(url) as store:
        with store.run("fetch") as run:
            run.summary = {"new": 3}
        with pytest.raises(ValueError, match="x"), store.run("label"):
            raise ValueError("x")
        with pytest.raises(KeyboardInterrupt), store.run("label"):
            raise KeyboardInterrupt
        assert [(r["owner"], r["status"], r["summary"]) for r in store.runs()] == [
            ("fetch", "done", {"new": 3}), ("label", "failed", None), ("label", "interrupted", None),
        ]  # fmt: skip


def test_a_harvest_into_either_database(url: str, tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    with a_room(
        tmp_path / "room", records=230, store_url=url, faults=[fault("missing", count=3), fault("reset", nth=2)]
    ) as here:
        first = here.harvest()
        assert here.is_whole()
        second = here.harvest(QUERY, now=NOW + timedelta(days=1))
        assert (first.new, second.new, second.already) == (230, 0, 230)
        assert here.store.origin == "entrez"
        assert here.store.articles()["queries"].tolist() == [["ms"]] * 230


@pytest.mark.postgres
@pytest.mark.skipif(postgres.reason_against() is not None, reason=postgres.HOW)
def test_two_databases_hold_the_same(postgres_server: str, tmp_path: Path) -> None:
    addresses = [f"sqlite:///{tmp_path / 's.sqlite'}", postgres.empty(postgres_server)]
    dumps = []
    for address in addresses:
        with open_store(address) as store:
            save(store, *articles(9, 5).values())
            save(store, article(7, text="New."))
            dumps.append((store.articles().to_json(), store.versions("7"), store.pages()))
    assert dumps[0] == dumps[1]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "msminer.sqlite"
    path.write_bytes(b"not a database at all, just words " * 100)
    with open_store(f"sqlite:///{path}") as store, pytest.raises(StoreDamaged, match="move it away"):
        store.counts()
    assert path.read_bytes().startswith(b"not a database"), "a file that is not ours is left as it is"


def test_a_damaged_store_is_never_written_to(tmp_path: Path) -> None:
    path = tmp_path / "msminer.sqlite"
    with open_store(f"sqlite:///{path}") as store:
        save(store, *articles(60).values())
        with store.reading() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    data = bytearray(path.read_bytes())
    for page in range(4, len(data) // 4096 - 2):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)
    with open_store(f"sqlite:///{path}") as store, pytest.raises(StoreDamaged, match="damaged"), store.run("fetch"):
        pass
    assert path.read_bytes() == bytes(data)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with open_store(f"sqlite:///{tmp_path / 'file' / 'store.sqlite'}") as store, pytest.raises(StoreFull):
        store.counts()


@pytest.mark.parametrize(
    ("address", "says"),
    [("no address", "no database address"), ("mysql://x/y", "sqlite or postgresql"), ("sqlite+nothing://", "driver")],
)
def test_addresses_that_cannot_work(address: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        open_store(address)


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with (
        open_store(f"postgresql://me:canary-3@/db?host={tmp_path}") as store,
        pytest.raises(StoreError, match="MSMINER_STORE_URL") as caught,
    ):
        store.counts()
    shown = f"{caught.value} {caught.value.context}"
    assert "canary" not in shown
    assert "***" in shown


def test_describe_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    assert describe_store(url) is None
    with open_store(url, origin="files") as store:
        save(store, article(7))
    assert "files store" in str(describe_store(url))
    assert "1 articles" in str(describe_store(url))


def test_a_busy_store_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msminer.store.opening._BUSY_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    with open_store(url) as one, open_store(url) as two:
        one.counts()
        with one.writing(), pytest.raises(StoreLocked, match="busy"), two.writing():
            pass


def test_threads_may_write_in_turn(url: str) -> None:
    with open_store(url) as store:
        store.counts()
        threads = [threading.Thread(target=save, args=(store, article(p))) for p in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.counts()["articles"] == 8


def test_importing_the_store_loads_no_pandas_of_its_own() -> None:
    """The schema loads pandas; nothing in the store does so at import."""
    folder = Path(__file__).resolve().parent.parent / "src" / "msminer" / "store"
    for path in folder.glob("*.py"):
        assert not re.search(r"^import pandas", path.read_text("utf-8"), re.MULTILINE), path.name


def test_no_statement_carries_a_value_in_its_text() -> None:
    """Values are bound; no SQL is put together from text."""
    folder = Path(__file__).resolve().parent.parent / "src" / "msminer" / "store"
    for path in folder.glob("*.py"):
        assert not re.search(r"""(text|exec_driver_sql|execute)\(f["']""", path.read_text("utf-8")), path.name


def test_selecting_pages_keeps_order(url: str) -> None:
    with open_store(url) as store:
        for pmid in (3, 1, 2):
            save(store, article(pmid))
        assert [page["asked"] for page in store.pages()] == [["3"], ["1"], ["2"]]
        with store.reading() as connection:
            assert connection.execute(select(META.c.value).where(META.c.name == "schema_version")).scalar() is not None


def make_old(store: Store) -> None:
    """Turn a store into one of version 1: no index for the members of a query, labels tied to texts alone."""
    with store._writer() as connection:
        MEMBERS_INDEX.drop(connection)
        connection.execute(text("ALTER TABLE record_models RENAME COLUMN record_sha256 TO text_sha256"))
        set_meta(connection, "schema_version", "1")


def indexes(store: Store) -> set[str]:
    with store.reading() as connection:
        return {str(index["name"]) for index in inspect(connection).get_indexes("article_queries")}


def test_an_older_store_is_upgraded_and_keeps_its_records(url: str) -> None:
    with open_store(url, origin="files") as store:
        save(store, article(7))
        store.save_labels([labelled("7")], {"7": text_hash("t", "a")})
        make_old(store)
        assert "article_queries_query" not in indexes(store)
    with open_store(url) as store:
        assert len(store.labels()) > 0
        assert [record["pmid"] for record in store.unlabelled("m1")] == ["7"]
        assert store.articles()["pmid"].tolist() == ["7"]
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
        assert "article_queries_query" in indexes(store)


def test_an_upgrade_that_fails_leaves_the_older_store(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: Any) -> None:
        MEMBERS_INDEX.create(connection)
        raise RuntimeError("power cut")

    with open_store(url) as store:
        store.counts()
        make_old(store)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "STEPS", {**migrations.STEPS, 1: broken})
        with open_store(url) as store, pytest.raises(RuntimeError):
            store.counts()
    with open_store(url) as store:
        assert store.counts()["articles"] == 0
        assert "article_queries_query" in indexes(store)


def test_every_version_has_its_step() -> None:
    assert set(migrations.STEPS) == set(range(1, SCHEMA_VERSION))


def test_an_unknown_database_error_is_shown_in_one_line(tmp_path: Path) -> None:
    with (
        open_store(f"sqlite:///{tmp_path / 's.sqlite'}") as store,
        pytest.raises(StoreError, match="refuses") as caught,
        store.writing() as connection,
    ):
        connection.execute(text("SELECT * FROM nowhere"))
    assert "\n" not in str(caught.value)


def test_a_programming_error_is_no_damage(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    with open_store(url) as store, pytest.raises(StoreError, match="cannot be used"), store.writing() as connection:
        connection.execute(select(META).where(META.c.name == bindparam("never_given")))


def test_postgres_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match="postgres"):
        open_store("postgresql://me@/db")
