"""esearch: identifiers that match a term, inside the window PubMed gives (9,999 records)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from msminer.errors import QueryError
from msminer.sandbox import dates
from msminer.sandbox.fields import BY_NAME
from msminer.sandbox.history import History
from msminer.sandbox.index import Index
from msminer.sandbox.reply import DECLARATION, Reply, Request, as_json, raw_newlines, tag, xml
from msminer.sandbox.search import Found, HistoryGone, search

_HEAD = (
    DECLARATION + '<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN" '
    '"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">\n'
)
_TOO_FAR = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than {last}. For PubMed, ESearch can only retrieve "
    "the first {window:,} records matching the query. To obtain more than {window:,} PubMed records, consider using "
    "EDirect that contains additional logic to batch PubMed search results automatically so that an arbitrary number "
    "can be retrieved. For details see https://www.ncbi.nlm.nih.gov/books/NBK25499/"
)
NOTHING = "No items found."


def too_far(window: int) -> str:
    """The text with which a start beyond the window is refused."""
    return _TOO_FAR.format(last=window - 1, window=window)


def failed(message: str, request: Request) -> Reply:
    """An error as esearch sends it: status 200, and in JSON with the newline as it is."""
    if request.as_json:
        return raw_newlines(as_json("esearch", {"esearchresult": {"ERROR": message}}))
    return xml(f"{_HEAD}<eSearchResult>{tag('ERROR', message)}</eSearchResult>\n")


@dataclass(frozen=True)
class Answer:
    """What esearch says about a search; counts are of records, `page` the identifiers shown."""

    found: Found
    count: int
    start: int
    page: list[int]
    saved: tuple[str, int] | None = None
    messages: list[str] = field(default_factory=list)


class ESearch:
    """Answers esearch requests over an index."""

    def __init__(self, index: Index, history: History, window: int, today: Callable[[], date]) -> None:
        self._index, self._history, self._window, self._today = index, history, window, today

    def __call__(self, request: Request) -> Reply:
        """The reply, errors included."""
        answer = self.look_up(request)
        return answer if isinstance(answer, Reply) else write(answer, request)

    def look_up(self, request: Request) -> Answer | Reply:
        """The answer before it is written, or the error."""
        db = request.get("db", "pubmed")
        if db != "pubmed":
            return failed(f"Invalid db name specified: {db}", request)
        term = request.get("term")
        if not term and not request.get("query_key"):
            return failed("Empty term and query_key - nothing todo", request)
        try:
            found = self._found(request, term)
        except QueryError:
            return failed("Search Backend failed: Query parsing error", request)
        except HistoryGone as gone:
            return failed(f"Unable to obtain query #{gone}", request)
        return self._answer(request, found)

    def _found(self, request: Request, term: str) -> Found:
        webenv = request.get("WebEnv")
        places = {
            key: {self._index.place[p] for p in pmids if p in self._index.place}
            for key, pmids in self._history.all_keys(webenv).items()
        }
        if request.get("query_key"):
            term = f"#{request.get('query_key')}" + (f" AND ({term})" if term else "")
        if request.get("field") and "[" not in term:
            term = f"{term}[{request.get('field')}]"
        found = search(self._index, term, self._today(), places)
        return self._dated(request, found)

    def _dated(self, request: Request, found: Found) -> Found:
        field = BY_NAME.get(request.get("datetype", "pdat").upper())
        low, high = dates.bounds(request.get("mindate")), dates.bounds(request.get("maxdate"))
        if request.get("reldate").isdigit():
            today = self._today()
            start = dates.number(today - timedelta(days=request.number("reldate", 0)))
            low, high = (start, start), (dates.number(today), dates.number(today))
        if field is None or field.shape != "date" or low is None or high is None:
            return found
        found.places = found.places & self._index.dated(field, low[0], high[1])
        inner = f"({found.translation})" if " " in found.translation else found.translation
        found.translation = f"{inner} AND {dates.written(low[0])}:{dates.written(high[1])}[{field.label}]"
        return found

    def _answer(self, request: Request, found: Found) -> Answer | Reply:
        count = len(found.places)
        start, most = request.number("retstart", 0), request.number("retmax", 20)
        messages = [] if count else [NOTHING]
        if start >= self._window and count > start:
            return failed(too_far(self._window), request)
        if most > self._window or start >= self._window or (start + most > self._window and count > self._window):
            most = max(0, min(most, self._window - start))
            messages.append(f"Restrictions achieved. start and count adjusted to {start}, {most}")
        pmids = self._ordered(found, request.get("sort"))
        saved = self._history.save(pmids, request.get("WebEnv")) if request.get("usehistory") == "y" else None
        return Answer(found, count, start if count else 0, pmids[start : start + most], saved, messages)

    def _ordered(self, found: Found, sort: str) -> list[int]:
        records = [self._index.records[place] for place in found.places]
        records.sort(key=lambda r: r.pmid, reverse=True)
        order = sort.lower().replace(" ", "_")
        if order in {"pub_date", "pub+date", "publication_date"}:
            records.sort(key=lambda r: max(r.dates.get("PDAT", [0])), reverse=True)
        elif order in {"author", "first_author"}:
            records.sort(key=lambda r: r.values.get("FAUT", ["~"])[0])
        elif order in {"journalname", "journal"}:
            records.sort(key=lambda r: r.values.get("JOUR", ["~"])[0])
        return [record.pmid for record in records]


def write(answer: Answer, request: Request) -> Reply:
    """The answer as XML or JSON, or its count alone."""
    if request.get("rettype").lower() == "count":
        if request.as_json:
            return as_json("esearch", {"esearchresult": {"count": str(answer.count)}})
        return xml(f"{_HEAD}<eSearchResult>{tag('Count', answer.count)}</eSearchResult>\n")
    return _json(answer) if request.as_json else _xml(answer)


def _xml(answer: Answer) -> Reply:
    found = answer.found
    parts = [tag("Count", answer.count), tag("RetMax", len(answer.page)), tag("RetStart", answer.start)]
    if answer.saved:
        parts += [tag("QueryKey", answer.saved[1]), tag("WebEnv", answer.saved[0])]
    ids = "".join(f"<Id>{pmid}</Id>\n" for pmid in answer.page)
    parts.append(f"<IdList>\n{ids}</IdList>" if ids else "<IdList/>")
    translations = "".join(
        f"<Translation>     {tag('From', a)}     {tag('To', b)}    </Translation>" for a, b in found.translations
    )
    parts.append(f"<TranslationSet>{translations}</TranslationSet>" if translations else "<TranslationSet/>")
    parts.append(tag("QueryTranslation", found.translation))
    if found.not_found:
        parts.append(f"<ErrorList>{''.join(tag('PhraseNotFound', p) for p in found.not_found)}</ErrorList>")
    warnings = "".join(tag("QuotedPhraseNotFound", p) for p in found.quoted_not_found)
    warnings += "".join(tag("OutputMessage", m) for m in answer.messages)
    if warnings:
        parts.append(f"<WarningList>{warnings}</WarningList>")
    return xml(f"{_HEAD}<eSearchResult>{''.join(parts)}</eSearchResult>\n")


def _json(answer: Answer) -> Reply:
    found = answer.found
    result: dict[str, object] = {
        "count": str(answer.count),
        "retmax": str(len(answer.page)),
        "retstart": str(answer.start),
    }
    if answer.saved:
        result |= {"querykey": str(answer.saved[1]), "webenv": answer.saved[0]}
    result["idlist"] = [str(pmid) for pmid in answer.page]
    result["translationset"] = [{"from": a, "to": b} for a, b in found.translations]
    result["querytranslation"] = found.translation
    if found.not_found or not answer.count:
        result["errorlist"] = {"phrasesnotfound": found.not_found, "fieldsnotfound": []}
    if found.quoted_not_found or answer.messages:
        result["warninglist"] = {
            "phrasesignored": [],
            "quotedphrasesnotfound": found.quoted_not_found,
            "outputmessages": answer.messages,
        }
    return as_json("esearch", {"esearchresult": result})
