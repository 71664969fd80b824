"""A harvest that is killed at random times and started again ends in the bytes of a straight one, on both databases."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import postgres
from doorkit import NOW, PRELOAD, articles, write_records
from msminer.pubmed.entrez import Timing, open_client
from msminer.pubmed.gate import Gate
from msminer.pubmed.harvest import harvest
from msminer.pubmed.query import named_query
from msminer.sandbox import Sandbox
from msminer.settings import Settings
from msminer.store import open_store

# Everything a run leaves behind but the runs themselves and how often was searched.
_DEATHS = 8
_TABLES = ("articles", "article_versions", "article_queries", "events", "tombstones", "quarantine", "pending", "pages")
# Makes an empty database and gives its address.
Fresh = Callable[[], str]


@pytest.fixture(params=postgres.BOTH)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / uuid.uuid4().hex}.sqlite"
    server = request.getfixturevalue("postgres_server")
    return lambda: postgres.empty(server)


def work(url: str, home: Path, store_url: str, ready: Any) -> None:
    """One harvest, in a process of its own."""
    settings = Settings(entrez_url=url, home=home)
    timing = Timing(shortest=0.01, longest=0.05, deadline=20, read=5)
    queries = [named_query("ms", "sclerosis[tiab]"), named_query("cells", "cells[tiab]")]
    with (
        open_client(settings, timing=timing, gate=Gate(home, 1000)) as client,
        open_store(store_url, origin="entrez") as store,
    ):
        ready.set()
        harvest(store, client, queries, now=NOW)


def worker(url: str, home: Path, store_url: str) -> Any:
    """A started worker that has done its imports."""
    # A fork server has the imports done, so that a process costs milliseconds; nothing of it is shared with the tests.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    ready = context.Event()
    process = context.Process(target=work, args=(url, home, store_url, ready), daemon=True)
    process.start()
    assert ready.wait(120)
    return process


def dump(store_url: str) -> str:
    """A checksum of all rows in order; page numbers and run numbers left out."""
    with open_store(store_url, create=False) as store, store.reading() as connection:
        if store.url.get_backend_name() == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        whole: dict[str, Any] = {}
        for name in _TABLES:
            rows = connection.execute(text(f"SELECT * FROM {name}")).mappings()
            whole[name] = sorted(
                json.dumps({k: str(v) for k, v in row.items() if k != "id"}, sort_keys=True) for row in rows
            )
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def kill_and_compare(folder: Path, fresh: Fresh, *, records: int, kills: int, seed: int, longest: float) -> int:
    """Kill so many runs, each at a random moment of its work, then let one end; how many pages were asked again."""
    chance = random.Random(seed)
    path = write_records(folder / "records.xml", articles(records).values())
    again = 0
    with Sandbox([path], rate=False) as server:
        straight = fresh()
        assert ended(worker(server.url, folder, straight), 120)
        needed = pages_asked(server)
        want = dump(straight)
        killed = 0
        while killed < kills:
            store, before = fresh(), killed
            server.log.clear()
            while killed < kills and killed - before < _DEATHS:
                process = worker(server.url, folder, store)
                if ended(process, chance.uniform(0.0, longest)):
                    break
                process.kill()
                process.join()
                killed += 1
            assert ended(worker(server.url, folder, store), 120)
            assert dump(store) == want
            asked = pages_asked(server)
            assert set(asked) == set(needed)
            # Each kill may cost the one page that was under way.
            assert len(asked) - len(needed) <= killed - before
            again += len(asked) - len(needed)
    return again


def pages_asked(server: Sandbox) -> list[str]:
    """The id lists that arrived; a request cut while its process died in mid-sentence asked for nothing."""
    return [entry.params["id"] for entry in server.log if entry.call == "efetch" and "id" in entry.params]


def ended(process: Any, seconds: float) -> bool:
    """Whether it has ended by then, and well."""
    process.join(seconds)
    assert process.exitcode in {None, 0}
    return process.exitcode == 0


def test_eight_kills(tmp_path: Path, fresh: Fresh) -> None:
    kill_and_compare(tmp_path, fresh, records=1_000, kills=8, seed=1, longest=0.25)


@pytest.mark.slow
def test_a_hundred_kills(tmp_path: Path, fresh: Fresh) -> None:
    again = kill_and_compare(tmp_path, fresh, records=4_000, kills=100, seed=2, longest=0.9)
    print(f"pages asked again over 100 kills: {again}")
