"""esummary: short descriptions of records, as XML (two versions) or JSON."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from msminer.sandbox import dates
from msminer.sandbox.history import History
from msminer.sandbox.index import Index
from msminer.sandbox.medline import moment
from msminer.sandbox.records import Record
from msminer.sandbox.reply import DECLARATION, Reply, Request, as_json, tag, xml

_NLM = "https://eutils.ncbi.nlm.nih.gov/eutils/dtd"
_HEAD_1 = (
    f'{DECLARATION}<!DOCTYPE eSummaryResult PUBLIC "-//NLM//DTD esummary v1 20041029//EN" '
    f'"{_NLM}/20041029/esummary-v1.dtd">\n'
)
_HEAD_2 = (
    f'{DECLARATION}<!DOCTYPE eSummaryResult PUBLIC "-//NLM//DTD eSummaryResult//EN" '
    f'"{_NLM}/20160808/esummary_pubmed.dtd">\n'
)
_MOST_JSON = 500
_MOST_XML = 10_000
_SECOND_FIELDS = ("PubDate", "Source", "Title", "Volume", "SortPubDate")
MISSING = "cannot get document summary"


def summary(record: Record) -> dict[str, Any]:
    """The fields of one summary, named as in JSON; titles are escaped once more than needed, as the real ones are."""
    root = record.tree
    core = root.find("BookDocument" if record.kind == "book" else "MedlineCitation")
    names = [
        f"{e.findtext('LastName')} {e.findtext('Initials') or ''}".strip()
        if e.find("LastName") is not None
        else e.findtext("CollectiveName") or ""
        for e in core.iterfind(".//AuthorList/Author")
    ]
    ids = [
        *root.iterfind("PubmedData/ArticleIdList/ArticleId"),
        *root.iterfind("PubmedBookData/ArticleIdList/ArticleId"),
    ]
    stamps = root.iterfind(".//History/PubMedPubDate")
    title = _inner(core.find(".//ArticleTitle"))
    published = record.dates.get("PDAT")
    return {
        "uid": str(record.pmid),
        "pubdate": _published(core),
        "epubdate": "",
        "source": _first(core, "MedlineJournalInfo/MedlineTA"),
        "authors": [{"name": name, "authtype": "Author", "clusterid": ""} for name in names],
        "lastauthor": names[-1] if names else "",
        "title": escape(title),
        "sorttitle": record.title.strip(),
        "volume": _first(core, "Article/Journal/JournalIssue/Volume"),
        "issue": _first(core, "Article/Journal/JournalIssue/Issue"),
        "pages": _first(core, "Article/Pagination/MedlinePgn"),
        "lang": [e.text for e in core.iterfind(".//Language")],
        "nlmuniqueid": _first(core, "MedlineJournalInfo/NlmUniqueID"),
        "issn": "",
        "essn": "",
        "pubtype": [e.text for e in core.iterfind(".//PublicationType")],
        "recordstatus": f"PubMed - indexed for {core.get('Status') or 'MEDLINE'}",
        "pubstatus": "4",
        "articleids": [{"idtype": e.get("IdType"), "idtypen": n, "value": e.text} for n, e in enumerate(ids, 1)],
        "history": [{"pubstatus": e.get("PubStatus"), "date": moment(e)} for e in stamps],
        "references": [],
        "attributes": ["Has Abstract"] if core.find(".//AbstractText") is not None else [],
        "pmcrefcount": "",
        "fulljournalname": _first(core, "Article/Journal/Title"),
        "elocationid": "",
        "doctype": "book" if record.kind == "book" else "citation",
        "sortpubdate": f"{dates.written(published[0])} 00:00" if published else "",
        "sortfirstauthor": names[0] if names else "",
        "vernaculartitle": _first(core, "Article/VernacularTitle"),
    }


def _first(core: Any, path: str) -> str:
    return core.findtext(path) or ""


def _inner(node: Any) -> str:
    return "" if node is None else "".join(node.itertext())


def _published(core: Any) -> str:
    node = core.find(".//PubDate")
    return "" if node is None else " ".join(e.text or "" for e in node)


class ESummary:
    """Answers esummary requests from an index."""

    def __init__(self, index: Index, history: History, window: int) -> None:
        self._index, self._history, self._window = index, history, window

    def __call__(self, request: Request) -> Reply:
        """The summaries in the form asked for, errors included."""
        asked: list[str] | None = request.ids()
        if request.get("WebEnv") and request.get("query_key"):
            asked = self._kept(request)
            if asked is None:
                return self._failed(f"Unable to obtain query #{request.get('query_key')}", request)
        if not asked:
            return self._failed("Empty id list - nothing todo", request)
        if request.as_json:
            return self._json(asked)
        write = self._second if request.get("version") == "2.0" else self._first
        return write(asked[:_MOST_XML])

    def _kept(self, request: Request) -> list[str] | None:
        pmids = self._history.get(request.get("WebEnv"), request.number("query_key", 0))
        if pmids is None:
            return None
        start, most = request.number("retstart", 0), request.number("retmax", 20)
        return [str(p) for p in pmids[start : min(start + most, self._window)]]

    @staticmethod
    def _failed(message: str, request: Request) -> Reply:
        if request.as_json:
            return as_json("esummary", {"esummaryresult": [message]})
        return xml(f"{_HEAD_1}<eSummaryResult>\n\t{tag('ERROR', message)}\n</eSummaryResult>\n")

    def _record(self, uid: str) -> Record | None:
        place = self._index.place.get(int(uid))
        return None if place is None else self._index.records[place]

    def _json(self, asked: list[str]) -> Reply:
        for at, uid in enumerate(asked):
            if not uid.isdigit():
                return as_json("esummary", {"error": f"Invalid uid {uid} at position= {at}", "result": {"uids": []}})
        if len(asked) > _MOST_JSON:
            text = f"Too many UIDs in request. Maximum number of UIDs is {_MOST_JSON} for JSON format output."
            return as_json("esummary", {"error": text})
        result: dict[str, Any] = {"uids": asked}
        for uid in asked:
            record = self._record(uid)
            result[uid] = {"uid": uid, "error": MISSING} if record is None else summary(record)
        return as_json("esummary", {"result": result})

    def _first(self, asked: list[str]) -> Reply:
        parts = []
        for uid in asked:
            record = self._record(uid) if uid.isdigit() else None
            if record is None:
                parts.append(tag("ERROR", f"Invalid uid {uid}") if not uid.isdigit() else "")
                continue
            facts = summary(record)
            authors = "".join(f'<Item Name="Author" Type="String">{escape(a["name"])}</Item>' for a in facts["authors"])
            parts.append(
                f'<DocSum>\n\t<Id>{uid}</Id>\n\t<Item Name="PubDate" Type="Date">{escape(facts["pubdate"])}</Item>'
                f'\n\t<Item Name="Source" Type="String">{escape(facts["source"])}</Item>'
                f'\n\t<Item Name="AuthorList" Type="List">{authors}</Item>'
                f'\n\t<Item Name="Title" Type="String">{escape(facts["title"])}</Item>\n</DocSum>\n'
            )
        return xml(f"{_HEAD_1}<eSummaryResult>\n{''.join(parts)}</eSummaryResult>\n")

    def _second(self, asked: list[str]) -> Reply:
        parts = []
        for uid in asked:
            record = self._record(uid) if uid.isdigit() else None
            if record is None:
                parts.append(f'<DocumentSummary uid="{escape(uid)}"><error>{MISSING}</error></DocumentSummary>\n')
                continue
            facts = summary(record)
            inside = "".join(tag(name, facts[name.lower()]) for name in _SECOND_FIELDS)
            people = "".join(f"<Author>{tag('Name', a['name'])}</Author>" for a in facts["authors"])
            parts.append(f'<DocumentSummary uid="{uid}">{inside}<Authors>{people}</Authors></DocumentSummary>\n')
        inside = f'<DocumentSummarySet status="OK">\n{"".join(parts)}</DocumentSummarySet>'
        return xml(f"{_HEAD_2}<eSummaryResult>{inside}</eSummaryResult>\n")
