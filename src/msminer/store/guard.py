"""Database errors as errors of ours that say what to do; no message holds a password."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from msminer.errors import StoreDamaged, StoreError, StoreFull, StoreLocked

_SQLITE = {
    sqlite3.SQLITE_FULL: StoreFull("no space is left for the store; make room and run again: nothing is lost"),
    sqlite3.SQLITE_READONLY: StoreFull("the store or its folder is read-only; allow writing or set MSMINER_HOME"),
    sqlite3.SQLITE_CANTOPEN: StoreFull("the store cannot be opened; check that its folder exists and can be written"),
    sqlite3.SQLITE_IOERR: StoreFull("the disk of the store fails or is full; check it and run again"),
    sqlite3.SQLITE_CORRUPT: StoreDamaged("the store is damaged; restore a copy, or move it away and fetch again"),
    sqlite3.SQLITE_NOTADB: StoreDamaged(
        "the file is no store of msminer; restore a copy, or move it away and fetch again"
    ),
    sqlite3.SQLITE_BUSY: StoreLocked("another program keeps the store busy; wait for it and run again"),
    sqlite3.SQLITE_LOCKED: StoreLocked("another program keeps the store busy; wait for it and run again"),
}
# PostgreSQL's SQLSTATE codes (its manual, appendix A).
_POSTGRES = {
    "53100": StoreFull("no space is left for the store; make room and run again: nothing is lost"),
    "25006": StoreFull("the database is read-only; allow writing or set MSMINER_STORE_URL"),
    "55P03": StoreLocked("another program keeps the store busy; wait for it and run again"),
    "XX001": StoreDamaged("the store is damaged; restore a copy"),
    "XX002": StoreDamaged("the store is damaged; restore a copy"),
}


@contextmanager
def guarded(url: URL) -> Iterator[None]:
    """Run a block of database work; raises StoreFull, StoreDamaged, StoreLocked or StoreError."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(error, url) from error
    except SQLAlchemyError as error:
        raise StoreError("the store cannot be used", store=shown(url), reason=type(error).__name__) from error


def shown(url: URL) -> str:
    """The address without its password."""
    return url.render_as_string(hide_password=True)


def _translated(error: DBAPIError, url: URL) -> StoreError:
    original = error.orig
    # The low byte is the primary code; the rest tells kinds of it apart (sqlite.org/rescode.html).
    code = getattr(original, "sqlite_errorcode", 0) & 0xFF
    known = _SQLITE.get(code) or _POSTGRES.get(getattr(original, "sqlstate", None) or "")
    if known is not None:
        return type(known)(known.message, store=shown(url))
    if error.connection_invalidated or (code == 0 and getattr(original, "sqlstate", None) is None):
        return StoreError(
            "the database does not answer; check MSMINER_STORE_URL", store=shown(url), reason=type(original).__name__
        )
    return StoreError("the store refuses a request", store=shown(url), reason=str(original).splitlines()[0][:200])
