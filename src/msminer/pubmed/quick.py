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

from msminer.pubmed import rules
from msminer.pubmed.record import trial_ids
from msminer.pubmed.strict import read_tree
from msminer.pubmed.xmltext import plain, squeeze

if TYPE_CHECKING:
    from msminer.schema import Correction, MeshHeading, ParsedRecord, Section

_W = r"[ \t\r\n]*+"
_A = r"(?: [\w:]++=\"[^\"<\t\r\n]*+\")*+"
# Text of a leaf; with a line end in it the record is not laid out as usual.
_T = r"[^<\t\r\n]*+"
# Text of a leaf that holds one word.
_P = r"[A-Za-z0-9/-]*+"
_UI = r"(?: UI=\"([^\"<&\s]*+)\")?"


def _pattern(text: str, *, words: str = "", keep: str = "", skip: str = "") -> re.Pattern[str]:
    """Compile with {W} for white space, {A} for attributes, {T} for text and {Name} for leaves that may be missing.

    words, keep: leaves whose text is a group, of one word or of any. skip: the others. {/Name} ends an item of a list:
    the next one or the end of the list must follow, so that no item is found within another element.
    """
    text = re.sub(r"\{/(\w+)\}", r"</\1>{W}(?=<\1|\\Z)", text)
    for names, inner in ((words, f"({_P})"), (keep, f"({_T})"), (skip, _T)):
        for name in names.split():
            text = text.replace("{%s}" % name, f"(?:<{name}>{inner}</{name}>{_W})?")  # noqa: UP031
    return re.compile(text.replace("{W}", _W).replace("{A}", _A).replace("{T}", _T).replace("{UI}", _UI))


