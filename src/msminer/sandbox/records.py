"""PubMed XML files as records to search and to serve; the text of a record is kept as it came."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from msminer.errors import DataError
from msminer.sandbox.normal import flat

_RECORD = re.compile(r"<(PubmedArticle|PubmedBookArticle)(?:\s[^>]*)?>.*?</\1\s*>", re.DOTALL)
_DELETED = re.compile(r"<DeleteCitation>(.*?)</DeleteCitation>", re.DOTALL)
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
# Entry date of a record that has no date at all: PubMed would have given it one.
_DATELESS = 19000101
# First month of a season; PubMed's own choice is not written down anywhere.
_SEASONS = {"winter": 1, "spring": 4, "summer": 7, "fall": 10, "autumn": 10}
_HISTORY = {"entrez": "CRDT", "pubmed": "EDAT", "medline": "MHDA"}


@dataclass(slots=True)
class Record:
    """One record: its XML, its texts as flat words, its values by field and its dates as numbers yyyymmdd."""

    pmid: int
    version: int
    kind: str
    raw: str
    title: str
    body: str
    values: dict[str, list[str]] = field(default_factory=dict)
    dates: dict[str, list[int]] = field(default_factory=dict)

    @property
    def tree(self) -> Any:
        """The record's XML parsed anew."""
        return _tree(self.raw)


def _tree(raw: str) -> Any:
    return etree.fromstring(raw.encode(), _PARSER)


def load(paths: Iterable[Path | str]) -> list[Record]:
    """Records of PubMed XML files (plain or gzip), the highest version of each PMID, in order of first appearance.

    Raises DataError naming the file that is missing, cut or holds no PubMed record.
    """
    found: dict[int, Record] = {}
    for path in map(Path, paths):
        text = _text(path)
        before = len(found)
        for record in _records(text, path):
            known = found.get(record.pmid)
            if known is None or record.version >= known.version:
                found[record.pmid] = record
        if len(found) == before and not _RECORD.search(text) and not re.search(r"<PubmedArticleSet\s*/?>", text):
            raise DataError("the file holds no PubMed records", path=str(path))
        for gone in _DELETED.findall(text):
            for pmid in re.findall(r">(\d+)</PMID>", gone):
                found.pop(int(pmid), None)
    return list(found.values())


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        declared = _ENCODING.match(data[:200])
        return data.decode(declared.group(1).decode() if declared else "utf-8")
    except (OSError, EOFError, UnicodeDecodeError, LookupError) as error:
        raise DataError("the file cannot be read as PubMed XML", path=str(path), why=str(error)) from error


def _records(text: str, path: Path) -> Iterator[Record]:
    for match in _RECORD.finditer(text):
        try:
            yield read_record(match.group(0))
        except (etree.XMLSyntaxError, ValueError) as error:
            raise DataError("a record cannot be read", path=str(path), why=str(error)) from error


def read_record(raw: str) -> Record:
    """The record of one PubmedArticle or PubmedBookArticle element; raises ValueError when it has no PMID."""
    root = _tree(raw)
    book = root.tag == "PubmedBookArticle"
    core = root.find("BookDocument" if book else "MedlineCitation")
    pmid = None if core is None else core.find("PMID")
    if pmid is None or not (pmid.text or "").strip().isdigit():
        raise ValueError("a record without a PMID")
    article = core if book else core.find("Article")
    title = _line(article, "ArticleTitle") or _line(core, "Book/BookTitle")
    abstract = " \n ".join(flat("".join(e.itertext())) for e in core.iterfind(".//AbstractText"))
    record = Record(
        pmid=int(pmid.text),
        version=int(pmid.get("Version") or 1),
        kind="book" if book else "article",
        raw=raw,
        title=f" {flat(title)} ",
        body=f" {flat(title)} \n {abstract} ",
    )
    _values(record, root, core, article)
    _dates(record, root, core, article)
    return record


def _line(node: Any, path: str) -> str:
    found = None if node is None else node.find(path)
    return "" if found is None else "".join(found.itertext()).strip()


# Field -> where its values are, below MedlineCitation or BookDocument.
_PATHS = {
    "PTYP": ("Article/PublicationTypeList/PublicationType", "PublicationType"),
    "LANG": ("Article/Language", "Language"),
    "JOUR": ("MedlineJournalInfo/MedlineTA", "Article/Journal/Title", "Article/Journal/ISOAbbreviation"),
    "JID": ("MedlineJournalInfo/NlmUniqueID",),
    "CNTY": ("MedlineJournalInfo/Country", "Book/Publisher/PublisherLocation"),
    "VOL": ("Article/Journal/JournalIssue/Volume",),
    "ISS": ("Article/Journal/JournalIssue/Issue",),
    "PAGE": ("Article/Pagination/MedlinePgn", "Article/Pagination/StartPage"),
    "OTRM": ("KeywordList/Keyword",),
    "SUBS": ("ChemicalList/Chemical/NameOfSubstance", "SupplMeshList/SupplMeshName"),
    "ECNO": ("ChemicalList/Chemical/RegistryNumber",),
    "GRNT": ("Article/GrantList/Grant/GrantID", "Article/GrantList/Grant/Agency"),
    "PUBN": ("Book/Publisher/PublisherName",),
    "BOOK": ("Book/BookTitle",),
    "ISBN": ("Book/Isbn",),
    "AFFL": ("Article/AuthorList/Author/AffiliationInfo/Affiliation", "AuthorList/Author/AffiliationInfo/Affiliation"),
    "TT": ("Article/VernacularTitle",),
    "COIS": ("CoiStatement",),
    "LID": ("Article/ELocationID",),
}


_ID_PATHS = (
    "PubmedData/ArticleIdList/ArticleId",
    "PubmedBookData/ArticleIdList/ArticleId",
    "BookDocument/ArticleIdList/ArticleId",
)


def _values(record: Record, root: Any, core: Any, article: Any) -> None:
    values = record.values
    for name, paths in _PATHS.items():
        texts = [flat("".join(e.itertext())) for path in paths for e in core.iterfind(path)]
        if texts:
            values[name] = texts
    _mesh(values, core)
    _people(values, article)
    _trials(values, core)
    ids = [e for path in _ID_PATHS for e in root.iterfind(path)]
    values["AID"] = [flat(e.text or "") for e in ids] + values.get("LID", [])
    values["FILT"] = _filters(record, core)


def _trials(values: dict[str, list[str]], core: Any) -> None:
    for bank in core.iterfind("Article/DataBankList/DataBank"):
        name = bank.findtext("DataBankName") or ""
        numbers = [e.text or "" for e in bank.iterfind(".//AccessionNumber")]
        values.setdefault("SI", []).extend(flat(t) for number in numbers for t in (number, f"{name}/{number}", name))


def _filters(record: Record, core: Any) -> list[str]:
    given = {
        "medline": core.get("Status") == "MEDLINE",
        "hasabstract": core.find(".//AbstractText") is not None,
        "pubmed books": record.kind == "book",
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


def _dates(record: Record, root: Any, core: Any, article: Any) -> None:
    dates = record.dates
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
