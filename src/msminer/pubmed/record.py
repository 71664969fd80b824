"""One PubMed record as an lxml element becomes one ParsedRecord."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from msminer.errors import DamagedXml
from msminer.pubmed.xmltext import plain, squeeze

if TYPE_CHECKING:
    from msminer.schema import Correction, MeshHeading, ParsedRecord, Section

PMID = re.compile(r"[1-9][0-9]{0,8}")
_YEAR = re.compile(r"\b[12][0-9]{3}\b")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: f"{number:02d}" for number, name in enumerate(_MONTH_NAMES, 1)}
_MEDLINE_MONTH = re.compile(r"([12][0-9]{3}) ([A-Za-z]{3})(?: [0-9]{1,2}(?:-[0-9]{1,2})?)?")
# Databanks of data, not of trials: https://www.nlm.nih.gov/bsd/medline_databank_source.html (2025). What is in none
# of them counts as a registry, so that a registry new to the list is not lost.
_DATA_BANKS = frozenset(
    {"bioproject", "dbgap", "dbsnp", "dbvar", "dryad", "figshare", "gdb", "genbank", "geo", "gsdb", "mendeley", "omim"}
    | {"osf", "pdb", "pir", "pubchem-bioassay", "pubchem-compound", "pubchem-substance", "refseq", "sra", "swissprot"}
    | {"unimes", "uniparc", "uniprotkb", "uniref", "zenodo"}
)


def article_record(element: Any) -> ParsedRecord:
    """The record of a PubmedArticle; raises DamagedXml when it has no valid PMID or no MedlineCitation.

    year: JournalIssue/PubDate/Year, else the first year of MedlineDate. doi: PubmedData/ArticleIdList, else a valid
    ELocationID, never a reference's. retracted: RetractionIn, or the type Retracted Publication (D016441).
    """
    citation = element.find("MedlineCitation")
    if citation is None:
        raise DamagedXml("a record has no MedlineCitation")
    number, version = _pmid(citation.find("PMID"))
    article = citation.find("Article")
    if article is None:
        raise DamagedXml("a record has no Article", pmid=number)
    ids = _article_ids(element.iterfind("PubmedData/ArticleIdList/ArticleId"))
    year, date = _pub_date(article.find("Journal/JournalIssue/PubDate"))
    types = article.findall("PublicationTypeList/PublicationType")
    corrections = _corrections(citation)
    sections = _sections(article.find("Abstract"))
    return {
        "pmid": number,
        "version": version,
        "kind": "article",
        "title": _text(article, "ArticleTitle"),
        "abstract": " ".join(section["text"] for section in sections),
        "sections": sections,
        "year": year,
        "date": date,
        "journal": _journal(citation, article),
        "authors": _authors(article.iterfind("AuthorList/Author")),
        "doi": ids.get("doi") or _own_doi(article),
        "pmcid": ids.get("pmc"),
        "mesh": _mesh(citation),
        "publication_types": _texts(types),
        "keywords": _texts(citation.iterfind("KeywordList/Keyword")),
        "languages": _texts(article.iterfind("Language")),
        "trial_ids": _trial_ids(article),
        "corrections": corrections,
        "retracted": _retracted(types, corrections),
        "date_revised": _plain_date(citation.find("DateRevised")),
    }


def book_record(element: Any) -> ParsedRecord:
    """The record of a PubmedBookArticle; raises DamagedXml as article_record does.

    title: the chapter's, else the book's. journal is missing: a book has none. year and date: those of the book.
    """
    book = element.find("BookDocument")
    if book is None:
        raise DamagedXml("a book record has no BookDocument")
    number, version = _pmid(book.find("PMID"))
    ids = _article_ids(book.iterfind("ArticleIdList/ArticleId")) | _article_ids(
        element.iterfind("PubmedBookData/ArticleIdList/ArticleId")
    )
    year, date = _pub_date(book.find("Book/PubDate"))
    types = book.findall("PublicationType")
    sections = _sections(book.find("Abstract"))
    authors = book.findall("AuthorList") or book.findall("Book/AuthorList")
    return {
        "pmid": number,
        "version": version,
        "kind": "book",
        "title": _text(book, "ArticleTitle") or _text(book, "Book/BookTitle"),
        "abstract": " ".join(section["text"] for section in sections),
        "sections": sections,
        "year": year,
        "date": date,
        "journal": None,
        "authors": _authors(a for group in authors if group.get("Type", "authors") == "authors" for a in group),
        "doi": ids.get("doi") or _own_doi(book) or _own_doi(book.find("Book")),
        "pmcid": ids.get("pmc"),
        "mesh": [],
        "publication_types": _texts(types),
        "keywords": _texts(book.iterfind("KeywordList/Keyword")),
        "languages": _texts(book.iterfind("Language")),
        "trial_ids": [],
        "corrections": [],
        "retracted": _retracted(types, []),
        "date_revised": _plain_date(book.find("DateRevised")),
    }


def deleted_pmids(element: Any) -> list[str]:
    """PMIDs of a DeleteCitation; raises DamagedXml on one that is no PMID."""
    return [_pmid(child)[0] for child in element.iterfind("PMID")]


def _pmid(element: Any) -> tuple[str, int]:
    number = "" if element is None else plain(element)
    if not PMID.fullmatch(number):
        raise DamagedXml("a record has no valid PMID", found=number[:40])
    version = element.get("Version", "1")
    if not re.fullmatch(r"[0-9]{1,4}", version):
        raise DamagedXml("a record's version is no number", pmid=number, version=version[:40])
    return number, int(version)


def _text(parent: Any, path: str) -> str:
    element = parent.find(path)
    return "" if element is None else plain(element)


def _texts(elements: Iterable[Any]) -> list[str]:
    return [text for text in map(plain, elements) if text]


def _journal(citation: Any, article: Any) -> str | None:
    names = (_text(citation, "MedlineJournalInfo/MedlineTA"), _text(article, "Journal/ISOAbbreviation"))
    return next(filter(None, names), None) or _text(article, "Journal/Title") or None


def _sections(abstract: Any) -> list[Section]:
    if abstract is None:
        return []
    pairs = ((part.get("Label"), plain(part)) for part in abstract.iterfind("AbstractText"))
    return [{"label": label or None, "text": text} for label, text in pairs if text]


def _authors(elements: Iterable[Any]) -> list[str]:
    names = []
    for author in elements:
        last, initials = _text(author, "LastName"), _text(author, "Initials")
        names.append(f"{last} {initials}".strip() or _text(author, "CollectiveName"))
    return [name for name in names if name]


def _article_ids(elements: Iterable[Any]) -> dict[str, str]:
    """First identifier of each type."""
    found: dict[str, str] = {}
    for element in elements:
        text = plain(element)
        if text:
            found.setdefault(element.get("IdType", "pubmed"), text)
    return found


def _own_doi(parent: Any) -> str | None:
    if parent is None:
        return None
    valid = (e for e in parent.iterfind("ELocationID") if e.get("EIdType") == "doi" and e.get("ValidYN", "Y") == "Y")
    return next(filter(None, map(plain, valid)), None)


def _mesh(citation: Any) -> list[MeshHeading]:
    headings: list[MeshHeading] = []
    for heading in citation.iterfind("MeshHeadingList/MeshHeading"):
        name = heading.find("DescriptorName")
        if name is not None:
            qualifiers = [_term(q) for q in heading.iterfind("QualifierName")]
            headings.append({**_term(name), "qualifiers": qualifiers})  # type: ignore[typeddict-item]
    return headings


def _term(element: Any) -> dict[str, Any]:
    return {"ui": element.get("UI"), "name": plain(element), "major": element.get("MajorTopicYN") == "Y"}


def _trial_ids(article: Any) -> list[str]:
    banks = article.iterfind("DataBankList/DataBank")
    trials = (bank for bank in banks if _text(bank, "DataBankName").lower() not in _DATA_BANKS)
    return _texts(number for bank in trials for number in bank.iterfind("AccessionNumberList/AccessionNumber"))


def _corrections(citation: Any) -> list[Correction]:
    return [
        {"type": e.get("RefType", ""), "pmid": _text(e, "PMID") or None, "source": _text(e, "RefSource") or None}
        for e in citation.iterfind("CommentsCorrectionsList/CommentsCorrections")
    ]


def _retracted(types: Iterable[Any], corrections: list[Correction]) -> bool:
    if any(entry["type"] == "RetractionIn" for entry in corrections):
        return True
    return any(e.get("UI") == "D016441" or plain(e) == "Retracted Publication" for e in types)


def _pub_date(element: Any) -> tuple[int | None, str | None]:
    """Year, and the date as far as it is known: a season or a span of months is known to the year only."""
    if element is None:
        return None, None
    year = _text(element, "Year")
    if not _YEAR.fullmatch(year):
        return medline_date(year or _text(element, "MedlineDate"))
    return int(year), iso_date(year, _text(element, "Month"), _text(element, "Day"))


def medline_date(text: str) -> tuple[int | None, str | None]:
    """Year and ISO date of a free date such as '1998 Dec-1999 Jan' or '2015 May 1-15'; (None, None) without a year."""
    found = _YEAR.search(text)
    if not found:
        return None, None
    exact = _MEDLINE_MONTH.fullmatch(squeeze(text))
    return int(found[0]), iso_date(exact[1], exact[2], "") if exact else found[0]


def iso_date(year: str, month: str, day: str) -> str:
    """YYYY, YYYY-MM or YYYY-MM-DD; month is a number or an English name, anything else ends the date there."""
    number = month.zfill(2) if month.isdecimal() else _MONTHS.get(month[:3].lower() if month.isalpha() else "")
    for text in (f"{year}-{number}-{day.zfill(2)}", f"{year}-{number}-01"):
        try:
            datetime.date.fromisoformat(text)
        except ValueError:
            continue
        return text if text.endswith(day.zfill(2)) and day else text[:7]
    return year


def _plain_date(element: Any) -> str | None:
    if element is None:
        return None
    year = _text(element, "Year")
    return iso_date(year, _text(element, "Month"), _text(element, "Day")) if _YEAR.fullmatch(year) else None
