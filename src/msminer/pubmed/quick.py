"""The usual record read straight from its bytes, several times as fast as through a tree and to the same result.

It may only be given well-formed XML without comments, CDATA sections, instructions and inherited namespaces. `layout`
finds the parts; here each list is counted, so that nothing in it is missed. Whatever is not laid out as PubMed lays it
out raises Unusual, and the caller reads that record through a tree instead. Tests hold both readers against each other
on every record there is, and on mutated ones.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from msminer.errors import ParseError
from msminer.pubmed import rules
from msminer.pubmed.layout import A, Parts, T, Unusual, W, lay_out
from msminer.pubmed.record import trial_ids
from msminer.pubmed.strict import read_tree
from msminer.pubmed.xmltext import plain, squeeze

if TYPE_CHECKING:
    from msminer.schema import Correction, MeshHeading, ParsedRecord, Section

_UI = r"(?: UI=\"([A-Z0-9]*+)\"|)"
_MAJOR = r"(?: MajorTopicYN=\"([YN])\"|)"


def _leaf(name: str) -> str:
    return rf"(?:<{name}>({T})</{name}>{W}|)"


def _last(name: str) -> str:
    """The end of a list's item: the next one or the end of the list must follow, so that it stands in no other."""
    return rf"</{name}>{W}(?=<{name}|\Z)"


