"""What can be searched in a record beside its texts: values of fields and dates."""

from __future__ import annotations

import re
from typing import Any

from msminer.sandbox.normal import flat

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
# Entry date of a record that has no date at all: PubMed would have given it one.
_DATELESS = 19000101
# First month of a season; PubMed's own choice is not written down anywhere.
_SEASONS = {"winter": 1, "spring": 4, "summer": 7, "fall": 10, "autumn": 10}
_HISTORY = {"entrez": "CRDT", "pubmed": "EDAT", "medline": "MHDA"}
# (element above, element) -> field whose values it holds, anywhere in MedlineCitation or BookDocument.
_PLACES = {
    ("PublicationTypeList", "PublicationType"): "PTYP",
    ("BookDocument", "PublicationType"): "PTYP",
    ("Article", "Language"): "LANG",
    ("BookDocument", "Language"): "LANG",
    ("MedlineJournalInfo", "MedlineTA"): "JOUR",
    ("Journal", "Title"): "JOUR",
    ("Journal", "ISOAbbreviation"): "JOUR",
    ("MedlineJournalInfo", "NlmUniqueID"): "JID",
    ("MedlineJournalInfo", "Country"): "CNTY",
    ("Publisher", "PublisherLocation"): "CNTY",
    ("Publisher", "PublisherName"): "PUBN",
    ("JournalIssue", "Volume"): "VOL",
    ("JournalIssue", "Issue"): "ISS",
    ("Pagination", "MedlinePgn"): "PAGE",
    ("Pagination", "StartPage"): "PAGE",
    ("KeywordList", "Keyword"): "OTRM",
    ("Chemical", "NameOfSubstance"): "SUBS",
    ("SupplMeshList", "SupplMeshName"): "SUBS",
    ("Chemical", "RegistryNumber"): "ECNO",
    ("Grant", "GrantID"): "GRNT",
    ("Grant", "Agency"): "GRNT",
    ("Book", "BookTitle"): "BOOK",
    ("Book", "Isbn"): "ISBN",
    ("AffiliationInfo", "Affiliation"): "AFFL",
    ("Article", "VernacularTitle"): "TT",
    ("MedlineCitation", "CoiStatement"): "COIS",
    ("Article", "ELocationID"): "LID",
}
_TAGS = sorted({tag for _, tag in _PLACES})
_ID_PATHS = (
    "PubmedData/ArticleIdList/ArticleId",
    "PubmedBookData/ArticleIdList/ArticleId",
    "BookDocument/ArticleIdList/ArticleId",
)


def values_of(kind: str, root: Any, core: Any, article: Any) -> dict[str, list[str]]:
    """Values by field, as flat words; core is MedlineCitation or BookDocument."""
    values: dict[str, list[str]] = {}
    for node in core.iter(*_TAGS):
        name = _PLACES.get((node.getparent().tag, node.tag))
        if name is not None:
            values.setdefault(name, []).append(flat("".join(node.itertext())))
    _mesh(values, core)
    _people(values, article)
    _trials(values, core)
    ids = [e for path in _ID_PATHS for e in root.iterfind(path)]
    values["AID"] = [flat(e.text or "") for e in ids] + values.get("LID", [])
    values["FILT"] = _filters(kind, core)
    return values


def _trials(values: dict[str, list[str]], core: Any) -> None:
    for bank in core.iterfind("Article/DataBankList/DataBank"):
        name = bank.findtext("DataBankName") or ""
        numbers = [e.text or "" for e in bank.iterfind(".//AccessionNumber")]
        values.setdefault("SI", []).extend(flat(t) for number in numbers for t in (number, f"{name}/{number}", name))


def _filters(kind: str, core: Any) -> list[str]:
    given = {
        "medline": core.get("Status") == "MEDLINE",
        "hasabstract": core.find(".//AbstractText") is not None,
        "pubmed books": kind == "book",
    }
    return ["all", *(name for name, holds in given.items() if holds)]


def _mesh(values: dict[str, list[str]], core: Any) -> None:
    for heading in core.iterfind("MeshHeadingList/MeshHeading"):
        descriptor = heading.find("DescriptorName")
        name = flat(descriptor.text or "")
        qualifiers = [(flat(q.text or ""), q.get("MajorTopicYN") == "Y") for q in heading.iterfind("QualifierName")]
        major = descriptor.get("MajorTopicYN") == "Y"
        values.setdefault("MESH", []).extend([name, *(f"{name}/{q}" for q, _ in qualifiers)])
        values.setdefault("SUBH", []).extend(q for q, _ in qualifiers)
        if major or any(m for _, m in qualifiers):
            values.setdefault("MAJR", []).extend([name, *(f"{name}/{q}" for q, m in qualifiers if m or major)])


def _people(values: dict[str, list[str]], article: Any) -> None:
    names: list[str] = []
    for person in [] if article is None else article.iterfind("AuthorList/Author"):
        last = person.findtext("LastName")
        if last:
            names.append(flat(f"{last} {person.findtext('Initials') or ''}"))
            values.setdefault("FULL", []).append(flat(f"{last} {person.findtext('ForeName') or ''}"))
        elif person.findtext("CollectiveName"):
            values.setdefault("COLN", []).append(flat(person.findtext("CollectiveName")))
        values.setdefault("AUID", []).extend(flat(e.text or "") for e in person.iterfind("Identifier"))
    if names:
        values["AUTH"], values["FAUT"], values["LAUT"] = names, names[:1], names[-1:]


def dates_of(root: Any, core: Any, article: Any) -> dict[str, list[int]]:
    """Dates by field, as numbers yyyymmdd."""
    dates: dict[str, list[int]] = {}
    for name, node in (
        ("MDAT", core.find("DateRevised")),
        ("CDAT", core.find("DateCompleted")),
        ("PDAT", core.find("Article/Journal/JournalIssue/PubDate")),
        ("PDAT", core.find("Book/PubDate")),
        ("PDAT", None if article is None else article.find("ArticleDate")),
    ):
        _put(dates, name, node)
    for stamp in root.iterfind(".//History/PubMedPubDate"):
        _put(dates, _HISTORY.get(stamp.get("PubStatus") or "", ""), stamp)
    # Where a history stamp is missing the other one, or another date, stands in: every record of PubMed has one entry
    # date, so that slices by date add up.
    known = dates.get("CRDT") or dates.get("EDAT") or dates.get("MDAT") or dates.get("PDAT") or [_DATELESS]
    for name in ("CRDT", "EDAT"):
        dates[name] = (dates.get(name) or known)[:1]
    dates.setdefault("MDAT", dates["CRDT"])
    return dates


def _put(dates: dict[str, list[int]], name: str, node: Any) -> None:
    number = _number(node)
    if name and number:
        dates.setdefault(name, []).append(number)


def _number(node: Any) -> int | None:
    if node is None:
        return None
    year, month, day = (node.findtext(part) or "" for part in ("Year", "Month", "Day"))
    if not year:
        found = re.search(r"\b(1[89]\d\d|20\d\d)\b\s*([A-Za-z]{3})?", node.findtext("MedlineDate") or "")
        if not found:
            return None
        year, month = found.group(1), found.group(2) or ""
    month = month or (node.findtext("Season") or "")
    return int(year) * 10000 + _month(month) * 100 + (int(day) if day.isdigit() else 1)


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    first = re.split(r"[-\s]", text.lower())[0]
    return _MONTHS.get(first[:3]) or _SEASONS.get(first) or 1
