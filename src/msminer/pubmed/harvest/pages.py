"""One list of PMIDs becomes checked pages: asked = received + set aside + named missing, or the page is rejected."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msminer.errors import DamagedXml, IncompleteResult, NotPubMed, PageTooHeavy
from msminer.pubmed.entrez import Entrez
from msminer.pubmed.parse import ParsedPage, parse_page
from msminer.store import Page, SetAside, by_number

SOURCE = "efetch"
# The newest document type that NLM had published in 2026-11; a newer one is read all the same, with a warning.
NEWEST_DTD = 250101
_DTD = re.compile(rb"pubmed_(\d{6})\.dtd")


def fetch_pages(client: Entrez, pmids: Sequence[str]) -> list[Page]:
    """The pages of up to 200 PMIDs; what is missing is asked for once more alone.

    Raises IncompleteResult when PubMed sends records that were not asked for, UnsafeXml, PubMedError.
    """
    pages = _fetch(client, pmids)
    missing = by_number(pmid for page in pages for pmid in page.missing)
    if not missing:
        return pages
    open_pages = [_unsettled(page) for page in pages]
    return [*open_pages, *_fetch(client, missing)]


def _unsettled(page: Page) -> Page:
    return Page(page.source, page.asked, page.raw, page.records, page.bad, page.missing, settled=False)


def _fetch(client: Entrez, pmids: Sequence[str], *, rejected: int = 0) -> list[Page]:
    try:
        body = client.fetch(pmids)
    except PageTooHeavy:
        if len(pmids) == 1:
            raise
        return _halves(client, pmids)
    try:
        parsed = parse_page(body, source=SOURCE)
    except (DamagedXml, NotPubMed) as error:
        if len(pmids) > 1:
            return _halves(client, pmids)
        return [Page(SOURCE, pmids, body, [], [SetAside(pmids[0], str(error), body)])]
    foreign = {record["pmid"] for record in parsed.records} - set(pmids)
    if foreign and not rejected:
        return _fetch(client, pmids, rejected=1)
    if foreign:
        raise IncompleteResult(
            "PubMed sent records that were not asked for; the page is rejected", foreign=sorted(foreign)[:5]
        )
    return _checked(client, pmids, body, parsed)


def _checked(client: Entrez, pmids: Sequence[str], body: bytes, parsed: ParsedPage) -> list[Page]:
    got = {record["pmid"] for record in parsed.records}
    bad = [SetAside(each.pmid, each.reason, each.raw) for each in parsed.bad if each.pmid not in got]
    if any(each.pmid not in pmids for each in bad):
        if len(pmids) > 1:
            return _halves(client, pmids)
        bad = [SetAside(pmids[0], each.reason, each.raw) for each in bad]
    missing = by_number(set(pmids) - got - {each.pmid for each in bad if each.pmid})
    return [Page(SOURCE, pmids, body, parsed.records, bad, missing)]


def _halves(client: Entrez, pmids: Sequence[str]) -> list[Page]:
    middle = len(pmids) // 2
    return [*_fetch(client, pmids[:middle]), *_fetch(client, pmids[middle:])]


def newer_dtd(pages: Sequence[Page]) -> str | None:
    """The name of a document type newer than those known, or None."""
    for page in pages:
        said = _DTD.search(page.raw[:1000]) if page.raw else None
        if said and int(said[1]) > NEWEST_DTD:
            return said[0].decode()
    return None
