"""All PMIDs of a term: in one search if they fit PubMed's window, else in slices whose sum is checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from msminer.errors import IncompleteResult
from msminer.pubmed.entrez import Entrez
from msminer.pubmed.replies import SearchReply
from msminer.pubmed.slices import Slice, whole

# PubMed's index moves while it is searched; a plan whose sum does not fit is made anew so often.
_PLANS = 3


@dataclass(frozen=True)
class Found:
    """Every PMID of a term; plan lists each slice with its count."""

    count: int
    pmids: frozenset[str]
    translation: str
    lost: tuple[str, ...]
    plan: tuple[tuple[str, int], ...]


def find(client: Entrez, term: str, *, today: date, span: Slice | None = None) -> Found:
    """Every PMID of a term that entered in a span of days (default: ever); raises IncompleteResult, PubMedError."""
    asked = span.term(term) if span else term
    return complete(client, term, client.search(asked), today=today, span=span)


def complete(client: Entrez, term: str, reply: SearchReply, *, today: date, span: Slice | None = None) -> Found:
    """Every PMID behind a first answer, which may hold only those that fit the window."""
    if reply.count <= client.settings.search_window:
        return Found(
            reply.count, frozenset(reply.pmids), reply.translation, reply.lost, ((str(span or "all"), reply.count),)
        )
    area, expected, sums = span or whole(today), reply.count, []
    for _ in range(_PLANS):
        parts = list(_parts(client, term, area))
        pmids = frozenset(pmid for _, part in parts for pmid in part.pmids)
        total = sum(part.count for _, part in parts)
        if total == expected == len(pmids):
            plan = tuple((str(piece), part.count) for piece, part in parts)
            return Found(total, pmids, reply.translation, reply.lost, plan)
        sums.append((expected, total, len(pmids)))
        expected = client.search(span.term(term) if span else term, most=0).count
    raise IncompleteResult(
        "the slices of the search do not add up to the whole; run again later", whole_sum_distinct=sums
    )


def _parts(client: Entrez, term: str, area: Slice) -> Iterator[tuple[Slice, SearchReply]]:
    """The slices of an area known to be too big, each small enough to be given whole."""
    if not area.divisible:
        raise IncompleteResult("more records share one PMID of one day than the search window holds", slice=str(area))
    for half in area.halves():
        reply = client.search(half.term(term))
        if reply.count <= client.settings.search_window:
            yield half, reply
        else:
            yield from _parts(client, term, half)
