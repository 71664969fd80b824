"""The store as others use it: open, lock, read frames, write in transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, Table, select, text
from sqlalchemy.engine import URL, Connection, Engine

from msminer import __version__, schema
from msminer.errors import StoreDamaged, StoreError
from msminer.schema import LabelledRecord
from msminer.store import labels, lock, migrations, reading
from msminer.store.guard import guarded, shown
from msminer.store.tables import (
    ARTICLE_VERSIONS,
    DENOMINATORS,
    EVENTS,
    FINDINGS,
    LABELS,
    PAGES,
    QUARANTINE,
    RUNS,
    SCHEMA_VERSION,
    SEARCHES,
    TOMBSTONES,
)

if TYPE_CHECKING:
    import pandas as pd

# Marks a connection whose transaction takes the write lock at its beginning.
WRITE = "msminer_write"
# Records handed out at once to a labeller.
_BATCH = 500


class Run:
    """A run that holds the store's lock; `summary` is kept with it when it ends."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.summary: dict[str, Any] | None = None


class Store:
    """A store; made by `open_store`, closed by `close` or at the end of a with block.

    origin: sample, entrez or files, fixed when the store is made; None takes what is there.
    """

    def __init__(self, engine: Engine, *, origin: str | None, create: bool) -> None:
        self._engine, self._asked_origin, self._create = engine, origin, create
        self._ready = False
        self._run: Run | None = None

    @property
    def url(self) -> URL:
        """The address of the database."""
        return self._engine.url

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; raises StoreError and its kinds."""
        self._prepare()
        with guarded(self.url), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of the block or nothing; raises StoreLocked when this run's lock was taken over."""
        self._prepare()
        with guarded(self.url), self._writer() as connection:
            if self._run is not None:
                lock.beat(connection, self._run.number, now=time.time(), stamp=_stamp())
            yield connection

    @contextmanager
    def _writer(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
            yield connection

    def _prepare(self) -> None:
        """Make, upgrade or accept the database, once."""
        if self._ready:
            return
        with guarded(self.url):
            self._find()
            with self._engine.connect() as connection:
                version = migrations.version_of(connection)
                current = version == SCHEMA_VERSION and self._origin_fits(connection)
            if version is not None:
                migrations.refuse_newer(version)
            if not current:
                self._make_or_upgrade()
        self._ready = True

    def _origin_fits(self, connection: Connection) -> bool:
        return self._asked_origin is None or migrations.meta(connection, "origin") == self._asked_origin

    def _find(self) -> None:
        """A SQLite file appears only where it may be made."""
        if self.url.get_backend_name() != "sqlite" or not self.url.database or self.url.database == ":memory:":
            return
        path = Path(self.url.database)
        if path.exists() or self.url.database.startswith("file:"):
            return
        if not self._create:
            raise StoreError("there is no store yet; msminer fetch makes one", store=shown(self.url))
        with suppress(OSError):  # what is wrong with the folder shows, better worded, when the file is opened
            path.parent.mkdir(parents=True, exist_ok=True)

    def _make_or_upgrade(self) -> None:
        self._wal()
        with self._writer() as connection:
            version = migrations.version_of(connection)
            if version is None and not self._create:
                raise StoreError("the database holds no store yet; msminer fetch makes one", store=shown(self.url))
            if version is None:
                migrations.make(connection, origin=self._asked_origin, stamp=_stamp(), program=f"msminer {__version__}")
            else:
                migrations.upgrade(connection, version)
            if self._asked_origin is not None:
                migrations.claim_origin(connection, self._asked_origin)

    def _wal(self) -> None:
        """Readers never wait for a writer; the mode stays with the file."""
        if self.url.get_backend_name() == "sqlite":
            with self._engine.connect() as connection:
                raw = connection.connection.dbapi_connection
                if isinstance(raw, sqlite3.Connection):
                    raw.execute("PRAGMA journal_mode=WAL")

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
            return lock.take(connection, lock.this_process(owner), now=time.time(), stamp=_stamp())

    def _end(self, run: Run, status: str) -> None:
        # A run that ends because its disk is full cannot record that; its lock goes with its process.
        with suppress(StoreError), self.writing() as connection:
            lock.give_back(connection, run.number, status=status, stamp=_stamp(), summary=run.summary)

    def _beat(self, number: int, stop: threading.Event) -> None:
        while not stop.wait(lock.BEAT):
            # The next write meets the same error in the thread that can act on it.
            with suppress(StoreError), guarded(self.url), self._writer() as connection:
                lock.beat(connection, number, now=time.time(), stamp=_stamp())

    def check(self) -> None:
        """Read the whole file for damage (SQLite); raises StoreDamaged."""
        if self.url.get_backend_name() != "sqlite":
            return
        with self.reading() as connection:
            found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
        if found != "ok":
            raise StoreDamaged(
                "the store is damaged; restore a copy, or move it away and fetch again",
                store=shown(self.url),
                finding=found,
            )

    @property
    def origin(self) -> str | None:
        """Where its records come from: sample, entrez or files; None as long as nobody said."""
        with self.reading() as connection:
            return migrations.meta(connection, "origin")

    def meta(self, name: str) -> str | None:
        """One fact about the store."""
        with self.reading() as connection:
            return migrations.meta(connection, name)

    def articles(self) -> pd.DataFrame:
        """Current articles, as schema.ARTICLES, in the order of their PMIDs."""
        with self.reading() as connection:
            return reading.articles(connection)

    def labels(self) -> pd.DataFrame:
        """Decided labels, as schema.LABELS."""
        with self.reading() as connection:
            return reading.plain(connection, LABELS, schema.LABELS)

    def findings(self) -> pd.DataFrame:
        """Findings, as schema.FINDINGS."""
        with self.reading() as connection:
            return reading.plain(connection, FINDINGS, schema.FINDINGS)

    def denominators(self) -> pd.DataFrame:
        """Counts of all MS papers a year, as schema.DENOMINATORS."""
        with self.reading() as connection:
            return reading.plain(connection, DENOMINATORS, schema.DENOMINATORS)

    def runs(self) -> list[dict[str, Any]]:
        """All runs, oldest first."""
        return self._all(RUNS, RUNS.c.id)

    def searches(self) -> list[dict[str, Any]]:
        """All searches, oldest first."""
        return self._all(SEARCHES, SEARCHES.c.id)

    def events(self) -> list[dict[str, Any]]:
        """Retractions, expressions of concern and errata, by PMID, kind and notice."""
        return self._all(EVENTS, EVENTS.c.pmid, EVENTS.c.kind, EVENTS.c.notice)

    def versions(self, pmid: str) -> list[dict[str, Any]]:
        """Former versions of an article, oldest first, each with the record as it was."""
        return self._rows(
            select(ARTICLE_VERSIONS).where(ARTICLE_VERSIONS.c.pmid == pmid).order_by(ARTICLE_VERSIONS.c.number)
        )

    def tombstones(self) -> list[dict[str, Any]]:
        """PMIDs that PubMed did not deliver; gone_at is set from the second miss on another day."""
        return self._all(TOMBSTONES, TOMBSTONES.c.pmid)

    def quarantine(self) -> list[dict[str, Any]]:
        """Bytes set aside, with the reason."""
        return self._all(QUARANTINE, QUARANTINE.c.sha256)

    def counted_years(self) -> list[dict[str, Any]]:
        """The rows of `denominators`, without a frame."""
        return self._all(DENOMINATORS, DENOMINATORS.c.year)

    def pages(self) -> list[dict[str, Any]]:
        """All pages without their bytes, oldest first."""
        columns = [column for column in PAGES.columns if column.name != "raw"]
        return self._rows(select(*columns).order_by(PAGES.c.id))

    def _all(self, table: Table, *order: Any) -> list[dict[str, Any]]:
        return self._rows(select(table).order_by(*order))

    def _rows(self, statement: Select[Any]) -> list[dict[str, Any]]:
        with self.reading() as connection:
            return reading.rows(connection, statement)

    def counts(self) -> dict[str, int]:
        """How many articles, retracted, labelled, events, gone, quarantined and pending the store holds."""
        with self.reading() as connection:
            return reading.counts(connection)

    def unlabelled(self, model: str) -> Iterator[dict[str, Any]]:
        """Records whose present text this model has not labelled: the columns of a ParsedRecord and text_sha256.

        Labels may be saved while it runs.
        """
        with self.reading() as connection:
            pmids = reading.unlabelled(connection, model)
        for start in range(0, len(pmids), _BATCH):
            with self.reading() as connection:
                found = list(reading.records(connection, pmids[start : start + _BATCH]))
            yield from found

    def save_labels(self, records: Sequence[LabelledRecord], hashes: Mapping[str, str]) -> None:
        """Save labels and findings in place of former ones; hashes maps PMID to the text_sha256 that was labelled."""
        with self.writing() as connection:
            labels.save_labels(connection, records, hashes)


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
