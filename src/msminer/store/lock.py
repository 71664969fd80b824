"""The single-run lock: one writer a store, taken over at once from a dead process of this host, by age elsewhere."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from msminer.errors import StoreLocked
from msminer.store.tables import LOCKS, RUNS

# A heartbeat each 20 s; nine lost ones in a row mean that the other host is gone or cut off.
BEAT = 20.0
LEASE = 180.0
_NAME = "run"


@dataclass(frozen=True)
class Holder:
    """A process that may hold the lock: host, process number, and when that process began."""

    owner: str
    host: str
    pid: int
    token: str


def this_process(owner: str) -> Holder:
    """The running process as a holder."""
    return Holder(owner, socket.gethostname(), os.getpid(), start_of(os.getpid()) or "unknown")


def start_of(pid: int) -> str | None:
    """When a process of this host began, in ticks since boot; "" where the system is silent; None when it is gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    # Field 3 is the state, 22 the start time (proc(5)); a zombie has ended and waits for its parent only.
    return None if fields[0] in {"Z", "X"} else fields[19]


def take(connection: Connection, holder: Holder, *, now: float, stamp: str) -> int:
    """The number of the run that now holds the lock; raises StoreLocked naming who holds it."""
    row = connection.execute(select(LOCKS).where(LOCKS.c.name == _NAME).with_for_update()).mappings().first()
    if row is not None:
        _refuse_if_alive(dict(row), holder, now)
        connection.execute(
            update(RUNS)
            .where(RUNS.c.id == row["run_id"], RUNS.c.status == "running")
            .values(status="dead", finished_at=stamp)
        )
        connection.execute(delete(LOCKS).where(LOCKS.c.name == _NAME))
    run_id = _begin_run(connection, holder, stamp)
    values = {"name": _NAME, "run_id": run_id, "owner": holder.owner, "host": holder.host, "pid": holder.pid}
    try:
        connection.execute(insert(LOCKS).values(**values, token=holder.token, beat=now))
    except IntegrityError:
        raise StoreLocked("another run has just taken the store") from None
    return run_id


def _begin_run(connection: Connection, holder: Holder, stamp: str) -> int:
    values = {"owner": holder.owner, "host": holder.host, "pid": holder.pid, "started_at": stamp, "heartbeat_at": stamp}
    done = connection.execute(insert(RUNS).values(**values, status="running").returning(RUNS.c.id))
    return int(done.scalar_one())


def _refuse_if_alive(row: dict[str, Any], holder: Holder, now: float) -> None:
    if row["host"] == holder.host:
        began = start_of(row["pid"])
        alive = began is not None and (row["token"] in {began, "unknown"} or began == "")
        if not alive:
            return
        raise StoreLocked(
            "another run is using this store; wait until it ends", owner=row["owner"], pid=row["pid"], host=row["host"]
        )
    age = now - row["beat"]
    if age <= LEASE:
        raise StoreLocked(
            f"a run on another host holds this store; it is taken over {LEASE:.0f} s after its last sign of life",
            owner=row["owner"], host=row["host"], silent_for=round(age, 1),
        )  # fmt: skip


def beat(connection: Connection, run_id: int, *, now: float, stamp: str) -> None:
    """Give a sign of life; raises StoreLocked when the lock has been taken over."""
    done = connection.execute(update(LOCKS).where(LOCKS.c.name == _NAME, LOCKS.c.run_id == run_id).values(beat=now))
    if done.rowcount != 1:
        raise StoreLocked("the lock of this run was taken over by another; this run stops", run=run_id)
    connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(heartbeat_at=stamp))


def give_back(connection: Connection, run_id: int, *, status: str, stamp: str, summary: Any) -> None:
    """End the run and free the lock if it is still ours."""
    connection.execute(
        update(RUNS)
        .where(RUNS.c.id == run_id, RUNS.c.status == "running")
        .values(status=status, finished_at=stamp, summary=summary)
    )
    connection.execute(delete(LOCKS).where(LOCKS.c.name == _NAME, LOCKS.c.run_id == run_id))
