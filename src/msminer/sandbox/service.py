"""The E-utilities as one service over a set of records: which program answers, and what may change while it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

from msminer.sandbox.efetch import EFetch
from msminer.sandbox.einfo import ECitMatch, EInfo, EPost, elink, espell
from msminer.sandbox.esearch import ESearch
from msminer.sandbox.esummary import ESummary
from msminer.sandbox.history import History
from msminer.sandbox.index import Index
from msminer.sandbox.records import Record, read_record
from msminer.sandbox.reply import HTML, Reply, Request

Program = Callable[[Request], Reply]
_NOT_FOUND = Reply(b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body/></html>", HTML, 404)


class Service:
    """Answers requests, and lets records be revised, deleted, retracted or added between two of them."""

    def __init__(self, records: Iterable[Record], window: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.window = window
        self.index = Index(records)
        self.history = History(clock)
        self.esearch = ESearch(self.index, self.history, window, self.today)
        self.programs: dict[str, Program] = {
            "einfo": EInfo(self.index, self.today),
            "esearch": self.esearch,
            "efetch": EFetch(self.index, self.history, window),
            "esummary": ESummary(self.index, self.history, window),
            "epost": EPost(self.history),
            "elink": elink,
            "espell": espell,
            "ecitmatch": ECitMatch(self.index),
        }

    def answer(self, request: Request) -> Reply:
        """The reply to a request, 404 for a program there is not."""
        program = self.programs.get(request.call)
        return _NOT_FOUND if program is None else program(request)

    def today(self) -> date:
        """The service's day, in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC).date()

    def record(self, pmid: int) -> Record:
        """The current record of a PMID; raises KeyError for an unknown one."""
        return self.index.records[self.index.place[pmid]]

    def add(self, raw: str) -> None:
        """Add one record, or a new form of one, from its XML element."""
        self.index.put(read_record(raw))

    def delete(self, pmid: int) -> None:
        """Make a PMID stop coming back."""
        self.index.drop(pmid)

    def revise(self, pmid: int, find: str, replace_with: str, day: date | None = None) -> None:
        """Change a record's XML and set its DateRevised; raises KeyError for an unknown PMID."""
        self.add(_redated(self.record(pmid).raw.replace(find, replace_with), day or self.today()))

    def retract(self, pmid: int, notice: int, day: date | None = None) -> None:
        """Mark a record as retracted by a notice: publication type and link together, as nearly always."""
        raw = self.record(pmid).raw.replace(
            "</PublicationTypeList>",
            '<PublicationType UI="D016441">Retracted Publication</PublicationType></PublicationTypeList>',
        )
        self.add(_redated(_linked(raw, "RetractionIn", notice), day or self.today()))

    def concern(self, pmid: int, notice: int, day: date | None = None) -> None:
        """Mark a record with an expression of concern, which has no publication type."""
        self.add(_redated(_linked(self.record(pmid).raw, "ExpressionOfConcernIn", notice), day or self.today()))


def _linked(raw: str, kind: str, notice: int) -> str:
    source = f'<RefSource>Notice</RefSource><PMID Version="1">{notice}</PMID>'
    entry = f'<CommentsCorrections RefType="{kind}">{source}</CommentsCorrections>'
    if "</CommentsCorrectionsList>" in raw:
        return raw.replace("</CommentsCorrectionsList>", f"{entry}</CommentsCorrectionsList>")
    listed = f"<CommentsCorrectionsList>{entry}</CommentsCorrectionsList>"
    place = "<MeshHeadingList>" if "<MeshHeadingList>" in raw else "</MedlineCitation>"
    return raw.replace(place, listed + place, 1)


def _redated(raw: str, day: date) -> str:
    stamp = f"<DateRevised><Year>{day.year}</Year><Month>{day.month:02d}</Month><Day>{day.day:02d}</Day></DateRevised>"
    if "<DateRevised>" in raw:
        return re.sub(r"<DateRevised>.*?</DateRevised>", stamp, raw, count=1, flags=re.DOTALL)
    return raw.replace("</PMID>", f"</PMID>{stamp}", 1)
