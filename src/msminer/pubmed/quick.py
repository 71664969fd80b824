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

_W = rb"[ \t\r\n]*+"
_A = rb"(?: [\w:]++=\"[^\"<\t\r\n]*+\")*+"


def _leaf(name: str, *, keep: bool = True) -> bytes:
    """Pattern of an element that may be missing and holds text alone."""
    return (r"(?:<%s{A}>%s</%s>{W})?" % (name, "([^<]*+)" if keep else "[^<]*+", name)).encode()


def _pattern(text: str, **leaves: bool) -> re.Pattern[bytes]:
    r"""Compile with {A} for attributes, {W} for white space, and {Name} for each leaf (True: its text is a group)."""
    for name, keep in leaves.items():
        text = text.replace("{%s}" % name, _leaf(name, keep=keep).decode())
    return re.compile(text.replace("{W}", _W.decode()).replace("{A}", _A.decode()).encode())


_CHILD = _pattern(r"{W}<([A-Za-z]++)({A})>")
_DATE = _pattern(r"{W}{Year}{Month}{Day}", Year=True, Month=True, Day=True)
_ISSUE = _pattern(
    r"<JournalIssue{A}>{W}{Volume}{Issue}<PubDate>{W}{Year}{Month}{Day}{Season}{MedlineDate}</PubDate>{W}</JournalIssue>",
    Volume=False, Issue=False, Year=True, Month=True, Day=True, Season=False, MedlineDate=True,
)  # fmt: skip
_AUTHOR = _pattern(
    r"<Author{A}>{W}{LastName}{ForeName}{Initials}{Suffix}{CollectiveName}"
    r"(?:<(?!/?Author[ >]|LastName|Initials|CollectiveName)[^<]*+)*+</Author>",
    LastName=True, ForeName=False, Initials=True, Suffix=False, CollectiveName=True,
)  # fmt: skip
_HEADING = _pattern(
    r"<MeshHeading>{W}<DescriptorName({A})>([^<]*+)</DescriptorName>{W}"
    r"((?:<QualifierName{A}>[^<]*+</QualifierName>{W})*+)</MeshHeading>"
)
_QUALIFIER = _pattern(r"<QualifierName({A})>([^<]*+)<")
_CORRECTION = _pattern(
    r"<CommentsCorrections({A})>{W}{RefSource}{PMID}{Note}</CommentsCorrections>", RefSource=True, PMID=True, Note=False
)
_TYPE = _pattern(r"<PublicationType({A})>([^<]*+)</PublicationType>")
_KEYWORD = _pattern(r"<Keyword{A}>([^<]*+)</Keyword>")
_ID = _pattern(r"<ArticleId({A})>([^<]*+)</ArticleId>")
_TA = _pattern(r"<MedlineTA>([^<]*+)</MedlineTA>")
_REFERENCE = re.compile(r"&(?:#(?:x([0-9a-fA-F]+)|([0-9]+))|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}

_INLINE = re.compile(rb"</?(?:[biu]|su[bp])>")
_BLANKS = re.compile(_W)

_CITATION = b"PubmedArticle/MedlineCitation"
_ARTICLE = _CITATION + b"/Article"
_DATA = b"PubmedArticle/PubmedData"
_LEVELS = frozenset({_CITATION, _ARTICLE, _DATA})

# Attributes, start and end of each child's content, by name.
_Children = dict[bytes, list[tuple[bytes, int, int]]]


class Unusual(Exception):
    """The record is not laid out as usual; that says nothing about its being right or wrong."""


def quick_record(data: bytes) -> ParsedRecord:
    """The record of a usual PubmedArticle; raises Unusual for any other, DamagedXml for a bad PMID or version."""
    if not data.startswith(b"<PubmedArticle>"):
        raise Unusual
    levels: dict[bytes, _Children] = {}
    if _walk(data, len(b"<PubmedArticle>"), b"PubmedArticle", levels) != len(data):
        raise Unusual
    try:
        return _record(data, levels[_CITATION], levels[_ARTICLE], levels[_DATA])
    except (KeyError, UnicodeDecodeError) as error:
        raise Unusual from error


def _walk(data: bytes, at: int, path: bytes, levels: dict[bytes, _Children]) -> int:
    """Note the children of the element whose content starts here; returns the place after its end tag."""
    children: _Children = {}
    if levels.setdefault(path, children) is not children:
        raise Unusual
    while child := _CHILD.match(data, at):
        name, start = child[1], child.end()
        inner = path + b"/" + name
        if inner in _LEVELS:
            at = _walk(data, start, inner, levels)
        else:
            stop = data.find(b"</" + name + b">", start)
            if stop < 0:
                raise Unusual
            children.setdefault(name, []).append((child[2], start, stop))
            at = stop + len(name) + 3
    closing = b"</" + path.rpartition(b"/")[2] + b">"
    at = _BLANKS.match(data, at).end()  # type: ignore[union-attr]
    if not data.startswith(closing, at):
        raise Unusual
    return at + len(closing)


def _record(data: bytes, citation: _Children, article: _Children, extra: _Children) -> ParsedRecord:
    if b"DataBankList" in article:
        raise Unusual
    attributes, start, stop = citation[b"PMID"][0]
    number, version = rules.pmid_version(_text(data[start:stop]), _attribute(attributes, b"Version") or "1")
    year, date = _pub_date(data, article)
    types = [(_attribute(a, b"UI"), _text(t)) for a, t in _listed(data, article, b"PublicationType", _TYPE)]
    corrections = _corrections(data, citation)
    sections = _sections(data, article)
    ids = _article_ids(data, extra)
    return {
        "pmid": number,
        "version": version,
        "kind": "article",
        "title": _rich(data, article.get(b"ArticleTitle")),
        "abstract": " ".join([section["text"] for section in sections]),
        "sections": sections,
        "year": year,
        "date": date,
        "journal": _journal(data, citation),
        "authors": _authors(data, article),
        "doi": ids.get("doi") or _own_doi(data, article),
        "pmcid": ids.get("pmc"),
        "mesh": _mesh(data, citation),
        "publication_types": [name for _, name in types if name],
        "keywords": [text for text in map(_text, _listed(data, citation, b"Keyword", _KEYWORD)) if text],
        "languages": [text for _, start, stop in article.get(b"Language", ()) if (text := _flat(data[start:stop]))],
        "trial_ids": [],
        "corrections": corrections,
        "retracted": rules.is_retracted(types, corrections),
        "date_revised": _date_revised(data, citation),
    }


def _listed(data: bytes, level: _Children, name: bytes, pattern: re.Pattern[bytes]) -> list[Any]:
    """What the pattern finds in each NameList of a level; every element of that name must be found."""
    found: list[Any] = []
    for _, start, stop in level.get(name + b"List", ()):
        there = pattern.findall(data, start, stop)
        if len(there) != data.count(b"<" + name, start, stop):
            raise Unusual
        found += there
    return found


def _text(raw: bytes) -> str:
    """Text of a leaf."""
    text = raw.decode()
    if "&" in text:
        text = _REFERENCE.sub(_character, text)
    return squeeze(text)


def _flat(raw: bytes) -> str:
    """Text of a leaf; raises Unusual when it is none."""
    if b"<" in raw:
        raise Unusual
    return _text(raw)


def _character(reference: re.Match[str]) -> str:
    digits, decimal, name = reference.groups()
    return _NAMED[name] if name else chr(int(digits, 16) if digits else int(decimal))


def _rich(data: bytes, spans: list[tuple[bytes, int, int]] | None) -> str:
    """Text of the first of the spans, inline tags flattened; empty when there is none."""
    if not spans:
        return ""
    _, start, stop = spans[0]
    return _flattened(data[start:stop])


def _flattened(raw: bytes) -> str:
    if b"<" in raw:
        raw = _INLINE.sub(b"", raw)
        if b"<" in raw:
            return plain(etree.fromstring(b"<text>" + raw + b"</text>"))
    return _text(raw)


def _attribute(attributes: bytes, name: bytes) -> str | None:
    _, mark, rest = attributes.partition(b" " + name + b'="')
    if not mark:
        return None
    text = rest[: rest.index(b'"')].decode()
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _sections(data: bytes, article: _Children) -> list[Section]:
    if b"Abstract" not in article:
        return []
    _, at, end = article[b"Abstract"][0]
    sections: list[Section] = []
    while child := _CHILD.match(data, at, end):
        closing = b"</" + child[1] + b">"
        stop = data.find(closing, child.end(), end)
        if stop < 0:
            raise Unusual
        if child[1] == b"AbstractText" and (text := _flattened(data[child.end() : stop])):
            sections.append({"label": _attribute(child[2], b"Label") or None, "text": text})
        at = stop + len(closing)
    if data[at:end].strip():
        raise Unusual
    return sections


def _journal(data: bytes, citation: _Children) -> str:
    _, start, stop = citation[b"MedlineJournalInfo"][0]
    found = _TA.search(data, start, stop)
    name = _text(found[1]) if found and found.start() == data.find(b"<MedlineTA", start, stop) else ""
    if not name:
        raise Unusual
    return name


def _pub_date(data: bytes, article: _Children) -> tuple[int | None, str | None]:
    _, start, stop = article[b"Journal"][0]
    found = _ISSUE.search(data, start, stop)
    if not found or found.start() != data.find(b"<JournalIssue", start, stop):
        raise Unusual
    year, month, day, free = found.groups(b"")
    return rules.pub_date(_text(year), _text(month), _text(day), _text(free))


def _date_revised(data: bytes, citation: _Children) -> str | None:
    if b"DateRevised" not in citation:
        return None
    _, start, stop = citation[b"DateRevised"][0]
    found = _DATE.fullmatch(data, start, stop)
    if not found:
        raise Unusual
    return rules.full_date(*map(_text, found.groups(b"")))


def _authors(data: bytes, article: _Children) -> list[str]:
    names = []
    for last, initials, collective in _listed(data, article, b"Author", _AUTHOR):
        names.append(f"{_text(last)} {_text(initials)}".strip() or _text(collective))
    return [name for name in names if name]


def _article_ids(data: bytes, extra: _Children) -> dict[str, str]:
    found: dict[str, str] = {}
    for attributes, raw in _listed(data, extra, b"ArticleId", _ID):
        if text := _text(raw):
            found.setdefault(_attribute(attributes, b"IdType") or "pubmed", text)
    return found


def _own_doi(data: bytes, article: _Children) -> str | None:
    for attributes, start, stop in article.get(b"ELocationID", ()):
        valid = (_attribute(attributes, b"ValidYN") or "Y") == "Y"
        if valid and _attribute(attributes, b"EIdType") == "doi" and (text := _flat(data[start:stop])):
            return text
    return None


def _mesh(data: bytes, citation: _Children) -> list[MeshHeading]:
    headings: list[MeshHeading] = []
    for attributes, name, qualifiers in _listed(data, citation, b"MeshHeading", _HEADING):
        below = [_term(*pair) for pair in _QUALIFIER.findall(qualifiers)] if qualifiers else []
        headings.append({**_term(attributes, name), "qualifiers": below})  # type: ignore[typeddict-item]
    return headings


def _term(attributes: bytes, name: bytes) -> dict[str, Any]:
    major = b' MajorTopicYN="Y"' in attributes
    return {"ui": _attribute(attributes, b"UI"), "name": _text(name), "major": major}


def _corrections(data: bytes, citation: _Children) -> list[Correction]:
    return [
        {"type": _attribute(a, b"RefType") or "", "pmid": _text(pmid) or None, "source": _text(source) or None}
        for a, source, pmid in _listed(data, citation, b"CommentsCorrections", _CORRECTION)
    ]
