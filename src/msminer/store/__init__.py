"""The one door to the database: SQLite by default, PostgreSQL by URL, through the same code.

Opening is lazy: nothing is read before the store is used. Writing runs hold a lock (`Store.run`); readers never wait.
"""

from __future__ import annotations

from msminer.store.common import by_number, text_hash, utc
from msminer.store.core import Store
from msminer.store.opening import describe_store, open_store
from msminer.store.records import Written
from msminer.store.runs import Run
from msminer.store.writing import Page, SetAside

__all__ = [
    "Page",
    "Run",
    "SetAside",
    "Store",
    "Written",
    "by_number",
    "describe_store",
    "open_store",
    "text_hash",
    "utc",
]
