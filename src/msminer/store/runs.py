"""One run at a time: the lock with its sign of life, around every write of the run that holds it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy.engine import Connection, Engine

from msminer.errors import StoreError
from msminer.store import lock
from msminer.store.database import Database, stamp
from msminer.store.guard import guarded


class Run:
    """A run that holds the store's lock; `summary` is kept with it when it ends."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.summary: dict[str, Any] | None = None


class Runs(Database):
    """A database whose writing runs hold a lock."""

    def __init__(self, engine: Engine, *, origin: str | None, create: bool) -> None:
        super().__init__(engine, origin=origin, create=create)
        self._run: Run | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of the block or nothing; raises StoreLocked when this run's lock was taken over."""
        self._prepare()
        with guarded(self.url), self._writer() as connection:
            if self._run is not None:
                lock.beat(connection, self._run.number, now=time.time(), stamp=stamp())
            yield connection

    @contextmanager
    def run(self, owner: str) -> Iterator[Run]:
        """Hold the single-run lock; raises StoreLocked when another run is alive, StoreDamaged for a broken file.

        The run is recorded with its end: done, failed or interrupted.
        """
        self.check()
        run = Run(self._begin(owner))
        self._run, stop = run, threading.Event()
        beating = threading.Thread(target=self._beat, args=(run.number, stop), daemon=True, name="heartbeat")
        beating.start()
        status = "failed"
        try:
            yield run
            status = "done"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            self._run = None
            stop.set()
            beating.join()
            self._end(run, status)

    lock = run

    @property
    def run_number(self) -> int | None:
        """The number of the run that holds the lock through this object."""
        return self._run.number if self._run else None

    @contextmanager
    def run_unless_held(self, owner: str) -> Iterator[None]:
        """Hold the lock for a block, unless this store object holds it already."""
        if self._run is not None:
            yield
            return
        with self.run(owner):
            yield

    def _begin(self, owner: str) -> int:
        with self.writing() as connection:
            return lock.take(connection, lock.this_process(owner), now=time.time(), stamp=stamp())

    def _end(self, run: Run, status: str) -> None:
        # A run that ends because its disk is full cannot record that; its lock goes with its process.
        with suppress(StoreError), self.writing() as connection:
            lock.give_back(connection, run.number, status=status, stamp=stamp(), summary=run.summary)

    def _beat(self, number: int, stop: threading.Event) -> None:
        while not stop.wait(lock.BEAT):
            # The next write meets the same error in the thread that can act on it.
            with suppress(StoreError), guarded(self.url), self._writer() as connection:
                lock.beat(connection, number, now=time.time(), stamp=stamp())
