"""A database that holds a store: made, upgraded or accepted on first use, read and written in transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import URL, Connection, Engine

from msminer import __version__
from msminer.errors import StoreDamaged, StoreError
from msminer.store import migrations
from msminer.store.common import utc
from msminer.store.guard import guarded, shown
from msminer.store.tables import SCHEMA_VERSION

# Marks a connection whose transaction takes the write lock at its beginning.
WRITE = "msminer_write"


class Database:
    """The database behind an engine, closed by `close` or at the end of a with block.

    origin: sample, entrez or files, fixed when the store is made; None takes what is there.
    """

    def __init__(self, engine: Engine, *, origin: str | None, create: bool) -> None:
        self._engine, self._asked_origin, self._create = engine, origin, create
        self._ready = False

    @property
    def url(self) -> URL:
        """The address of the database."""
        return self._engine.url

    def __enter__(self) -> Self:
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
                migrations.make(connection, origin=self._asked_origin, stamp=stamp(), program=f"msminer {__version__}")
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


def stamp() -> str:
    """Now, as the store writes times."""
    return utc(datetime.now(UTC))
