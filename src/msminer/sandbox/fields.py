"""The field tags of the sandbox's search language, and words that PubMed never looks up.

Source of the tag list: NLM's PubMed user guide as summed up in docs/sandbox.md; names as einfo lists them. A tag that
is not here is ignored in silence, as the real service does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shape = Literal["text", "value", "date", "number"]


@dataclass(frozen=True)
class SearchField:
    """One searchable field: einfo's short name, the name in query translations, how its values are matched."""

    name: str
    label: str
    shape: Shape
    tags: tuple[str, ...]


_FIELDS = (
    SearchField("ALL", "All Fields", "text", ("all", "all fields")),
    SearchField("UID", "UID", "number", ("uid", "pmid")),
    SearchField("FILT", "Filter", "value", ("sb", "filter", "subset")),
    SearchField("TITL", "Title", "text", ("ti", "title")),
    SearchField("TIAB", "Title/Abstract", "text", ("tiab", "title/abstract")),
    SearchField("WORD", "Text Word", "text", ("tw", "text word", "text words")),
    SearchField("MESH", "MeSH Terms", "value", ("mh", "mesh", "mesh terms")),
    SearchField("MESH:NOEXP", "MeSH Terms:noexp", "value", ("mh:noexp", "mesh:noexp", "mesh terms:noexp")),
    SearchField("MAJR", "MeSH Major Topic", "value", ("majr", "mesh major topic")),
    SearchField("MAJR:NOEXP", "MeSH Major Topic:noexp", "value", ("majr:noexp", "mesh major topic:noexp")),
    SearchField("SUBH", "MeSH Subheading", "value", ("sh", "mesh subheading", "mesh subheadings")),
    SearchField("PTYP", "Publication Type", "value", ("pt", "publication type")),
    SearchField("LANG", "Language", "value", ("la", "language")),
    SearchField("JOUR", "Journal", "value", ("ta", "jour", "journal")),
    SearchField("JID", "NLM Unique ID", "value", ("jid", "nlm unique id")),
    SearchField("AUTH", "Author", "value", ("au", "author")),
    SearchField("FAUT", "Author - First", "value", ("1au", "author - first")),
    SearchField("LAUT", "Author - Last", "value", ("lastau", "author - last")),
    SearchField("FULL", "Author - Full", "value", ("fau", "author - full")),
    SearchField("COLN", "Author - Corporate", "value", ("cn", "author - corporate")),
    SearchField("AUID", "Author - Identifier", "value", ("auid", "author - identifier")),
    SearchField("INVR", "Investigator", "value", ("ir", "investigator")),
    SearchField("FINV", "Investigator - Full", "value", ("fir", "investigator - full")),
    SearchField("ED", "Editor", "value", ("ed", "editor")),
    SearchField("AFFL", "Affiliation", "text", ("ad", "affiliation")),
    SearchField("PDAT", "Date - Publication", "date", ("dp", "pdat", "date - publication", "publication date")),
    SearchField("CRDT", "Date - Create", "date", ("crdt", "date - create")),
    SearchField("EDAT", "Date - Entry", "date", ("edat", "date - entry", "entry date")),
    SearchField("MDAT", "Date - Modification", "date", ("lr", "mdat", "date - modification", "modification date")),
    SearchField("MHDA", "Date - MeSH", "date", ("mhda", "date - mesh", "mesh date")),
    SearchField("CDAT", "Date - Completion", "date", ("dcom", "date - completion", "completion date")),
    SearchField("AID", "Article Identifier", "value", ("aid", "article identifier", "doi")),
    SearchField("LID", "Location ID", "value", ("lid", "location id")),
    SearchField("VOL", "Volume", "value", ("vi", "volume")),
    SearchField("ISS", "Issue", "value", ("ip", "issue")),
    SearchField("PAGE", "Pagination", "value", ("pg", "pagination")),
    SearchField("OTRM", "Other Term", "value", ("ot", "other term")),
    SearchField("SI", "Secondary Source ID", "value", ("si", "secondary source id")),
    SearchField("SUBS", "Supplementary Concept", "value", ("nm", "supplementary concept", "substance name")),
    SearchField("ECNO", "EC/RN Number", "value", ("rn", "ec/rn number")),
    SearchField("PAPX", "Pharmacological Action", "value", ("pa", "pharmacological action")),
    SearchField("PS", "Subject - Personal Name", "value", ("ps", "subject - personal name")),
    SearchField("GRNT", "Grants and Funding", "value", ("gr", "grants and funding", "grant number")),
    SearchField("CNTY", "Place of Publication", "value", ("pl", "place of publication")),
    SearchField("PUBN", "Publisher", "value", ("pubn", "publisher")),
    SearchField("ISBN", "ISBN", "value", ("isbn",)),
    SearchField("BOOK", "Book", "value", ("book",)),
    SearchField("TT", "Transliterated Title", "text", ("tt", "transliterated title")),
    SearchField("COIS", "Conflict of Interest Statements", "text", ("cois", "conflict of interest statements")),
)
BY_NAME = {field.name: field for field in _FIELDS}
BY_TAG = {tag: field for field in _FIELDS for tag in field.tags}
LISTED = tuple(field for field in _FIELDS if ":" not in field.name)
ALL = BY_NAME["ALL"]

# NLM's list of PubMed stop words (PubMed user guide), shortened to those that turn up in searches of this subject.
_STOPPED = """
a about again all almost also although always among an and another any are as at be because been before being
between both but by can could did do does done due during each either enough especially etc for found from
further had has have having here how however i if in into is it its itself just made mainly make may might most
mostly must nearly neither nor of often on or our overall perhaps quite rather really regarding seem seen
several should show showed shown shows significantly since so some such than that the their theirs them then
there therefore these they this those through thus to upon use used using various very was we were what when
which while with within without would
"""
STOP_WORDS = frozenset(_STOPPED.split())


def by_tag(tag: str) -> SearchField | None:
    """The field of a tag as written between brackets; None for one PubMed does not know."""
    return BY_TAG.get(" ".join(tag.lower().split()))
