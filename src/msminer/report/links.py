"""Where a paper is found: PubMed, else its DOI, else nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msminer.report.bundle import is_local
from msminer.report.values import whole

PUBMED = "https://pubmed.ncbi.nlm.nih.gov/"
DOI = "https://doi.org/"
# The form Crossref gives for modern DOIs (its "DOIs and matching regular expressions" page), any suffix without blanks.
_DOI = re.compile(r"10\.\d{4,9}/\S+")


def paper_url(pmid: str | None, doi: str | None) -> str | None:
    """Address of a paper, or None: identifiers of our own never become a PubMed link, broken DOIs no link at all."""
    if pmid is not None and not is_local(pmid):
        return f"{PUBMED}{int(pmid)}/"
    if doi is not None and _DOI.fullmatch(doi):
        return DOI + quote(doi, safe="/:.;()-_")
    return None


def shown_id(pmid: str | None, doi: str | None) -> str:
    """How a paper's identifier is printed; one of our own is never called a PMID."""
    if pmid is not None and not is_local(pmid):
        return f"PMID {pmid}"
    return f"doi:{doi}" if doi else "no public identifier"


def name_of(paper: Mapping[str, Any]) -> str:
    """Author and year of a paper, e.g. Nash 2017; its journal stands in for an unknown author, nothing for a year."""
    author = paper.get("first_author") or paper.get("journal") or first_words(str(paper.get("title") or ""))
    year = whole(paper.get("year"))
    return f"{author} {year}" if year else str(author)


def first_words(title: str, most: int = 4) -> str:
    """The start of a title, for a paper without author and journal."""
    words = title.split()
    return " ".join(words[:most])[:60] + ("…" if len(words) > most else "") or "Unnamed"
