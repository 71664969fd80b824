"""One named query is asked: what is new, what has gone from it, what has changed; nothing is fetched yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from msminer.errors import QueryError
from msminer.pubmed.entrez import Entrez
from msminer.pubmed.harvest.find import Found, complete, find
from msminer.pubmed.harvest.refresh import OVERLAP, changed
from msminer.pubmed.query import NamedQuery, plain_phrase
from msminer.pubmed.slices import since
from msminer.store import Store, utc
from msminer.store.common import held
from msminer.store.reading import last_search, last_sweep, members, not_again_today
from msminer.store.tables import ARTICLES

# Two changes that cancel out in the count would stay unseen for ever without a whole search now and then.
SWEEP = timedelta(days=30)
# What is compared of a stored record.
KNOWN = ("date_revised", "checked_at", "retracted")


@dataclass(frozen=True)
class Asked:
    """The answer to one query: all PMIDs it finds, those to fetch with the reason, those it no longer finds."""

    query: NamedQuery
    asked_at: str
    found: Found
    fetch: dict[str, str]
    dropped: frozenset[str]
    requests: int
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Known:
    """What the store knows of a query: its last search, the last one that was asked whole, its members, who waits."""

    last: dict[str, Any] | None
    swept: str | None
    members: frozenset[str]
    waits: frozenset[str]

    def swept_since(self, day: date) -> bool:
        """Whether the query was asked whole after that day."""
        return self.swept is not None and self.swept[:10] > day.isoformat()


def ask(store: Store, client: Entrez, query: NamedQuery, *, now: datetime) -> Asked:
    """Ask one query and compare with the store; raises QueryError when PubMed lost a phrase, PubMedError."""
    before, known = client.requests, known_of(store, query, now.date())
    found = _found(client, query, known, now.date())
    refuse_lost(query, found)
    fetch, dropped = dict[str, str](), frozenset[str]()
    if found.count:
        dropped = known.members - found.pmids
        fetch = _to_fetch(store, client, query, known, found, now=now)
    warnings = warnings_of(client, query, known, found)
    return Asked(query, utc(now), found, fetch, dropped, client.requests - before, warnings)


def known_of(store: Store, query: NamedQuery, today: date) -> Known:
    """What the store knows of a query before it is asked."""
    with store.reading() as connection:
        last, swept = last_search(connection, query.name, query.term), last_sweep(connection, query.name, query.term)
        of_query, waits = members(connection, query.name), not_again_today(connection, today.isoformat())
    return Known(last, swept, frozenset(of_query), frozenset(waits))


def _to_fetch(
    store: Store, client: Entrez, query: NamedQuery, known: Known, found: Found, *, now: datetime
) -> dict[str, str]:
    """PMIDs to fetch with the reason: new, no longer found (gone, or just changed), revised, retracted."""
    with store.reading() as connection:
        stored = held(connection, ARTICLES, found.pmids, *KNOWN)
    fetch = dict.fromkeys(found.pmids - stored.keys() - known.waits, "new")
    fetch |= dict.fromkeys(known.members - found.pmids - known.waits, "dropped")
    start = _start(known, stored)
    if stored and start is not None:
        fetch |= changed(client, query.term, start, stored, now=now)
    return fetch


def _found(client: Entrez, query: NamedQuery, known: Known, today: date) -> Found:
    """All PMIDs; above the window a query that was asked whole lately needs only what is new, if numbers fit."""
    reply = client.search(query.term)
    if reply.count > client.settings.search_window and known.last and known.swept_since(today - SWEEP):
        asked = date.fromisoformat(known.last["asked_at"][:10])
        fresh = find(client, query.term, today=today, span=since(asked - OVERLAP, today))
        together = known.members | fresh.pmids
        if len(together) == reply.count:
            return Found(reply.count, together, reply.translation, reply.lost, fresh.plan)
    return complete(client, query.term, reply, today=today)


def refuse_lost(query: NamedQuery, found: Found) -> None:
    """Raise QueryError for a phrase that PubMed's index does not hold, unless the query accepts that."""
    lost = refused(query, found.count, found.lost)
    if lost:
        raise QueryError(
            "PubMed does not know a phrase of the query and searched without it; correct it, or accept it in the query "
            "file with a line '# allow-lost: PHRASE'",
            query=query.name, lost=lost,
        )  # fmt: skip


def refused(query: NamedQuery, count: int, lost: Iterable[str]) -> list[str]:
    """The lost phrases that the query does not accept; where nothing is found, that says enough."""
    return [phrase for phrase in lost if count and plain_phrase(phrase) not in query.allow_lost]


def _start(known: Known, stored: dict[str, dict[str, Any]]) -> date | None:
    """From which day on changes matter: the last search, or earlier when records of other queries were read."""
    joined = [row["checked_at"] for pmid, row in stored.items() if pmid not in known.members]
    times = [*joined, *([known.last["asked_at"]] if known.last else [])]
    if not known.last and known.members:
        times += [row["checked_at"] for row in stored.values()]
    return date.fromisoformat(min(times)[:10]) if times else None


def warnings_of(client: Entrez, query: NamedQuery, known: Known, found: Found) -> tuple[str, ...]:
    """What needs a look about an answer."""
    if not found.count and known.members:
        return (f"{query.name}: PubMed finds nothing, but found {len(known.members)} records before; kept as they are",)
    if not found.count:
        return (f"{query.name}: PubMed finds nothing for this query",)
    said = []
    if known.last and known.last["translation"] != found.translation:
        asked = known.last["asked_at"][:10]
        said.append(f"{query.name}: PubMed reads the query otherwise than on {asked}; see the table searches")
    # A small server may well lack a phrase that a query accepts as lost; that PubMed lacks it needs a look.
    if client.settings.is_ncbi and found.lost:
        said.append(f"{query.name}: PubMed does not know {', '.join(found.lost)}, which the query accepts")
    return tuple(said)
