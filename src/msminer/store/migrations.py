"""The store's schema version: a new store is made, an older one upgraded step by step, a newer one refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import insert, inspect, select, text, update
from sqlalchemy.engine import Connection

from msminer.errors import OriginMismatch, StoreDamaged, StoreVersion
from msminer.store.tables import MEMBERS_INDEX, META, METADATA, SCHEMA_VERSION


def _label_whole_records(connection: Connection) -> None:
    """Labels were tied to an article's text; tied to its whole record, all are made again when next asked for."""
    connection.execute(text("ALTER TABLE record_models RENAME COLUMN text_sha256 TO record_sha256"))


# STEPS[n] turns a store of version n into one of version n + 1, in the same transaction as the new number.
STEPS: Mapping[int, Callable[[Connection], None]] = {
    1: MEMBERS_INDEX.create,
    2: _label_whole_records,
}


def version_of(connection: Connection) -> int | None:
    """The schema version, or None for a database that holds no store; raises StoreDamaged for one without a number."""
    if not inspect(connection).has_table(META.name):
        return None
    value = meta(connection, "schema_version")
    if value is None or not value.isdigit():
        raise StoreDamaged("the store does not say its version; restore a copy, or move it away and fetch again")
    return int(value)


def make(connection: Connection, *, origin: str | None, stamp: str, program: str) -> None:
    """All tables of a new store."""
    METADATA.create_all(connection)
    rows = {"schema_version": str(SCHEMA_VERSION), "made_at": stamp, "made_by": program}
    connection.execute(insert(META), [{"name": name, "value": value} for name, value in rows.items()])
    if origin is not None:
        set_meta(connection, "origin", origin)


def upgrade(connection: Connection, version: int) -> None:
    """Bring an older store to this program's version; raises StoreVersion for a newer one."""
    refuse_newer(version)
    for step in range(version, SCHEMA_VERSION):
        STEPS[step](connection)
        set_meta(connection, "schema_version", str(step + 1))


def refuse_newer(version: int) -> None:
    """Raise StoreVersion for a store that a newer msminer wrote."""
    if version > SCHEMA_VERSION:
        raise StoreVersion("a newer msminer wrote this store; update msminer", store=version, program=SCHEMA_VERSION)


def claim_origin(connection: Connection, origin: str) -> None:
    """Fix the origin of a store that has none yet; raises OriginMismatch for another one."""
    held = meta(connection, "origin")
    if held is None:
        set_meta(connection, "origin", origin)
    elif held != origin:
        raise OriginMismatch("the store holds records of another source; use another file", holds=held, asked=origin)


def meta(connection: Connection, name: str) -> str | None:
    """One value of the table meta."""
    return connection.execute(select(META.c.value).where(META.c.name == name)).scalar()


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Write one value of the table meta."""
    done = connection.execute(update(META).where(META.c.name == name).values(value=value))
    if done.rowcount == 0:
        connection.execute(insert(META).values(name=name, value=value))
