"""What all of the store's writing shares: times, hashes, lists of PMIDs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, delete, select
from sqlalchemy.engine import Connection

# SQLite takes 32,766 bound values a statement, PostgreSQL 65,535; lists of this size stay below both.
LIST = 5_000


def utc(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_hash(title: str, abstract: str) -> str:
    """SHA-256 of title + newline + abstract: what a label depends on."""
    return hashlib.sha256(f"{title}\n{abstract}".encode()).hexdigest()


def by_number(pmids: Iterable[str]) -> list[str]:
    """PMIDs without doubles in the order of their numbers."""
    return sorted(set(pmids), key=int)


def held(connection: Connection, table: Table, pmids: Iterable[str], *columns: str) -> dict[str, dict[str, Any]]:
    """Rows of a table with a pmid column, by PMID."""
    wanted = by_number(pmids)
    chosen = [table.c[name] for name in ("pmid", *columns)]
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), LIST):
        part = select(*chosen).where(table.c.pmid.in_(wanted[start : start + LIST]))
        rows.update((row["pmid"], dict(row)) for row in connection.execute(part).mappings())
    return rows


def remove(connection: Connection, table: Table, pmids: Iterable[str]) -> None:
    """Delete a table's rows of these PMIDs."""
    wanted = by_number(pmids)
    for start in range(0, len(wanted), LIST):
        connection.execute(delete(table).where(table.c.pmid.in_(wanted[start : start + LIST])))
