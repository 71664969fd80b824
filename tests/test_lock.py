"""The single-run lock: who holds it, when it is taken over, and that a run which lost it writes nothing more."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

import postgres
from doorkit import PATIENCE, PRELOAD
from msminer.errors import StoreLocked
from msminer.store import Store, lock, open_store
from msminer.store.tables import LOCKS


def hold(url: str, held: Any) -> None:
    """Hold the lock until killed."""
    with open_store(url) as store, store.run("holder"):
        held.set()
        time.sleep(600)


@pytest.fixture(params=postgres.BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return str(request.getfixturevalue("postgres_server"))


def holder(url: str) -> Any:
    """Another process that holds the lock."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    held = context.Event()
    process = context.Process(target=hold, args=(url, held), daemon=True)
    process.start()
    assert held.wait(120)
    return process


def kill(process: Any) -> None:
    process.kill()
    process.join()


def edit_lock(store: Store, **values: object) -> None:
    with store._writer() as connection:
        connection.execute(update(LOCKS).values(**values))


def test_a_living_run_keeps_others_out_and_a_dead_one_does_not(url: str) -> None:
    process = holder(url)
    with open_store(url) as store:
        try:
            with pytest.raises(StoreLocked, match="another run") as caught, store.run("second"):
                pass
            assert caught.value.context["owner"] == "holder"
            assert caught.value.context["pid"] == process.pid
        finally:
            kill(process)
        began = time.monotonic()
        with store.run("second"):
            pass
        assert time.monotonic() - began < PATIENCE
        assert [(run["owner"], run["status"]) for run in store.runs()[-2:]] == [("holder", "dead"), ("second", "done")]


def test_a_killed_process_that_waits_for_its_parent_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    assert lock.start_of(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while lock.start_of(child.pid) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.wait()


def test_a_process_number_used_again_is_not_the_same_process(url: str) -> None:
    with open_store(url) as store, store.run("first"):
        edit_lock(store, token="1", pid=os.getpid())
        with open_store(url) as other, other.run("second"):
            pass


def test_the_same_process_cannot_hold_it_twice(url: str) -> None:
    with open_store(url) as store, open_store(url) as other, store.run("first"):
        with pytest.raises(StoreLocked):
            other._begin("second")
        with store.run_unless_held("inner"):
            assert store.run_number is not None


def test_the_lock_of_another_host_ages(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(url) as store, store.run("first"), open_store(url) as other:
        edit_lock(store, host="elsewhere", beat=time.time() - lock.LEASE + 30)
        with pytest.raises(StoreLocked, match="another host") as caught, other.run("second"):
            pass
        assert caught.value.context["host"] == "elsewhere"
        edit_lock(store, host="elsewhere", beat=time.time() - lock.LEASE - 1)
        with other.run("second"):
            pass
        # The run that lost the lock notices at its next write, and writes nothing.
        with pytest.raises(StoreLocked, match="taken over"), store.writing():
            pass


def test_a_heartbeat_keeps_the_lock_young(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.05)
    with open_store(url) as store, store.run("first"):
        edit_lock(store, beat=0.0)
        deadline = time.monotonic() + 5
        while _beat(store) == 0.0:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert time.time() - _beat(store) < 5


def _beat(store: Store) -> float:
    with store.reading() as connection:
        return float(connection.execute(select(LOCKS.c.beat)).scalar_one())


def test_who_is_alive() -> None:
    assert lock.start_of(os.getpid()) == lock.this_process("x").token
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert lock.start_of(child.pid) is None
    assert lock.start_of(1) is not None


def test_a_system_that_does_not_tell_start_times(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(lock, "start_of", lambda pid: "")
    with open_store(url) as store, open_store(url) as other, store.run("first"), pytest.raises(StoreLocked):
        other._begin("second")


def test_a_process_of_another_user_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, __: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert lock.start_of(os.getpid()) == lock.this_process("x").token


def test_a_system_without_proc_tells_no_start_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    assert lock.start_of(os.getpid()) == ""
    assert lock.this_process("x").token == "unknown"


def test_two_takers_at_the_same_moment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first to write its row wins; the other is told."""
    with open_store(url) as store, open_store(url) as other, store.run("first"):
        monkeypatch.setattr(lock, "_refuse_if_alive", lambda *_: None)
        monkeypatch.setattr(lock, "delete", lambda table: update(table).where(table.c.name == "nobody").values(beat=0))
        with pytest.raises(StoreLocked, match="just taken"):
            other._begin("second")
