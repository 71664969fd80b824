"""One look at all searches together: where nothing has moved, none of them is asked by itself.

`(a) OR (b) OR ...` is asked like one search: all it finds, what was modified lately, what is retracted. If its records
are those that the searches had, all are stored, none was revised and PubMed reads the term as before, then each search
would give its last answer. Whatever is in doubt is asked search by search.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from msminer.errors import (
    AddressBlocked,
    BadApiKey,
    IncompleteResult,
    MalformedReply,
    RateLimited,
    ServiceError,
    TransportError,
)
from msminer.pubmed.entrez import Entrez
from msminer.pubmed.harvest.ask import KNOWN, SWEEP, Asked, Known, known_of, refused, warnings_of
from msminer.pubmed.harvest.find import Found, find
from msminer.pubmed.harvest.refresh import OVERLAP, changed
from msminer.pubmed.query import NamedQuery
from msminer.pubmed.replies import SearchReply
from msminer.pubmed.slices import since
from msminer.store import Store, utc
from msminer.store.common import held
from msminer.store.migrations import meta
from msminer.store.reading import as_asked
from msminer.store.tables import ARTICLES, dumps

# Under this name the store's table meta keeps how PubMed read all searches together when they were last asked.
READING = "searches_together"
# A single search needs three requests by itself, no more than the look does.
_LEAST = 2


@dataclass(frozen=True)
class Together:
    """All searches as one: its term, when PubMed was asked, how it read the term, and which phrases it lost."""

    term: str
    asked_at: str
    translation: str
    lost: tuple[str, ...]

    def as_text(self) -> str:
        """For the store."""
        facts = {"term": self.term, "asked_at": self.asked_at, "translation": self.translation, "lost": self.lost}
        return dumps(facts)


@dataclass(frozen=True)
class Look:
    """What a look brought: the reading to keep, and the answers of all searches if nothing has moved, else None."""

    reading: Together
    answers: list[Asked] | None = None


def look(store: Store, client: Entrez, queries: Sequence[NamedQuery], *, now: datetime) -> Look | None:
    """Ask all searches together; None where there is nothing to compare with, or where no sound answer came.

    Raises RateLimited, BadApiKey and AddressBlocked, after which nothing more may be asked.
    """
    known, last = [known_of(store, query, now.date()) for query in queries], _last_reading(store)
    if last is None or last.term != _term(queries) or not _comparable(queries, known, last, now.date()):
        return None
    try:
        reply = client.search(last.term)
        reading = _reading(last.term, reply, now)
        if not _unmoved(store, client, known, last, reply, now=now):
            return Look(reading)
    except (RateLimited, BadApiKey, AddressBlocked):
        raise
    except (ServiceError, TransportError, MalformedReply, IncompleteResult):
        return None
    return Look(reading, [_as_before(client, *each, now) for each in zip(queries, known, strict=True)])


def read_together(client: Entrez, queries: Sequence[NamedQuery], *, now: datetime) -> Together | None:
    """How PubMed reads all searches together, for the next look; None where that cannot be had."""
    if len(queries) < _LEAST:
        return None
    try:
        return _reading(_term(queries), client.search(_term(queries), most=0), now)
    except (RateLimited, BadApiKey, AddressBlocked):
        raise
    except (ServiceError, TransportError, MalformedReply):
        return None


def _term(queries: Sequence[NamedQuery]) -> str:
    return " OR ".join(f"({query.term})" for query in queries)


def _reading(term: str, reply: SearchReply, now: datetime) -> Together:
    return Together(term, utc(now), reply.translation, reply.lost)


def _last_reading(store: Store) -> Together | None:
    with store.reading() as connection:
        text = meta(connection, READING)
    facts: dict[str, Any] | None = json.loads(text) if text else None
    return Together(**facts | {"lost": tuple(facts["lost"])}) if facts else None


def _comparable(queries: Sequence[NamedQuery], known: Sequence[Known], last: Together, today: date) -> bool:
    """Whether each search ended well with this very text in the run of the last reading, and is not due as a whole."""
    return all(
        each.last is not None
        and each.last["asked_at"] == last.asked_at
        and each.swept_since(today - SWEEP)
        and not refused(query, each.last["count"], each.last["lost"])
        for query, each in zip(queries, known, strict=True)
    )


def _unmoved(
    store: Store, client: Entrez, known: Sequence[Known], last: Together, reply: SearchReply, *, now: datetime
) -> bool:
    """Whether PubMed reads the searches as before, finds the same records, and revised or retracted none of them."""
    members, waits = frozenset[str]().union(*(each.members for each in known)), known[0].waits
    same_reading = (reply.translation, reply.lost) == (last.translation, last.lost)
    if not (same_reading and members and len(members) == reply.count and members.issuperset(reply.pmids)):
        return False
    with store.reading() as connection:
        stored = held(connection, ARTICLES, members, *KNOWN)
    if members - stored.keys() - waits:
        return False
    asked = date.fromisoformat(last.asked_at[:10])
    if reply.count > len(reply.pmids):
        # Not all PMIDs are given: as for one search above the window, the count and what entered lately must fit.
        entered = find(client, last.term, today=now.date(), span=since(asked - OVERLAP, now.date()))
        if not members.issuperset(entered.pmids):
            return False
    return not changed(client, last.term, asked, stored, now=now)


def _as_before(client: Entrez, query: NamedQuery, known: Known, now: datetime) -> Asked:
    """The last answer of a search, which holds still."""
    last = known.last or {}
    found = Found(last["count"], known.members, last["translation"], tuple(last["lost"]), as_asked(last))
    return Asked(query, utc(now), found, {}, frozenset(), 0, warnings_of(client, query, known, found))