_AUTHOR = re.compile(
    rf"{W}<Author{A}>{W}{_leaf('LastName')}{_leaf('ForeName')}{_leaf('Initials')}{_leaf('Suffix')}"
    rf"{_leaf('CollectiveName')}"
)
_TERM = re.compile(
    rf"<(?:MeshHeading>{W}<Descriptor|(Q)ualifier)Name{_UI}{_MAJOR}(?: Type=\"\w*+\"|){_UI}>({T})"
    rf"</(?:Descriptor|Qualifier)Name>{W}(?:(?=<QualifierName)|{_last('MeshHeading')})"
)
_CORRECTION = re.compile(
    rf"<CommentsCorrections(?: RefType=\"(\w*+)\")?>{W}{_leaf('RefSource')}"
    rf"(?:<PMID(?: Version=\"\d*+\")?>({T})</PMID>{W})?(?:<Note>{T}</Note>{W})?{_last('CommentsCorrections')}"
)
_TYPE = re.compile(rf"<PublicationType{_UI}>({T}){_last('PublicationType')}")
_KEYWORD = re.compile(rf"<Keyword{A}>({T})</Keyword>{W}(?=<Keyword|</KeywordList>)")
_LANGUAGE = re.compile(rf"<Language>({T}){_last('Language')}")
_LOCATION = re.compile(rf"<ELocationID(?: EIdType=\"(\w*+)\")?(?: ValidYN=\"([YN])\")?>({T}){_last('ELocationID')}")
_ID = re.compile(rf"<ArticleId(?: IdType=\"(\w*+)\")?>({T}){_last('ArticleId')}")
_SECTION = re.compile(rf"{W}<AbstractText((?: [\w:]++=\"[^\"<\t\r\n]*+\")*+)>")
_REST = re.compile(
    rf"{W}(?:<CopyrightInformation>[^<]*+(?:<(?!/?CopyrightInformation\b)[^<]*+)*+</CopyrightInformation>{W})?"
)
_UNCLEAN = ("&", "  ", "< ", " <", "\n", "\t", "\r")
_REFERENCE = re.compile(r"&(?:#(?:x([0-9a-fA-F]+)|([0-9]+))|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_INLINE = re.compile(r"</?(?:[biu]|su[bp])>")


class _Types(NamedTuple):
    names: list[str]
    retracted: bool


def quick_record(data: bytes, at: int = 0) -> tuple[ParsedRecord, int]:
    """The usual PubmedArticle that begins here, and where the next one begins; raises Unusual for any other."""
    try:
        part = lay_out(data, at)
        return _record(part), part.end
    except (UnicodeDecodeError, ParseError) as error:
        raise Unusual from error


def _record(part: Parts) -> ParsedRecord:
    year, date = _published(*part.published)
    types = _types(part.types)
    corrections = _corrections(part.corrections) if part.corrections else []
    sections = _sections(part.abstract) if part.abstract else []
    ids = _article_ids(part.ids) if part.ids else {}
    return {
        "pmid": part.pmid.decode(),
        "version": int(part.version or 1),
        "kind": "article",
        "title": _flattened(part.title.decode()) if part.title else "",
        "abstract": " ".join([section["text"] for section in sections]),
        "sections": sections,
        "year": year,
        "date": date,
        "journal": _journal(part.journal),
        "authors": _authors(part.authors.decode()) if part.authors else [],
        "doi": ids.get("doi") or _own_doi(part.locations),
        "pmcid": ids.get("pmc"),
        "mesh": _mesh(part.mesh.decode()) if part.mesh else [],
        "publication_types": list(types.names),
        "keywords": _keywords(part.keywords.decode()) if part.keywords else [],
        "languages": list(_languages(part.languages)),
        "trial_ids": trial_ids(read_tree(b"<Article>%b</Article>" % part.banks)) if part.banks else [],
        "corrections": corrections,
        "retracted": types.retracted or (bool(corrections) and rules.is_retracted((), corrections)),
        "date_revised": _revised(*part.revised),
    }


def _listed(text: str, name: str, pattern: re.Pattern[str]) -> list[Any]:
    """What the pattern finds; every element of that name must be found."""
    found = pattern.findall(text)
    if len(found) != text.count(f"<{name}"):
        raise Unusual
    return found


def _clean(text: str) -> str:
    """Text of a leaf: references resolved, blanks squeezed."""
    return squeeze(_REFERENCE.sub(_character, text) if "&" in text else text)


def _cleaned(texts: list[str]) -> list[str]:
    """All of them clean, those that become empty included."""
    # Most lists need nothing, and one look at all is faster than one at each. No text holds the sign between them.
    joined = f"<{'<'.join(texts)}<"
    if any(map(joined.__contains__, _UNCLEAN)):
        return [_clean(text) for text in texts]
    return texts


_known = functools.lru_cache(maxsize=1 << 15)(_clean)  # MeSH has some 30,000 names (2026)


def _character(reference: re.Match[str]) -> str:
    digits, decimal, name = reference.groups()
    return _NAMED[name] if name else chr(int(digits, 16) if digits else int(decimal))


def _flattened(text: str) -> str:
    """Text with inline tags: the plain ones just go, formulas and the like are read through a tree."""
    if "<" in text:
        bare = _INLINE.sub("", text)
        return plain(read_tree(f"<text>{text}</text>".encode())) if "<" in bare else _clean(bare)
    return _clean(text)


def _attribute(attributes: str, name: str) -> str | None:
    _, mark, rest = attributes.partition(f' {name}="')
    if not mark:
        return None
    value = rest[: rest.index('"')]
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _sections(abstract: bytes) -> list[Section]:
    *parts, rest = abstract.decode().split("</AbstractText>")
    sections: list[Section] = []
    for part in parts:
        opening = _SECTION.match(part)
        if not opening:
            raise Unusual
        inside = part[opening.end() :]
        if "<" in inside and "<AbstractText" in inside:
            raise Unusual
        if text := _flattened(inside):
            attributes = opening[1]
            sections.append({"label": _attribute(attributes, "Label") or None if attributes else None, "text": text})
    if "<" in rest and not _REST.fullmatch(rest):
        raise Unusual
    return sections


@functools.lru_cache(maxsize=4096)  # a file holds few different types, languages, journals and dates
def _types(types: bytes | None) -> _Types:
    found = _listed((types or b"").decode(), "PublicationType", _TYPE)
    named = [(ui or None, _clean(name)) for ui, name in found]
    return _Types([name for _, name in named if name], rules.is_retracted(named, ()))


@functools.lru_cache(maxsize=256)
def _languages(languages: bytes) -> list[str]:
    return [code for code in map(_clean, _listed(languages.decode(), "Language", _LANGUAGE)) if code]


@functools.lru_cache(maxsize=4096)
def _journal(name: bytes) -> str:
    journal = _clean(name.decode())
    if not journal:
        raise Unusual
    return journal


@functools.lru_cache(maxsize=4096)
def _published(*date: bytes | None) -> tuple[int | None, str | None]:
    year, month, day, free = ((part or b"").decode() for part in date)
    return rules.pub_date(year, month, day, _clean(free))


@functools.lru_cache(maxsize=4096)
def _revised(*date: bytes | None) -> str | None:
    year, month, day = ((part or b"").decode() for part in date)
    return rules.full_date(year, month, day)


def _authors(authors: str) -> list[str]:
    """Names; each author has one, a person's or a group's, and it stands first."""
    *parts, rest = authors.split("</Author>")
    if authors.count("<Author") != len(parts) or "<" in rest:
        raise Unusual
    return [name for name in _cleaned([_author(part) for part in parts]) if name]


def _author(author: str) -> str:
    opening = _AUTHOR.match(author)
    if not opening:
        raise Unusual
    last, _, initials, _, group = opening.groups()
    if last and initials:
        return f"{last} {initials}"
    # What is missing here may still stand behind other elements.
    if last or initials or not group or "<LastName" in author or "<Initials" in author:
        raise Unusual
    return str(group)


def _keywords(lists: str) -> list[str]:
    found = _KEYWORD.findall(lists)
    if len(found) != lists.count("<Keyword") - lists.count("<KeywordList"):
        raise Unusual
    return [word for word in _cleaned(found) if word]


def _article_ids(ids: bytes) -> dict[str, str]:
    """First identifier of each type."""
    found = _listed(ids.decode(), "ArticleId", _ID)
    numbers = _cleaned([number for _, number in found])
    named = [(kind or "pubmed", number) for (kind, _), number in zip(found, numbers, strict=True) if number]
    return dict(reversed(named))


def _own_doi(locations: bytes) -> str | None:
    for kind, valid, number in _listed(locations.decode(), "ELocationID", _LOCATION) if locations else ():
        if kind == "doi" and valid in {"", "Y"} and (doi := _clean(number)):
            return doi
    return None


def _mesh(mesh: str) -> list[MeshHeading]:
    headings: list[MeshHeading] = []
    terms = _TERM.findall(mesh)
    below: list[dict[str, Any]] = []
    for kind, ui, major, late, name in terms:
        if kind:
            below.append({"ui": ui or late or None, "name": _known(name), "major": major == "Y"})
        else:
            below = []
            headings.append(
                {"ui": ui or late or None, "name": _known(name), "major": major == "Y", "qualifiers": below}
            )
    # A heading has four tags, a qualifier two: so there are no others.
    if mesh.count("<") != 2 * (len(headings) + len(terms)):
        raise Unusual
    return headings


def _corrections(corrections: bytes) -> list[Correction]:
    found = _listed(corrections.decode(), "CommentsCorrections", _CORRECTION)
    texts = _cleaned([text for _, source, pmid in found for text in (source, pmid)])
    return [
        {"type": kind, "pmid": pmid or None, "source": source or None}
        for (kind, _, _), source, pmid in zip(found, texts[::2], texts[1::2], strict=True)
    ]
