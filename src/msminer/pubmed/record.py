"""One PubMed record as an lxml element becomes one ParsedRecord."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from msminer.errors import DamagedXml
from msminer.pubmed import rules
from msminer.pubmed.xmltext import plain

if TYPE_CHECKING:
    from msminer.schema import Correction, MeshHeading, ParsedRecord, Section


def article_record(element: Any) -> ParsedRecord:
    """The record of a PubmedArticle; raises DamagedXml when it has no valid PMID or no MedlineCitation.

    year: JournalIssue/PubDate/Year, else the first year of MedlineDate. doi: PubmedData/ArticleIdList, else a valid
    ELocationID, never a reference's. The other rules are in `rules`.
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
        "trial_ids": trial_ids(article),
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
    if element is None:
        raise DamagedXml("a record has no PMID")
    return rules.pmid_version(plain(element), element.get("Version", "1"))


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
        names.append(f"{last} {initials}".strip(" ") or _text(author, "CollectiveName"))
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
    return {"ui": element.get("UI") or None, "name": plain(element), "major": element.get("MajorTopicYN") == "Y"}


def trial_ids(article: Any) -> list[str]:
    """Registry numbers in the DataBankList of an Article element."""
    banks = article.iterfind("DataBankList/DataBank")
    trials = (bank for bank in banks if rules.is_registry(_text(bank, "DataBankName")))
    return _texts(number for bank in trials for number in bank.iterfind("AccessionNumberList/AccessionNumber"))


def _corrections(citation: Any) -> list[Correction]:
    return [
        {"type": e.get("RefType", ""), "pmid": _text(e, "PMID") or None, "source": _text(e, "RefSource") or None}
        for e in citation.iterfind("CommentsCorrectionsList/CommentsCorrections")
    ]


def _retracted(types: Iterable[Any], corrections: list[Correction]) -> bool:
    return rules.is_retracted(((e.get("UI"), plain(e)) for e in types), corrections)


def _pub_date(element: Any) -> tuple[int | None, str | None]:
    if element is None:
        return None, None
    return rules.pub_date(*(_text(element, name) for name in ("Year", "Month", "Day", "MedlineDate")))


def _plain_date(element: Any) -> str | None:
    if element is None:
        return None
    return rules.full_date(*(_text(element, name) for name in ("Year", "Month", "Day")))
