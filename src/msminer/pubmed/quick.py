"""The usual record read straight from its bytes, several times as fast as through a tree and to the same result.

It may only be given well-formed XML without comments, CDATA sections, instructions and inherited namespaces: then
every `<` starts a tag, and the first end tag of a name closes it unless the name nests in itself. Each byte between the
children of a record, of its citation and of its article is accounted for, and each list is counted. Whatever is not
laid out as PubMed lays it out raises Unusual, and the caller reads that record through a tree instead. Tests hold both
readers against each other on every record there is, and on mutated ones.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lxml import etree

from msminer.pubmed import rules
from msminer.pubmed.xmltext import plain, squeeze

if TYPE_CHECKING:
    from msminer.schema import Correction, MeshHeading, ParsedRecord, Section

_W = r"[ \t\r\n]*+"
_A = r"(?: [\w:]++=\"[^\"<\t\r\n]*+\")*+"
# Text of a leaf; with a line end in it the record is not laid out as usual.
_T = r"[^<\t\r\n]*+"
_TERM_ATTRIBUTES = (
    r"(?: UI=\"([^\"<&\s]*+)\")?(?: MajorTopicYN=\"([YN])\")?(?: Type=\"\w*+\")?(?: UI=\"([^\"<&\s]*+)\")?"
)


def _pattern(text: str, *, keep: str = "", skip: str = "") -> re.Pattern[str]:
    """Compile with {W} for white space, {A} for attributes, {T} for text and {Name} for leaves that may be missing.

    keep: leaves whose text is a group. skip: the others.
    """
    for name in (keep + " " + skip).split():
        inner = f"({_T})" if name in keep.split() else _T
        text = text.replace("{%s}" % name, f"(?:<{name}{_A}>{inner}</{name}>{_W})?")
    return re.compile(text.replace("{W}", _W).replace("{A}", _A).replace("{T}", _T).replace("{U}", _TERM_ATTRIBUTES))


_CHILD = _pattern(r"{W}<([A-Za-z]++)({A})>")
_BLANKS = _pattern(r"{W}")
_DATE = _pattern(r"{W}{Year}{Month}{Day}", keep="Year Month Day")
_ISSUE = _pattern(
    r"<JournalIssue{A}>{W}{Volume}{Issue}<PubDate>{W}{Year}{Month}{Day}{Season}{MedlineDate}</PubDate>{W}</JournalIssue>",
    keep="Year Month Day MedlineDate",
    skip="Volume Issue Season",
)
_AUTHOR = _pattern(
    r"<Author{A}>{W}{LastName}{ForeName}{Initials}{Suffix}{CollectiveName}"
    r"(?:<(?!/?Author[ >]|LastName|Initials|CollectiveName)[^<]*+)*+</Author>",
    keep="LastName Initials CollectiveName",
    skip="ForeName Suffix",
)
_HEADING = _pattern(
    r"<MeshHeading>{W}<DescriptorName{U}>({T})</DescriptorName>{W}((?:<QualifierName{A}>{T}</QualifierName>{W})*+)</MeshHeading>"
)
_QUALIFIER = _pattern(r"<QualifierName{U}>({T})<")
_CORRECTION = _pattern(
    r"<CommentsCorrections(?: RefType=\"(\w*+)\")?>{W}{RefSource}{PMID}{Note}</CommentsCorrections>",
    keep="RefSource PMID",
    skip="Note",
)
_TYPE = _pattern(r"<PublicationType(?: UI=\"([^\"<&\s]*+)\")?>({T})</PublicationType>")
_KEYWORD = _pattern(r"<Keyword{A}>({T})</Keyword>")
_ID = _pattern(r"<ArticleId(?: IdType=\"(\w*+)\")?>({T})</ArticleId>")
_TA = _pattern(r"<MedlineTA>({T})</MedlineTA>")
_REFERENCE = re.compile(r"&(?:#(?:x([0-9a-fA-F]+)|([0-9]+))|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_INLINE = re.compile(r"</?(?:[biu]|su[bp])>")
_LEVELS = {"MedlineCitation": "PubmedArticle", "Article": "MedlineCitation", "PubmedData": "PubmedArticle"}
# Children that may come more than once and are read; Language and ELocationID each time, the lists too.
_REPEATED = frozenset({"Language", "ELocationID", "KeywordList"})
# Children that may come more than once and are not read.
_UNREAD = frozenset(
    {"CitationSubset", "OtherID", "OtherAbstract", "SpaceFlightMission", "GeneralNote", "ArticleDate", "ReferenceList"}
    | {"Pagination", "InvestigatorList"}
)

# Where the content of each child starts and ends, and its opening tag, by name.
_Span = tuple[int, int, "re.Match[str]"]
_Children = dict[str, list[_Span]]


class Unusual(Exception):
    """The record is not laid out as usual; that says nothing about its being right or wrong."""


def quick_record(data: bytes) -> ParsedRecord:
    """The record of a usual PubmedArticle; raises Unusual for any other, DamagedXml for a bad PMID or version."""
    levels: dict[str, _Children] = {}
    try:
        text = data.decode()
        if not text.startswith("<PubmedArticle>"):
            raise Unusual
        if _walk(text, len("<PubmedArticle>"), "PubmedArticle", levels) != len(text):
            raise Unusual
        return _record(text, levels["MedlineCitation"], levels["Article"], levels["PubmedData"])
    except (KeyError, UnicodeDecodeError) as error:
        raise Unusual from error


def _walk(text: str, at: int, name: str, levels: dict[str, _Children]) -> int:
    """Note the children of the element whose content starts here; returns the place after its end tag."""
    children: _Children = {}
    if levels.setdefault(name, children) is not children:
        raise Unusual
    while child := _CHILD.match(text, at):
        inner, start = child[1], child.end()
        if inner in _LEVELS and _LEVELS[inner] == name:
            at = _walk(text, start, inner, levels)
            continue
        stop = text.find(f"</{inner}>", start)
        if stop < 0:
            raise Unusual
        if inner not in children:
            children[inner] = [(start, stop, child)]
        elif inner in _REPEATED:
            children[inner].append((start, stop, child))
        elif inner not in _UNREAD:
            raise Unusual
        at = stop + len(inner) + 3
    at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
    if not text.startswith(f"</{name}>", at):
        raise Unusual
    return at + len(name) + 3


def _record(text: str, citation: _Children, article: _Children, extra: _Children) -> ParsedRecord:
    if "DataBankList" in article:
        raise Unusual
    start, stop, opening = citation["PMID"][0]
    number, version = rules.pmid_version(_leaf(text[start:stop]), _attribute(opening[2], "Version") or "1")
    year, date = _pub_date(text, article)
    types = [(ui or None, _clean(name)) for ui, name in _listed(text, article, "PublicationType", _TYPE)]
    corrections = _corrections(text, citation)
    sections = _sections(text, article)
    ids = _article_ids(text, extra)
    return {
        "pmid": number,
        "version": version,
        "kind": "article",
        "title": _title(text, article),
        "abstract": " ".join([section["text"] for section in sections]),
        "sections": sections,
        "year": year,
        "date": date,
        "journal": _journal(text, citation),
        "authors": _authors(text, article),
        "doi": ids.get("doi") or _own_doi(text, article),
        "pmcid": ids.get("pmc"),
        "mesh": _mesh(text, citation),
        "publication_types": [name for _, name in types if name],
        "keywords": [name for name in map(_clean, _listed(text, citation, "Keyword", _KEYWORD)) if name],
        "languages": [code for start, stop, _ in article.get("Language", ()) if (code := _leaf(text[start:stop]))],
        "trial_ids": [],
        "corrections": corrections,
        "retracted": rules.is_retracted(types, corrections),
        "date_revised": _date_revised(text, citation),
    }


def _listed(text: str, level: _Children, name: str, pattern: re.Pattern[str]) -> list[Any]:
    """What the pattern finds in each NameList of a level; every element of that name must be found."""
    found: list[Any] = []
    for start, stop, _ in level.get(f"{name}List", ()):
        there = pattern.findall(text, start, stop)
        if len(there) != text.count(f"<{name}", start, stop):
            raise Unusual
        found += there
    return found


def _clean(text: str) -> str:
    """Text of a leaf that holds no line end: references resolved, blanks squeezed."""
    if "&" in text:
        return squeeze(_REFERENCE.sub(_character, text))
    return squeeze(text) if "  " in text else text.strip(" ")


def _leaf(text: str) -> str:
    """Text of a leaf; raises Unusual when it is none."""
    if "<" in text:
        raise Unusual
    return squeeze(_clean(text))


def _character(reference: re.Match[str]) -> str:
    digits, decimal, name = reference.groups()
    return _NAMED[name] if name else chr(int(digits, 16) if digits else int(decimal))


def _flattened(text: str) -> str:
    """Text with inline tags: the plain ones just go, formulas and the like are read through a tree."""
    if "<" in text:
        text = _INLINE.sub("", text)
        if "<" in text:
            return plain(etree.fromstring(f"<text>{text}</text>"))
    return squeeze(_REFERENCE.sub(_character, text)) if "&" in text else squeeze(text)


def _attribute(attributes: str, name: str) -> str | None:
    _, mark, rest = attributes.partition(f' {name}="')
    if not mark:
        return None
    value = rest[: rest.index('"')]
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _title(text: str, article: _Children) -> str:
    if "ArticleTitle" not in article:
        return ""
    start, stop, _ = article["ArticleTitle"][0]
    return _flattened(text[start:stop])


def _sections(text: str, article: _Children) -> list[Section]:
    if "Abstract" not in article:
        return []
    at, end, _ = article["Abstract"][0]
    sections: list[Section] = []
    while child := _CHILD.match(text, at, end):
        closing = f"</{child[1]}>"
        stop = text.find(closing, child.end(), end)
        if stop < 0:
            raise Unusual
        if child[1] == "AbstractText" and (found := _flattened(text[child.end() : stop])):
            sections.append({"label": _attribute(child[2], "Label") or None, "text": found})
        at = stop + len(closing)
    if text[at:end].strip():
        raise Unusual
    return sections


def _journal(text: str, citation: _Children) -> str:
    start, stop, _ = citation["MedlineJournalInfo"][0]
    found = _TA.search(text, start, stop)
    name = _clean(found[1]) if found and found.start() == text.find("<MedlineTA", start, stop) else ""
    if not name:
        raise Unusual
    return name


def _pub_date(text: str, article: _Children) -> tuple[int | None, str | None]:
    start, stop, _ = article["Journal"][0]
    found = _ISSUE.search(text, start, stop)
    if not found or found.start() != text.find("<JournalIssue", start, stop):
        raise Unusual
    year, month, day, free = map(_clean, found.groups(""))
    return rules.pub_date(year, month, day, free)


def _date_revised(text: str, citation: _Children) -> str | None:
    if "DateRevised" not in citation:
        return None
    start, stop, _ = citation["DateRevised"][0]
    found = _DATE.fullmatch(text, start, stop)
    if not found:
        raise Unusual
    year, month, day = map(_clean, found.groups(""))
    return rules.full_date(year, month, day)


def _authors(text: str, article: _Children) -> list[str]:
    found = _listed(text, article, "Author", _AUTHOR)
    names = [_clean(f"{last} {initials}") if last or initials else _clean(group) for last, initials, group in found]
    return [name for name in names if name]


def _article_ids(text: str, extra: _Children) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, number in _listed(text, extra, "ArticleId", _ID):
        if name := _clean(number):
            found.setdefault(kind or "pubmed", name)
    return found


def _own_doi(text: str, article: _Children) -> str | None:
    for start, stop, opening in article.get("ELocationID", ()):
        valid = (_attribute(opening[2], "ValidYN") or "Y") == "Y"
        if valid and _attribute(opening[2], "EIdType") == "doi" and (doi := _leaf(text[start:stop])):
            return doi
    return None


def _mesh(text: str, citation: _Children) -> list[MeshHeading]:
    headings: list[MeshHeading] = []
    for ui, major, late, name, below in _listed(text, citation, "MeshHeading", _HEADING):
        qualifiers = [
            {"ui": u or v or None, "name": _clean(q), "major": m == "Y"} for u, m, v, q in _QUALIFIER.findall(below)
        ]
        if len(qualifiers) != below.count("<QualifierName"):
            raise Unusual
        headings.append(
            {"ui": ui or late or None, "name": _clean(name), "major": major == "Y", "qualifiers": qualifiers}
        )
    return headings


def _corrections(text: str, citation: _Children) -> list[Correction]:
    return [
        {"type": kind, "pmid": _clean(pmid) or None, "source": _clean(source) or None}
        for kind, source, pmid in _listed(text, citation, "CommentsCorrections", _CORRECTION)
    ]
