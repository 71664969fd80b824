"""Records and sets of records that are damaged, doubled, of another kind or unsafe."""

from __future__ import annotations

import re
from dataclasses import replace

from msminer.sandbox.records import Record

_BOOK = """<PubmedBookArticle><BookDocument><PMID Version="1">{pmid}</PMID>
<ArticleIdList><ArticleId IdType="bookaccession">NBK999999</ArticleId></ArticleIdList>
<Book><Publisher><PublisherName>Invented Press</PublisherName><PublisherLocation>Nowhere</PublisherLocation></Publisher>
<BookTitle book="inv">An invented book<sup>&#xae;</sup></BookTitle><PubDate><Year>2020</Year></PubDate></Book>
<ArticleTitle book="inv" part="one">An invented chapter</ArticleTitle><Language>eng</Language>
<PublicationType UI="D016454">Review</PublicationType>
<Abstract><AbstractText>Stem cells and multiple sclerosis, invented.</AbstractText></Abstract></BookDocument>
<PubmedBookData><History><PubMedPubDate PubStatus="entrez"><Year>2020</Year><Month>9</Month><Day>4</Day></PubMedPubDate>
</History><PublicationStatus>ppublish</PublicationStatus>
<ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId></ArticleIdList></PubmedBookData></PubmedBookArticle>"""
_BAD = {"reference": b"&#x1;", "control": b"\x01", "utf8": b"\xff\xfe"}


def versions(record: Record) -> tuple[Record, Record]:
    """The record as Version 1 with an older title, and as Version 2."""
    older = re.sub(r"<ArticleTitle([^>]*)>", r"<ArticleTitle\1>Superseded: ", record.raw, count=1)
    newer = re.sub(r'<PMID Version="\d+">', '<PMID Version="2">', record.raw, count=1)
    return replace(record, raw=older), replace(record, raw=newer, version=2)


def as_book(record: Record) -> Record:
    """A book chapter under the record's PMID."""
    raw = _BOOK.replace("\n", "").format(pmid=record.pmid)
    return replace(record, raw=raw, kind="book")


def damaged(body: bytes, form: str, pmid: object = None) -> bytes:
    """A set with a bad character in the title of one record, the first where none is named."""
    start = 0
    if pmid is not None:
        found = re.search(rb"<PMID Version=\"\d+\">%d</PMID>" % int(str(pmid)), body)
        start = found.end() if found else len(body)
    title = re.compile(rb"<ArticleTitle[^>]*>|<Book>").search(body, start)
    return body if title is None else body[: title.end()] + _BAD[form] + body[title.end() :]


def with_entities(body: bytes, form: str, file: str) -> bytes:
    """A set whose DOCTYPE declares entities: ten levels of ten, or one that reads a file."""
    if form == "xxe":
        subset = f'<!ENTITY x SYSTEM "file://{file}">'
    else:
        levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
        subset = f'<!ENTITY e0 "lol">{levels}<!ENTITY x "&e9;">'
    head = f'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet [{subset}]>\n'.encode()
    rest = body[body.find(b"<PubmedArticleSet") :]
    return head + re.sub(rb"<ArticleTitle([^>]*)>", rb"<ArticleTitle\1>&x;", rest)


def with_new_dtd(body: bytes) -> bytes:
    """A set of next year: another DTD and an element nobody knows."""
    dated = body.replace(b"1st January 2025", b"1st January 2026").replace(b"pubmed_250101.dtd", b"pubmed_260101.dtd")
    return dated.replace(
        b"</MedlineCitation>", b'<ReplicationStatus Kind="new">unknown</ReplicationStatus></MedlineCitation>'
    )
