"""How a store is reached: its address, its driver, and what SQLite needs on each connection."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from msminer.errors import SettingsError
from msminer.schema import ORIGINS
from msminer.store.core import Store
from msminer.store.database import WRITE
from msminer.store.guard import shown

# Seconds a writer waits for another one's transaction; the longest here is one page of 200 records.
_BUSY_SECONDS = 30


def open_store(url: str, *, origin: str | None = None, create: bool = True) -> Store:
    """A store at a SQLAlchemy URL; nothing is read before it is used.

    origin: what its records come from; raises OriginMismatch on first use when it holds others. create: make it where
    there is none, else raise StoreError. Raises SettingsError for a URL that names no SQLite or PostgreSQL database.
    """
    if origin is not None and origin not in ORIGINS:
        raise SettingsError("an origin is sample, entrez or files", origin=origin)
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            "MSMINER_STORE_URL is no database address; write sqlite:///FILE or postgresql://HOST/NAME"
        ) from None
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise SettingsError("MSMINER_STORE_URL must be a sqlite or postgresql address", store=shown(parsed))
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        return Store(_engine(parsed), origin=origin, create=create)
    except NoSuchModuleError:
        raise SettingsError("MSMINER_STORE_URL names a driver that does not exist", driver=parsed.drivername) from None


def _engine(url: URL) -> Engine:
    # Parameters are records and may be long; they have no place in an error.
    if url.get_backend_name() != "sqlite":
        return _server_engine(url)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _server_engine(url: URL) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise SettingsError(
            "PostgreSQL needs its driver: pip install 'msminer[postgres]'", missing=error.name
        ) from None


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # Transactions begin where this module says, not before the first writing statement (SQLAlchemy, "pysqlite").
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail as busy when another wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITE) else "BEGIN")


def describe_store(url: str) -> str | None:
    """One line on what a store holds, or None where there is none; raises StoreError for one that cannot be used."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        return None
    with open_store(url, create=False) as store:
        counts, origin = store.counts(), store.origin
    return f"{origin or 'empty'} store {shown(parsed)}: {counts['articles']} articles, {counts['labelled']} labelled"