_CHILD = _pattern(r"{W}<([A-Za-z]++)({A})>")
_DATE = _pattern(r"{W}{Year}{Month}{Day}", words="Year Month Day")
_ISSUE = _pattern(
    r"<JournalIssue{A}>{W}{Volume}{Issue}<PubDate>{W}{Year}{Month}{Day}{Season}{MedlineDate}</PubDate>{W}</JournalIssue>",
    words="Year Month Day",
    keep="MedlineDate",
    skip="Volume Issue Season",
)
_AUTHOR = _pattern(
    r"<Author{A}>{W}{LastName}{ForeName}{Initials}{Suffix}{CollectiveName}(?:<(?!/?Author[ >])[^<]*+)*+{/Author}",
    keep="LastName Initials CollectiveName",
    skip="ForeName Suffix",
)
_TERM = _pattern(
    r"<(?:MeshHeading>{W}<DescriptorName|(Q)ualifierName){UI}(?: MajorTopicYN=\"([YN])\")?(?: Type=\"\w*+\")?{UI}>({T})"
    r"</(?:Descriptor|Qualifier)Name>{W}(?=<QualifierName|{/MeshHeading})"
)
_CORRECTION = _pattern(
    r"<CommentsCorrections(?: RefType=\"(\w*+)\")?>{W}{RefSource}"
    r"(?:<PMID(?: Version=\"\d*+\")?>({T})</PMID>{W})?{Note}{/CommentsCorrections}",
    keep="RefSource",
    skip="Note",
)
_TYPE = _pattern(r"<PublicationType{UI}>({T}){/PublicationType}")
_KEYWORD = _pattern(r"<Keyword{A}>({T})</Keyword>{W}(?=<Keyword|</KeywordList>)")
_LANGUAGE = _pattern(r"<Language>({T}){/Language}")
_LOCATION = _pattern(r"<ELocationID(?: EIdType=\"(\w*+)\")?(?: ValidYN=\"([YN])\")?>({T}){/ELocationID}")
_ID = _pattern(r"<ArticleId(?: IdType=\"(\w*+)\")?>({T}){/ArticleId}")
_TA = _pattern(r"<MedlineTA>({T})</MedlineTA>")
_REFERENCE = re.compile(r"&(?:#(?:x([0-9a-fA-F]+)|([0-9]+))|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_INLINE = re.compile(r"</?(?:[biu]|su[bp])>")


def _layout() -> re.Pattern[str]:
    """The usual record as one pattern: what is read is a group, what is not is stepped over, nothing is left out."""

    def child(name: str, *, keep: str = "", times: str = "?") -> str:
        inside = rf"[^<]*+(?:<(?!/{name}>)[^<]*+)*+"
        return rf"(?:<{name}{_A}>{f'(?P<{keep}>{inside})' if keep else inside}</{name}>{_W})" + times

    def block(name: str, keep: str) -> str:
        return rf"(?P<{keep}>{child(name, times='*+')})"

    def element(name: str, *children: str) -> str:
        return rf"<{name}{_A}>{_W}" + "".join(children) + rf"</{name}>{_W}"

    article = element(
        "Article",
        child("Journal", keep="journal"),
        child("ArticleTitle", keep="title"),
        child("Pagination"),
        block("ELocationID", "locations"),
        child("Abstract", keep="abstract"),
        child("Affiliation"),
        child("AuthorList", keep="authors"),
        block("Language", "languages"),
        rf"(?P<banks>{child('DataBankList')})",
        child("GrantList"),
        child("PublicationTypeList", keep="types"),
        child("VernacularTitle"),
        child("ArticleDate", times="*+"),
    )
    citation = element(
        "MedlineCitation",
        rf"<PMID(?: Version=\"(?P<version>[0-9]++)\")?>(?P<pmid>[0-9]++)</PMID>{_W}",
        child("DateCreated"),
        child("DateCompleted"),
        child("DateRevised", keep="revised"),
        article,
        child("MedlineJournalInfo", keep="medline"),
        child("ChemicalList"),
        child("SupplMeshList"),
        child("CitationSubset", times="*+"),
        child("CommentsCorrectionsList", keep="corrections"),
        child("GeneSymbolList"),
        child("MeshHeadingList", keep="mesh"),
        child("NumberOfReferences"),
        child("PersonalNameSubjectList"),
        child("OtherID", times="*+"),
        child("OtherAbstract", times="*+"),
        block("KeywordList", "keywords"),
        child("CoiStatement"),
        child("SpaceFlightMission", times="*+"),
        child("InvestigatorList"),
        child("GeneralNote", times="*+"),
    )
    extra = element(
        "PubmedData",
        child("History"),
        child("PublicationStatus"),
        child("ArticleIdList", keep="ids"),
        child("ReferenceList", times="*+"),
    )
    return re.compile(element("PubmedArticle", citation, extra))


_LAYOUT = _layout()
_PARTS = tuple(_LAYOUT.groupindex)


class Unusual(Exception):
    """The record is not laid out as usual; that says nothing about its being right or wrong."""


def quick_record(data: bytes) -> ParsedRecord:
    """The record of a usual PubmedArticle; raises Unusual for any other, DamagedXml for a bad PMID or version."""
    try:
        laid_out = _LAYOUT.fullmatch(data.decode())
    except UnicodeDecodeError as error:
        raise Unusual from error
    if not laid_out:
        raise Unusual
    return _record(dict(zip(_PARTS, laid_out.groups(""), strict=True)))


def _record(part: dict[str, str]) -> ParsedRecord:
    number, version = rules.pmid_version(part["pmid"], part["version"] or "1")
    year, date = _pub_date(part["journal"])
    types = [(ui or None, _clean(name)) for ui, name in _listed(part["types"], "PublicationType", _TYPE)]
    corrections = _corrections(part["corrections"])
    sections = _sections(part["abstract"])
    ids = _article_ids(part["ids"])
    return {
        "pmid": number,
        "version": version,
        "kind": "article",
        "title": _flattened(part["title"]),
        "abstract": " ".join([section["text"] for section in sections]),
        "sections": sections,
        "year": year,
        "date": date,
        "journal": _journal(part["medline"]),
        "authors": _authors(part["authors"]),
        "doi": ids.get("doi") or _own_doi(part["locations"]),
        "pmcid": ids.get("pmc"),
        "mesh": _mesh(part["mesh"]),
        "publication_types": [name for _, name in types if name],
        "keywords": _keywords(part["keywords"]),
        "languages": [code for code in map(_clean, _listed(part["languages"], "Language", _LANGUAGE)) if code],
        "trial_ids": trial_ids(read_tree(f"<Article>{part['banks']}</Article>".encode())) if part["banks"] else [],
        "corrections": corrections,
        "retracted": rules.is_retracted(types, corrections),
        "date_revised": _date_revised(part["revised"]),
    }


def _listed(text: str, name: str, pattern: re.Pattern[str]) -> list[Any]:
    """What the pattern finds; every element of that name must be found."""
    if not text:
        return []
    found = pattern.findall(text)
    if len(found) != text.count(f"<{name}"):
        raise Unusual
    return found


def _keywords(lists: str) -> list[str]:
    if not lists:
        return []
    found = _KEYWORD.findall(lists)
    if len(found) != lists.count("<Keyword") - lists.count("<KeywordList"):
        raise Unusual
    return [word for word in map(_clean, found) if word]


def _clean(text: str) -> str:
    """Text of a leaf that holds no line end: references resolved, blanks squeezed."""
    if "&" in text:
        return squeeze(_REFERENCE.sub(_character, text))
    return squeeze(text) if "  " in text else text.strip(" ")


def _character(reference: re.Match[str]) -> str:
    digits, decimal, name = reference.groups()
    return _NAMED[name] if name else chr(int(digits, 16) if digits else int(decimal))


def _flattened(text: str) -> str:
    """Text with inline tags: the plain ones just go, formulas and the like are read through a tree."""
    if "<" in text:
        text = _INLINE.sub("", text)
        if "<" in text:
            return plain(read_tree(f"<text>{text}</text>".encode()))
    return squeeze(_REFERENCE.sub(_character, text)) if "&" in text else squeeze(text)


def _attribute(attributes: str, name: str) -> str | None:
    _, mark, rest = attributes.partition(f' {name}="')
    if not mark:
        return None
    value = rest[: rest.index('"')]
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _sections(abstract: str) -> list[Section]:
    sections: list[Section] = []
    at = 0
    while child := _CHILD.match(abstract, at):
        name, attributes = child.groups()
        stop = abstract.find(f"</{name}>", child.end())
        if stop < 0:
            raise Unusual
        if name == "AbstractText" and (text := _flattened(abstract[child.end() : stop])):
            sections.append({"label": _attribute(attributes, "Label") or None, "text": text})
        at = stop + len(name) + 3
    if abstract[at:].strip():
        raise Unusual
    return sections


def _journal(medline: str) -> str:
    found = _TA.search(medline)
    name = _clean(found[1]) if found and found.start() == medline.find("<MedlineTA") else ""
    if not name:
        raise Unusual
    return name


def _pub_date(journal: str) -> tuple[int | None, str | None]:
    found = _ISSUE.search(journal)
    if not found or found.start() != journal.find("<JournalIssue"):
        raise Unusual
    year, month, day, free = found.groups("")
    return rules.pub_date(year, month, day, _clean(free))


def _date_revised(revised: str) -> str | None:
    if not revised:
        return None
    found = _DATE.fullmatch(revised)
    if not found:
        raise Unusual
    year, month, day = found.groups("")
    return rules.full_date(year, month, day)


def _authors(authors: str) -> list[str]:
    """Names; each author has one, a person's or a group's, and it stands first."""
    found = _listed(authors, "Author", _AUTHOR)
    groups = authors.count("<CollectiveName")
    if authors.count("<LastName") + groups != len(found) or authors.count("<Initials") + groups != len(found):
        raise Unusual
    names = [
        f"{last} {initials}" if last and initials else "" if last or initials else group
        for last, initials, group in found
    ]
    if "" in names or groups != sum([not last for last, _, _ in found]):
        raise Unusual
    return [name for name in map(_clean, names) if name]


def _article_ids(ids: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, number in _listed(ids, "ArticleId", _ID):
        if name := _clean(number):
            found.setdefault(kind or "pubmed", name)
    return found


def _own_doi(locations: str) -> str | None:
    for kind, valid, number in _listed(locations, "ELocationID", _LOCATION):
        if kind == "doi" and valid in {"", "Y"} and (doi := _clean(number)):
            return doi
    return None


def _mesh(mesh: str) -> list[MeshHeading]:
    headings: list[MeshHeading] = []
    below: list[dict[str, Any]] = []
    terms = _TERM.findall(mesh) if mesh else []
    if len(terms) != mesh.count("<DescriptorName") + mesh.count("<QualifierName"):
        raise Unusual
    for kind, ui, major, late, name in terms:
        if kind:
            below.append({"ui": ui or late or None, "name": _clean(name), "major": major == "Y"})
        else:
            below = []
            headings.append(
                {"ui": ui or late or None, "name": _clean(name), "major": major == "Y", "qualifiers": below}
            )
    if len(headings) != mesh.count("<MeshHeading"):
        raise Unusual
    return headings


def _corrections(corrections: str) -> list[Correction]:
    return [
        {"type": kind, "pmid": _clean(pmid) or None, "source": _clean(source) or None}
        for kind, source, pmid in _listed(corrections, "CommentsCorrections", _CORRECTION)
    ]
