"""Denominators: how many MS papers PubMed holds of each year."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msminer.pubmed.entrez import Entrez
from msminer.pubmed.query import NamedQuery
from msminer.store import Store, utc
from msminer.store.writing import save_denominators

# Years gain few papers after a month; the newest year is marked as incomplete wherever it is shown.
KEPT = timedelta(days=30)


def denominators(store: Store, client: Entrez, years: Iterable[int], query: NamedQuery, *, now: datetime) -> int:
    """Ask for the count of each year that is not known or older than 30 days; returns how many were asked.

    One request a year: the query with YEAR[pdat]. An honest zero is a count; raises PubMedError for anything else.
    """
    known = {row["year"]: row for row in store.counted_years()}
    oldest, asked = utc(now - KEPT), 0
    with store.run_unless_held("denominators"):
        for year in sorted(set(years)):
            term = f"({query.term}) AND {year}[pdat]"
            if year in known and known[year]["query"] == term and known[year]["asked_at"] >= oldest:
                continue
            row = {"year": year, "ms_papers": client.search(term, most=0).count, "asked_at": utc(now), "query": term}
            with store.writing() as connection:
                save_denominators(connection, [row])
            asked += 1
    return asked
