"""Where the parts of a usual record stand in its bytes.

The bytes must be well-formed XML without comments, CDATA sections, instructions and inherited namespaces: then every
`<` starts a tag. Each byte between the children of a record, of its citation and of its article is accounted for, and
an element ends at the first end tag of its name because no other of that name opens in it.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

# What stands between elements that hold no text of their own: a tree's readers do not look at it either. One excluded
# character is scanned several times as fast as a set of allowed ones, and a branch twice as fast as `?`.
W = r"[^<]*+"
A = r"(?: [^=<>]++=\"[^\"]*+\")*+"
T = r"[^<]*+"
# Text of a leaf that holds one word.
_P = r"[A-Za-z0-9/-]*+"


class Unusual(Exception):
    """The record is not laid out as usual; that says nothing about its being right or wrong."""


class Parts(NamedTuple):
    """The content of what is read of a record, as bytes; None where it is missing.

    locations, languages, keywords: whole elements one after another. banks: the whole DataBankList. end: where the next
    record begins.
    """

    pmid: bytes
    version: bytes | None
    revised: tuple[bytes | None, ...]
    published: tuple[bytes | None, ...]
    title: bytes | None
    locations: bytes
    abstract: bytes | None
    authors: bytes | None
    languages: bytes
    banks: bytes
    types: bytes | None
    journal: bytes
    corrections: bytes | None
    mesh: bytes | None
    keywords: bytes
    ids: bytes | None
    end: int


def _child(name: str, *, keep: bool = False, times: str = "") -> str:
    """An element that may be missing, up to its own end tag; keep: its content is a group. times: default once."""
    inside = rf"[^<]*+(?:</?+(?!{name}\b)[^<]*+)*+"
    return rf"(?:<{name}{A}>{f'({inside})' if keep else inside}</{name}>{W}" + (f"){times}" if times else "|)")


def _words(*names: str) -> str:
    return "".join(rf"(?:<{name}>({_P})</{name}>{W}|)" for name in names)


def _leaves(*names: str) -> str:
    return "".join(rf"(?:<{name}>{T}</{name}>{W}|)" for name in names)


def _compile(*pieces: str) -> re.Pattern[bytes]:
    return re.compile("".join(pieces).encode())


def _close(name: str) -> str:
    """The end tag at which an element was left that the pattern before had opened, if it had."""
    return rf"(?:</{name}[ \t\r\n]*+>|)"


_MESH_OPENS = rf"{_child('GeneSymbolList')}(<MeshHeadingList>(?={W}<MeshHeading>))?"
_DATE = _words("Year", "Month", "Day")
_HEAD = _compile(
    rf"<PubmedArticle{A}>{W}<MedlineCitation{A}>{W}",
    rf"<PMID(?: Version=\"([0-9]{{1,4}}+)\")?>([1-9][0-9]{{0,8}}+)</PMID>{W}",
    _child("DateCreated"),
    _child("DateCompleted"),
    rf"(?:<DateRevised>{W}{_DATE}</DateRevised>{W}|)<Article{A}>{W}<Journal>{W}",
    _child("ISSN"),
    rf"<JournalIssue{A}>{W}{_leaves('Volume', 'Issue')}<PubDate>{W}{_DATE}{_leaves('Season')}",
    rf"(?:<MedlineDate>({T})</MedlineDate>{W}|)</PubDate>{W}</JournalIssue>{W}",
    _child("Title"),
    _child("ISOAbbreviation"),
    rf"</Journal>{W}",
    _child("ArticleTitle", keep=True),
    _child("Pagination"),
    rf"((?:<ELocationID{A}>{T}</ELocationID>{W})*+)",
    r"(<Abstract>)?",
)
_AUTHORS = _compile(rf"{_close('Abstract')}{W}", _child("Affiliation"), rf"(<AuthorList{A}>)?")
_MIDDLE = _compile(
    rf"{_close('AuthorList')}{W}",
    rf"((?:<Language>{T}</Language>{W})*+)",
    rf"({_child('DataBankList')})",
    _child("GrantList"),
    _child("PublicationTypeList", keep=True),
    _child("VernacularTitle"),
    _child("ArticleDate", times="*+"),
    rf"</Article>{W}<MedlineJournalInfo>{W}(?:<Country(?:/|>{T}</Country)>{W}|)<MedlineTA>({T})</MedlineTA>{W}",
    rf"(?:</?+(?!MedlineJournalInfo\b)[^<]*+)*+</MedlineJournalInfo>{W}",
    _child("ChemicalList"),
    _child("SupplMeshList"),
    _child("CitationSubset", times="*+"),
    rf"(?:(<CommentsCorrectionsList>(?={W}<CommentsCorrections\b))|{_MESH_OPENS})",
)
_MESH = _compile(rf"{_close('CommentsCorrectionsList')}{W}{_MESH_OPENS}")
_TAIL = _compile(
    rf"{_close('MeshHeadingList')}{W}",
    _child("NumberOfReferences"),
    _child("PersonalNameSubjectList"),
    _child("OtherID", times="*+"),
    _child("OtherAbstract", times="*+"),
    rf"({_child('KeywordList', times='*+')})",
    _child("CoiStatement"),
    _child("SpaceFlightMission", times="*+"),
    _child("InvestigatorList"),
    _child("GeneralNote", times="*+"),
    rf"</MedlineCitation>{W}<PubmedData>{W}(<History>)?",
)
_END = rf"(?:(<ReferenceList>)|</PubmedData>{W}</PubmedArticle>[ \t\r\n]*+)"
_IDS = _compile(rf"{_close('History')}{W}", _child("PublicationStatus"), _child("ArticleIdList", keep=True), _END)
_REFERENCES = _compile(rf"{_close('ReferenceList')}{W}{_END}")


def lay_out(data: bytes, at: int, wanted: frozenset[str]) -> Parts:
    """The parts of a usual record that begins here; raises Unusual for any other.

    wanted: which of authors, corrections and mesh to give; the others are None. What is given of them and of the
    abstract runs to the first end tag without a blank in it. Their readers must account for all of it: with
    `</Abstract >` it would run on.
    """
    (
        version, pmid, revised_year, revised_month, revised_day, year, month, day, free,
        title, locations, opened,
    ), at = _groups(_HEAD, data, at)  # fmt: skip
    abstract, at = _content(data, at, b"</Abstract>") if opened else (None, at)
    (opened,), at = _groups(_AUTHORS, data, at)
    authors, at = _list(data, at, b"AuthorList", "authors" in wanted) if opened else (None, at)
    (languages, banks, types, journal, corrected, opened), at = _groups(_MIDDLE, data, at)
    corrections = None
    if corrected:
        corrections, at = _list(data, at, b"CommentsCorrectionsList", "corrections" in wanted)
        (opened,), at = _groups(_MESH, data, at)
    mesh, at = _list(data, at, b"MeshHeadingList", "mesh" in wanted) if opened else (None, at)
    (keywords, opened), at = _groups(_TAIL, data, at)
    (ids, opened), at = _groups(_IDS, data, _end(data, at, b"History") if opened else at)
    while opened:
        (opened,), at = _groups(_REFERENCES, data, _end(data, at, b"ReferenceList"))
    return Parts(
        pmid, version, (revised_year, revised_month, revised_day), (year, month, day, free),
        title, locations, abstract, authors, languages, banks, types, journal, corrections, mesh, keywords, ids, at,
    )  # fmt: skip


def _groups(pattern: re.Pattern[bytes], data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    """The groups of the pattern at this place, and where it ends."""
    found = pattern.match(data, at)
    if not found:
        raise Unusual
    return found.groups(), found.end()


def _list(data: bytes, at: int, name: bytes, wanted: bool) -> tuple[bytes | None, int]:
    """The content of a list whose opening tag ends here, None if it is unwanted; and where its end tag begins."""
    return _content(data, at, b"</%b>" % name) if wanted else (None, _end(data, at, name))


def _content(data: bytes, at: int, end: bytes) -> tuple[bytes, int]:
    stop = data.index(end, at)
    return data[at:stop], stop


def _end(data: bytes, at: int, name: bytes) -> int:
    """Where the end tag of an open element that is not read begins; its name must not come before, be it as a word."""
    end = data.index(name, at) - 2
    if not data.startswith(b"</", end):
        raise Unusual
    return end
