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
from msminer.sandbox.contents import dates_of, values_of
from msminer.sandbox.normal import flat

_RECORD = re.compile(r"<(PubmedArticle|PubmedBookArticle)(?:\s[^>]*)?>.*?</\1\s*>", re.DOTALL)
_DELETED = re.compile(r"<DeleteCitation>(.*?)</DeleteCitation>", re.DOTALL)
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


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
    record.values = values_of(record.kind, root, core, article)
    record.dates = dates_of(root, core, article)
    return record


def _line(node: Any, path: str) -> str:
    found = None if node is None else node.find(path)
    return "" if found is None else "".join(found.itertext()).strip()
