"""Records in the text forms of efetch, MEDLINE and abstract: neither has an end mark, so a cut one can look whole."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from msminer.sandbox.records import Record

_WIDTH = 80


def _text(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())


def _date(node: Any) -> str:
    return "" if node is None else " ".join(e.text or "" for e in node if e.tag not in {"Hour", "Minute"})


def _lines(root: Any) -> Iterator[tuple[str, str]]:
    core = root.find("MedlineCitation")
    core = root.find("BookDocument") if core is None else core
    yield "PMID", core.findtext("PMID")
    yield "STAT", core.get("Status") or "Publisher"
    for name, path in (("DCOM", "DateCompleted"), ("LR", "DateRevised")):
        if core.find(path) is not None:
            yield name, _date(core.find(path)).replace(" ", "")
    for name, path in _BEFORE:
        yield from ((name, _date(node) if name == "DP" else _text(node)) for node in core.iterfind(path))
    for person in core.iterfind(".//AuthorList/Author"):
        yield from _author(person)
    for name, path in _AFTER:
        yield from ((name, _text(node)) for node in core.iterfind(path))
    yield from _end(root, core)


def _author(person: Any) -> Iterator[tuple[str, str]]:
    last = person.findtext("LastName")
    if last:
        yield "FAU", f"{last}, {person.findtext('ForeName') or ''}".rstrip(", ")
        yield "AU", f"{last} {person.findtext('Initials') or ''}".strip()
    else:
        yield "CN", person.findtext("CollectiveName") or ""


def _end(root: Any, core: Any) -> Iterator[tuple[str, str]]:
    for node in core.iterfind("MeshHeadingList/MeshHeading"):
        yield "MH", "/".join(("*" if e.get("MajorTopicYN") == "Y" else "") + _text(e) for e in node)
    for stamp in root.iterfind(".//History/PubMedPubDate"):
        name = {"pubmed": "EDAT", "medline": "MHDA", "entrez": "CRDT"}.get(stamp.get("PubStatus") or "")
        if name:
            yield name, moment(stamp)
    for node in root.iterfind("PubmedData/ArticleIdList/ArticleId"):
        if node.get("IdType") in {"doi", "pii"}:
            yield "AID", f"{node.text} [{node.get('IdType')}]"
        elif node.get("IdType") == "pmc":
            yield "PMC", node.text or ""


_BEFORE = (
    ("VI", "Article/Journal/JournalIssue/Volume"),
    ("IP", "Article/Journal/JournalIssue/Issue"),
    ("DP", "Article/Journal/JournalIssue/PubDate"),
    ("TI", ".//ArticleTitle"),
    ("PG", "Article/Pagination/MedlinePgn"),
)
_AFTER = (
    ("AB", ".//Abstract"),
    ("LA", ".//Language"),
    ("PT", ".//PublicationType"),
    ("TA", "MedlineJournalInfo/MedlineTA"),
    ("JT", "Article/Journal/Title"),
    ("OT", "KeywordList/Keyword"),
)


def moment(node: Any) -> str:
    """A history entry as yyyy/mm/dd hh:mm, midnight where it has no time."""
    year, month, day = (int(node.findtext(part) or 1) for part in ("Year", "Month", "Day"))
    hour, minute = (int(node.findtext(part) or 0) for part in ("Hour", "Minute"))
    return f"{year}/{month:02d}/{day:02d} {hour:02d}:{minute:02d}"


def medline_text(record: Record) -> str:
    """The record in MEDLINE form: tag in four columns, continuation lines by six blanks, a blank line before."""
    lines = [""]
    for name, value in _lines(record.tree):
        wrapped = textwrap.wrap(value, _WIDTH + 2, break_long_words=False, break_on_hyphens=False) or [""]
        lines.append(f"{name:<4}- {wrapped[0]}")
        lines.extend(f"      {more}" for more in wrapped[1:])
    return "\n".join(lines) + "\n"


def abstract_text(record: Record, number: int) -> str:
    """The record as numbered text, wrapped at 80 with a blank before each wrap."""
    fields: dict[str, list[str]] = {}
    for name, value in _lines(record.tree):
        fields.setdefault(name, []).append(value)
    head = f"{number}. {' '.join(fields.get('TA', []))}. {' '.join(fields.get('DP', []))}."
    blocks = [
        head,
        *fields.get("TI", []),
        ", ".join(fields.get("AU", [])) + ".",
        *fields.get("AB", []),
        f"PMID: {record.pmid}",
    ]
    return "\n\n".join(" \n".join(textwrap.wrap(block, _WIDTH)) for block in blocks if block.strip(". ")) + "\n"
