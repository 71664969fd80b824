"""What has changed among records that are stored: revisions by modification date, and retractions looked up as such.

A retraction comes years after the paper and moves the record's revision date; the entry date stays. So changed records
are found by [mdat] with an overlap, and retracted ones once more by their publication type.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from msminer.pubmed.entrez import Entrez
from msminer.pubmed.harvest.find import find
from msminer.pubmed.slices import DAYS_AHEAD

# NLM's day ends at 04:00 or 05:00 UTC of the next; a day's records are settled at 12:00 UTC of the day after (bmlib,
# DECISIONS #95). Two days back cover that from any time of day.
OVERLAP = timedelta(days=2)
_SETTLED = timedelta(days=1, hours=12)
RETRACTED = '"retracted publication"[pt]'


def changed(
    client: Entrez, term: str, since: date, stored: Mapping[str, Mapping[str, Any]], *, now: datetime
) -> dict[str, str]:
    """PMIDs of a term to fetch again, with the reason; `stored` maps PMIDs to date_revised, checked_at, retracted."""
    stale = dict.fromkeys(_revised(client, term, since - OVERLAP, stored, now), "revised")
    flagged = find(client, f"({term}) AND {RETRACTED}", today=now.date()).pmids
    today = now.date().isoformat()
    for pmid in flagged & stored.keys():
        if not stored[pmid]["retracted"] and stored[pmid]["checked_at"][:10] < today:
            stale[pmid] = "retracted"
    return stale


def _revised(
    client: Entrez, term: str, first: date, stored: Mapping[str, Mapping[str, Any]], now: datetime
) -> Collection[str]:
    """Stored records revised since the day `first` in another form than the stored one.

    A record in the answer is explained when its stored revision date lies in the asked days and it was read after that
    day had settled. It may have been revised again: that shows in a search from the day after its stored date.
    """
    stale: set[str] = set()
    days = [first]
    while days:
        start = days.pop(0)
        answer = find(client, _modified(term, start, now.date()), today=now.date()).pmids & stored.keys()
        ours = {pmid: _day(stored[pmid]["date_revised"]) for pmid in answer - stale}
        stale |= {
            pmid for pmid, day in ours.items() if day is None or day < start or _unsettled(day, stored[pmid], now)
        }
        later = {day + timedelta(days=1) for day in ours.values() if day is not None and start <= day < now.date()}
        days = sorted({*days, *(day for day in later if day > start)})[: OVERLAP.days + 1]
    return stale


def _modified(term: str, first: date, today: date) -> str:
    return f"({term}) AND {first:%Y/%m/%d}:{today + timedelta(days=DAYS_AHEAD):%Y/%m/%d}[mdat]"


def _unsettled(day: date, row: Mapping[str, Any], now: datetime) -> bool:
    """Whether the record was read before its revision day had settled, which it now has."""
    settled = datetime.combine(day, time(), now.tzinfo) + _SETTLED
    return now >= settled > datetime.fromisoformat(row["checked_at"])


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text and len(text) == 10 else None
