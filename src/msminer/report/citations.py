"""The publications as RIS and BibTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import pandas as pd

from msminer.report.bundle import is_local
from msminer.report.links import paper_url
from msminer.report.values import present, whole

# Characters LaTeX would act on.
_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def ris(articles: pd.DataFrame, origin: str) -> str:
    """RIS of the articles (schema.ARTICLES), by rispy; no identifier of our own stands as an accession number."""
    import rispy

    return str(rispy.dumps([_ris_entry(row, origin) for row in articles.to_dict("records")]))


def _ris_entry(row: Mapping[Any, Any], origin: str) -> dict[str, Any]:
    pmid, doi = str(row["pmid"]), present(row["doi"])
    entry = {
        "type_of_reference": "BOOK" if row["kind"] == "book" else "JOUR",
        "title": _line(row["title"]) or "[no title]",
        "authors": [_line(name) for name in row["authors"]],
        "year": str(whole(row["year"]) or ""),
        "journal_name": _line(present(row["journal"]) or ""),
        "doi": _line(doi or ""),
        "accession_number": "" if is_local(pmid) else pmid,
        "urls": [url for url in [paper_url(pmid, doi)] if url],
        "notes": [note for note in notes(row, origin) if note],
    }
    return {key: value for key, value in entry.items() if value}


def notes(row: Mapping[Any, Any], origin: str) -> list[str]:
    """What a reader of the reference must know."""
    return [
        "Retracted." if row["retracted"] else "",
        "An expression of concern stands." if row["concern"] else "",
        "From msminer's offline sample: the title may be a description." if origin == "sample" else "",
    ]


def bibtex(articles: pd.DataFrame, origin: str) -> str:
    """BibTeX of the articles; keys are pmid or local and the identifier."""
    return "\n".join(_bib_entry(row, origin) for row in articles.to_dict("records"))


def _bib_entry(row: Mapping[Any, Any], origin: str) -> str:
    pmid, doi = str(row["pmid"]), present(row["doi"])
    local = is_local(pmid)
    fields = {
        "title": "{" + _tex(row["title"]) + "}" if row["title"] else "",
        "author": " and ".join("{" + _tex(name) + "}" for name in row["authors"]),
        "year": str(whole(row["year"]) or ""),
        "journal": _tex(present(row["journal"]) or ""),
        "doi": _tex(doi or ""),
        "pmid": "" if local else pmid,
        "url": paper_url(pmid, doi) or "",
        "note": " ".join(filter(None, notes(row, origin))),
    }
    key = re.sub(r"\W", "", f"local{pmid}" if local else f"pmid{pmid}")
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@{'book' if row['kind'] == 'book' else 'article'}{{{key},\n{body}}}\n"


def _line(text: object) -> str:
    """One line without control or direction-changing characters: a line break would start a new RIS field."""
    kept = (" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in str(text) if c not in _DIRECTIONS)
    return " ".join("".join(kept).split())


_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _tex(text: object) -> str:
    return "".join(_TEX.get(c, c) for c in _line(text))
