"""The search plan: date slices that halve until each fits PubMed's window, and PMID ranges for a day that does not.

Slices are cut on [crdt], the true date of entry. [edat] is set back to the publication date for late records, and
[pdat] heaps every record without a month on one day (NLM Technical Bulletin, Nov-Dec 2008; counts in docs/fetching.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

# easyPubMed starts at 1850 and ends 115 days ahead, which is further than any record's entry date lies on either side.
FIRST_DAY = date(1850, 1, 1)
DAYS_AHEAD = 115
# PMIDs have at most nine digits (a PMID is checked against that everywhere in this package).
LAST_UID = 999_999_999


@dataclass(frozen=True)
class Slice:
    """Records that entered from first to last day, both included; of one day, those with PMIDs from low to high."""

    first: date
    last: date
    low: int = 1
    high: int = LAST_UID

    @property
    def whole_uids(self) -> bool:
        """Whether the slice is cut by date alone."""
        return (self.low, self.high) == (1, LAST_UID)

    def term(self, term: str) -> str:
        """The search term of this slice of a term."""
        dated = f"({term}) AND {self.first:%Y/%m/%d}:{self.last:%Y/%m/%d}[crdt]"
        return dated if self.whole_uids else f"{dated} AND {self.low}:{self.high}[uid]"

    @property
    def divisible(self) -> bool:
        """Whether it can be halved: more than one day, or more than one PMID."""
        return self.first < self.last or self.low < self.high

    def halves(self) -> tuple[Slice, Slice]:
        """Two slices that cover this one exactly and do not overlap; ValueError for one PMID of one day."""
        if self.first < self.last:
            middle = self.first + timedelta(days=(self.last - self.first).days // 2)
            return (
                Slice(self.first, middle, self.low, self.high),
                Slice(middle + timedelta(days=1), self.last, self.low, self.high),
            )
        if self.low < self.high:
            centre = (self.low + self.high) // 2
            return Slice(self.first, self.last, self.low, centre), Slice(self.first, self.last, centre + 1, self.high)
        raise ValueError("one PMID of one day cannot be halved")

    def __str__(self) -> str:
        """For a printed plan: 2020-01-01..2020-12-31, with the PMID range where there is one."""
        days = f"{self.first:%Y-%m-%d}..{self.last:%Y-%m-%d}"
        return days if self.whole_uids else f"{days} uid {self.low}..{self.high}"


def whole(today: date) -> Slice:
    """The slice of all records ever entered."""
    return Slice(FIRST_DAY, today + timedelta(days=DAYS_AHEAD))


def since(day: date, today: date) -> Slice:
    """The slice of the records entered from a day on."""
    return Slice(day, today + timedelta(days=DAYS_AHEAD))


def chunks(pmids: list[str], size: int) -> Iterator[list[str]]:
    """The list in runs of at most size."""
    for start in range(0, len(pmids), size):
        yield pmids[start : start + size]
