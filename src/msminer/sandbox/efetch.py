"""efetch: whole records, in the order asked for; unknown identifiers are left out without a word."""

from __future__ import annotations

import re

from msminer.sandbox.esearch import too_far
from msminer.sandbox.history import History
from msminer.sandbox.index import Index
from msminer.sandbox.medline import abstract_text, medline_text
from msminer.sandbox.records import Record
from msminer.sandbox.reply import DECLARATION, TEXT, Reply, Request, tag, xml

PROLOG = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)
_ERROR_HEAD = (
    DECLARATION.replace(" ?>", "?>") + '<!DOCTYPE eEfetchResult PUBLIC "-//NLM//DTD efetch 20131226//EN" '
    '"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20131226/efetch.dtd">\n'
)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
NO_IDS = "ID list is empty! Possibly it has no correct IDs."
_MOST = 10_000


def as_served(raw: str) -> str:
    """A record as efetch sends it: pure ASCII, every other character a lower-case hexadecimal reference."""
    return raw if raw.isascii() else _BEYOND_ASCII.sub(lambda m: f"&#x{ord(m.group()):x};", raw)


def article_set(records: list[Record]) -> str:
    """The reply for records as XML."""
    inside = "".join(as_served(record.raw) for record in records)
    return f"{PROLOG}<PubmedArticleSet>{chr(10) if inside else ''}{inside}</PubmedArticleSet>"


def failed(message: str, request: Request, status: int = 400) -> Reply:
    """An error as efetch sends it: XML, or text with plus signs for blanks."""
    if request.get("retmode").lower() == "text":
        return Reply(message.replace(" ", "+").encode(), TEXT, status)
    return xml(f"{_ERROR_HEAD}<eFetchResult>\n\t{tag('ERROR', message)}\n</eFetchResult>\n", status)


class EFetch:
    """Answers efetch requests from an index."""

    def __init__(self, index: Index, history: History, window: int) -> None:
        self._index, self._history, self._window = index, history, window

    def __call__(self, request: Request) -> Reply:
        """The reply, errors included."""
        if not request.get("db"):
            return failed("Mandatory parameter: db - is omitted", request)
        if request.get("db") != "pubmed":
            return failed(f"Invalid db name specified: {request.get('db')}", request)
        if request.get("WebEnv") and request.get("query_key"):
            return self._from_history(request)
        given = [int(text) for text in request.ids() if text.isdigit() and int(text)]
        if not given:
            return failed(NO_IDS, request)
        start, most = request.number("retstart", 0), min(request.number("retmax", _MOST), _MOST)
        return self._answer(request, list(dict.fromkeys(given))[start : start + most])

    def _from_history(self, request: Request) -> Reply:
        key = request.get("query_key")
        pmids = self._history.get(request.get("WebEnv"), request.number("query_key", 0))
        if pmids is None:
            return failed(f"Unable to obtain query #{key}", request, status=200)
        start, most = request.number("retstart", 0), request.number("retmax", 20)
        if start >= self._window:
            return failed(too_far(self._window), request)
        return self._answer(request, pmids[start : min(start + most, self._window)])

    def _answer(self, request: Request, pmids: list[int]) -> Reply:
        records = [self._index.records[self._index.place[p]] for p in pmids if p in self._index.place]
        form, mode = request.get("rettype").lower(), request.get("retmode").lower()
        if mode == "json":
            return Reply("\n".join(str(p) for p in pmids).encode(), TEXT)
        if form == "uilist" and mode != "xml":
            return Reply("".join(f"{r.pmid}\n" for r in records).encode(), TEXT)
        if mode == "text" and form == "medline":
            return Reply("".join(medline_text(r) for r in records).encode(), TEXT)
        if mode == "text":
            texts = [abstract_text(r, n) for n, r in enumerate(records, 1)]
            return Reply("\n\n".join(texts).encode(), TEXT)
        return xml(article_set(records))
