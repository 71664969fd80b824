"""The usual record read straight from its bytes, several times as fast as through a tree and to the same result.

It may only be given well-formed XML without comments, CDATA sections, instructions and inherited namespaces. `layout`
finds the parts and `lists` reads those that are lists. Whatever is not laid out as PubMed lays it out raises Unusual,
and the caller reads that record through a tree instead. Tests hold both readers against each other on every record
there is, and on mutated ones.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from msminer.errors import ParseError
from msminer.pubmed import lists, rules
from msminer.pubmed.columns import EVERY
from msminer.pubmed.layout import Parts, Unusual, W, lay_out
from msminer.pubmed.lists import all_clean, attribute, clean
from msminer.pubmed.record import trial_ids
from msminer.pubmed.strict import read_tree
from msminer.pubmed.xmltext import plain

if TYPE_CHECKING:
    from msminer.schema import ParsedRecord, Section

_SECTION = re.compile(rf"{W}<AbstractText((?: [\w:]++=\"[^\"<\t\r\n]*+\")*+)")
_REST = re.compile(
    rf"{W}(?:<CopyrightInformation>[^<]*+(?:<(?!/?CopyrightInformation\b)[^<]*+)*+</CopyrightInformation>{W})?"
)
_INLINE = re.compile(r"</?(?:[biu]|su[bp])>")


def quick_record(data: bytes, at: int = 0, wanted: frozenset[str] = EVERY.parts) -> tuple[ParsedRecord, int]:
    """The usual PubmedArticle that begins here, and where the next one begins; raises Unusual for any other.

    wanted: the long parts to read; columns of the others are empty and must not be shown.
    """
    try:
        parts = lay_out(data, at, wanted)
        return _record(parts, wanted), parts.end
    except (ValueError, ParseError) as error:
        raise Unusual from error


def _record(parts: Parts, wanted: frozenset[str]) -> ParsedRecord:
    """All columns; what is read from parts that are not wanted is empty."""
    (
        pmid, version, revised, published, title, locations, abstract, authors,
        languages, banks, types, journal, corrections, mesh, keywords, ids, _,
    ) = parts  # fmt: skip
    year, date = _published(*published)
    names, retracted = lists.types(types)
    sections = _sections(abstract.decode()) if abstract else []
    notes = lists.corrections(corrections.decode()) if corrections else []
    numbers = lists.article_ids(ids.decode()) if ids and "ids" in wanted else {}
    own = lists.own_doi(locations) if locations and "ids" in wanted and "doi" not in numbers else None
    return {
        "pmid": pmid.decode(),
        "version": int(version or 1),
        "kind": "article",
        "title": _flattened(title.decode()) if title else "",
        "abstract": " ".join([section["text"] for section in sections]),
        "sections": sections,
        "year": year,
        "date": date,
        "journal": _journal(journal),
        "authors": lists.authors(authors.decode()) if authors else [],
        "doi": numbers.get("doi") or own,
        "pmcid": numbers.get("pmc"),
        "mesh": lists.headings(mesh.decode()) if mesh else [],
        "publication_types": list(names),
        "keywords": lists.keywords(keywords.decode()) if keywords and "keywords" in wanted else [],
        "languages": list(lists.languages(languages)),
        "trial_ids": trial_ids(read_tree(b"<Article>%b</Article>" % banks)) if banks and "banks" in wanted else [],
        "corrections": notes,
        "retracted": retracted or (bool(notes) and rules.is_retracted((), notes)),
        "date_revised": _revised(*revised),
    }


def _flattened(text: str) -> str:
    """Text with inline tags: the plain ones just go, formulas and the like are read through a tree."""
    if "<" not in text:
        return clean(text)
    bare = _INLINE.sub("", text)
    return plain(read_tree(f"<text>{text}</text>".encode())) if "<" in bare else clean(bare)


def _sections(abstract: str) -> list[Section]:
    *parts, rest = abstract.split("</AbstractText>")
    if "<" in rest and not _REST.fullmatch(rest):
        raise Unusual
    labels, texts = [], []
    for part in parts:
        opening, _, text = part.partition(">")
        labels.append(_label(opening))
        texts.append(text)
    found = zip(labels, all_clean(texts, _inside), strict=True)
    return [{"label": label, "text": text} for label, text in found if text]


def _inside(text: str) -> str:
    """The text of a section, flattened."""
    if "<AbstractText" in text:
        raise Unusual
    return _flattened(text)


@functools.lru_cache(maxsize=4096)  # a file holds few different labels
def _label(opening: str) -> str | None:
    """The label of an AbstractText, by its opening tag up to the first `>`."""
    found = _SECTION.fullmatch(opening)
    if not found:
        raise Unusual
    return attribute(found[1], "Label") or None


@functools.lru_cache(maxsize=4096)  # a file holds few different journals and dates
def _journal(name: bytes) -> str:
    journal = clean(name.decode())
    if not journal:
        raise Unusual
    return journal


@functools.lru_cache(maxsize=4096)
def _published(*date: bytes | None) -> tuple[int | None, str | None]:
    year, month, day, free = ((part or b"").decode() for part in date)
    return rules.pub_date(year, month, day, clean(free))


@functools.lru_cache(maxsize=4096)
def _revised(*date: bytes | None) -> str | None:
    year, month, day = ((part or b"").decode() for part in date)
    return rules.full_date(year, month, day)
