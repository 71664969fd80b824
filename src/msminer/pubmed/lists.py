"""The lists of a usual record, read from their text: authors, headings, corrections, identifiers and the like.

The text must be well-formed XML without comments, CDATA sections and instructions. Every tag in it is accounted for, so
that nothing is missed; whatever is not laid out as PubMed lays it out raises Unusual.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from msminer.pubmed import rules
from msminer.pubmed.layout import A, T, Unusual, W
from msminer.pubmed.xmltext import squeeze

if TYPE_CHECKING:
    from msminer.schema import Correction, MeshHeading

_UI = r"(?: UI=\"([A-Z0-9]*+)\"|)"


def _leaf(name: str, *, keep: bool = False) -> str:
    return rf"(?:<{name}>{f'({T})' if keep else T}</{name}>{W}|)"


def _last(name: str) -> str:
    """The end of a list's item: the next one or the end of the list must follow, so that it stands in no other."""
    return rf"</{name}>{W}(?=<{name}|\Z)"


# A tag that is no part of an item is found as an item without text.
_ODD = "|<"
_AUTHOR = re.compile(
    rf"<Author{A}>{W}(?:<LastName>([^<]++)</LastName>{W}{_leaf('ForeName')}{_leaf('Initials', keep=True)}"
    rf"{_leaf('Suffix')}|){_leaf('CollectiveName', keep=True)}"
    # What is missing here might still stand behind other elements.
    rf"(?:<(?!/?Author\b|LastName|Initials|CollectiveName)[^<]*+)*+</Author>{_ODD}"
)
# Line ends and tabs in a value become blanks, and references characters; neither is usual.
_ATTRIBUTES = r"((?: \w++=\"[^\"<&\t\r\n]*+\")*+)"
_TERM = re.compile(
    rf"{W}(?:</MeshHeading>{W}<MeshHeading>{W}<DescriptorName{_ATTRIBUTES}>({T})</Descriptor"
    rf"|<QualifierName{_ATTRIBUTES}>({T})</Qualifier)"
)
_TERMS_END = re.compile(rf"{W}</MeshHeading>{W}")
_CORRECTION = re.compile(
    rf"<CommentsCorrections RefType=\"(\w++)\">{W}{_leaf('RefSource', keep=True)}"
    rf"(?:<PMID(?: Version=\"\d*+\")?>({T})</PMID>{W})?{_leaf('Note')}</CommentsCorrections>{_ODD}"
)
_TYPE = re.compile(rf"<PublicationType{_UI}>({T}){_last('PublicationType')}")
_KEYWORD = re.compile(rf"<Keyword{A}>({T})</Keyword>{W}(?=<Keyword|</KeywordList>)")
_LANGUAGE = re.compile(rf"<Language>({T}){_last('Language')}")
_LOCATION = re.compile(rf"<ELocationID(?: EIdType=\"(\w*+)\")?(?: ValidYN=\"([YN])\")?>({T}){_last('ELocationID')}")
_ID = re.compile(rf"<ArticleId IdType=\"(\w++)\">({T})</ArticleId>{_ODD}")
_UNCLEAN = ("<", "&", "\n", "\t", "\r", "  ")
_REFERENCE = re.compile(r"&(?:#(?:x([0-9a-fA-F]+)|([0-9]+))|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class Types(NamedTuple):
    """Names of the publication types, and whether one says that the article is retracted."""

    names: list[str]
    retracted: bool


def resolved(text: str) -> str:
    """Text with its references as characters."""
    return _REFERENCE.sub(_character, text) if "&" in text else text


def clean(text: str) -> str:
    """Text of a leaf: references resolved, blanks squeezed."""
    return squeeze(resolved(text))


def attribute(attributes: str, name: str) -> str | None:
    """The value of an attribute, or None; attributes are parted by one blank and stand in double quotes."""
    _, mark, rest = attributes.partition(f' {name}="')
    return resolved(rest[: rest.index('"')]) if mark else None


@functools.lru_cache(maxsize=4096)  # a file holds few different lists of types and of languages
def types(content: bytes | None) -> Types:
    """Of the content of a PublicationTypeList."""
    found = _listed((content or b"").decode(), "PublicationType", _TYPE)
    named = [(ui or None, clean(name)) for ui, name in found]
    return Types([name for _, name in named if name], rules.is_retracted(named, ()))


@functools.lru_cache(maxsize=256)
def languages(elements: bytes) -> list[str]:
    """Of Language elements."""
    return [code for code in map(clean, _listed(elements.decode(), "Language", _LANGUAGE)) if code]


def authors(content: str) -> list[str]:
    """Names, of the content of an AuthorList; each author is a person or a group, and that stands first."""
    found = _AUTHOR.findall(content)
    names = [f"{last} {initials}" if last and initials else last or group for last, initials, group in found]
    if "" in names:
        raise Unusual
    return _cleaned(names)


def keywords(elements: str) -> list[str]:
    """Of KeywordList elements."""
    found = _KEYWORD.findall(elements)
    if len(found) != elements.count("<Keyword") - elements.count("<KeywordList"):
        raise Unusual
    return [word for word in all_clean(found) if word]


def article_ids(content: str) -> dict[str, str]:
    """First identifier of each type, of the content of an ArticleIdList."""
    found = _ID.findall(content)
    numbers = _cleaned([number for _, number in found])
    return {kind: number for (kind, _), number in zip(reversed(found), reversed(numbers), strict=True)}


def own_doi(elements: bytes) -> str | None:
    """First valid DOI of ELocationID elements."""
    for kind, valid, number in _listed(elements.decode(), "ELocationID", _LOCATION):
        if kind == "doi" and valid in {"", "Y"} and (doi := clean(number)):
            return doi
    return None


def headings(content: str) -> list[MeshHeading]:
    """Of the content of a MeshHeadingList."""
    found: list[MeshHeading] = []
    below: list[dict[str, Any]] = []
    # So every heading stands behind the end of another.
    *terms, end = f"</MeshHeading>{content}".split("Name>")
    for heading, ui, name, major in map(_term, terms):
        if heading:
            below = []
            found.append({"ui": ui, "name": name, "major": major, "qualifiers": below})
        else:
            below.append({"ui": ui, "name": name, "major": major})
    if not _TERMS_END.fullmatch(end):
        raise Unusual
    return found


@functools.lru_cache(maxsize=1 << 16)  # MeSH has some 30,000 descriptors (2026), each major or not
def _term(text: str) -> tuple[bool, str | None, str, bool]:
    """Whether it is a heading's descriptor, its identifier and name, and whether it is major.

    text: a descriptor with the tags before it, or a qualifier; both up to the last letters of their end tag.
    """
    found = _TERM.fullmatch(text)
    if not found:
        raise Unusual
    heading = found[2] is not None
    attributes, name = (found[1], found[2]) if heading else (found[3], found[4])
    major = attribute(attributes, "MajorTopicYN") == "Y"
    return heading, attribute(attributes, "UI") or None, clean(name), major


def corrections(content: str) -> list[Correction]:
    """Of the content of a CommentsCorrectionsList."""
    found = _CORRECTION.findall(content)
    texts = all_clean([text for _, source, pmid in found for text in (source, pmid)])
    entries: list[Correction] = [
        {"type": kind, "pmid": pmid or None, "source": source or None}
        for (kind, _, _), source, pmid in zip(found, texts[::2], texts[1::2], strict=True)
    ]
    if any(not entry["type"] for entry in entries):
        raise Unusual
    return entries


def _listed(text: str, name: str, pattern: re.Pattern[str]) -> list[Any]:
    """What the pattern finds; every element of that name must be found."""
    found = pattern.findall(text)
    if len(found) != text.count(f"<{name}"):
        raise Unusual
    return found


def _cleaned(texts: list[str]) -> list[str]:
    """All of them clean; none may be empty."""
    found = all_clean(texts)
    if "" in found:
        raise Unusual
    return found


def all_clean(texts: list[str], one: Callable[[str], str] = clean) -> list[str]:
    """All of them clean, those that become empty included; one: cleans a text that may need it."""
    # Most lists need nothing, and one look at all is faster than one at each. A blank at a text's end makes two.
    joined = f" {' '.join(texts)} "
    if any(map(joined.__contains__, _UNCLEAN)):
        return [one(text) for text in texts]
    return texts


def _character(reference: re.Match[str]) -> str:
    digits, decimal, name = reference.groups()
    return _NAMED[name] if name else chr(int(digits, 16) if digits else int(decimal))
