"""MEDLINE text, as PubMed's website saves it (.nbib, or .txt in the format PubMed), becomes ParsedRecords.

The format has no end mark: an export cut between two records looks whole, so every answer says that it is not proved
complete. Bio.Medline is not used: it makes two entries of a comment, author or keyword that runs over a line's end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msminer.errors import DamagedXml, NotPubMed
from msminer.pubmed import rules
from msminer.pubmed.parse import BadRecord, newest
from msminer.pubmed.xmltext import squeeze

if TYPE_CHECKING:
    from msminer.schema import Correction, MeshHeading, ParsedRecord

# The website saves at most this many (PubMed help, 2025); a file of just as many is likely cut short by it.
WEBSITE_LIMIT = 10_000
_TAG = re.compile(r"([A-Z][A-Z0-9]{1,3}) *- ?(.*)")
_IDENTIFIER = re.compile(r"(\S+) \[(doi|pii)\]")
_COMMENT_PMID = re.compile(r"\s*PMID: ?([1-9][0-9]{0,8})\s*$")
# Tags of the MEDLINE format, https://pubmed.ncbi.nlm.nih.gov/help/#pubmed-format, with the RefType of the XML.
_CORRECTIONS = {
    "CIN": "CommentIn",
    "CON": "CommentOn",
    "CRF": "CorrectedandRepublishedFrom",
    "CRI": "CorrectedandRepublishedIn",
    "DDIN": "AssociatedDataset",
    "DRIN": "AssociatedPublication",
    "ECF": "ExpressionOfConcernFor",
    "ECI": "ExpressionOfConcernIn",
    "EFR": "ErratumFor",
    "EIN": "ErratumIn",
    "ORI": "OriginalReportIn",
    "RIN": "RetractionIn",
    "ROF": "RetractionOf",
    "RPF": "RepublishedFrom",
    "RPI": "RepublishedIn",
    "RRF": "RetractedandRepublishedFrom",
    "RRI": "RetractedandRepublishedIn",
    "SPIN": "SummaryForPatientsIn",
    "UIN": "UpdateIn",
    "UOF": "UpdateOf",
}

_Fields = dict[str, list[str]]


@dataclass(frozen=True)
class MedlineExport:
    """Records of an export, records set aside, and why it is not proved complete (never empty: the format cannot)."""

    records: list[ParsedRecord] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    doubt: str = "this text format has no end mark: records after the last one may be missing"


def parse_medline(data: bytes, *, source: str = "export") -> MedlineExport:
    """All records of an export held in memory; a record without PMID or without its last field (SO) is set aside.

    An abstract is one section without label: its labels stand in the text, and headings have no identifiers. Raises
    NotPubMed for another format, DamagedXml when it is not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedXml("the export is not UTF-8 text", source=source, at=error.start) from error
    if not re.match(r"\s*PMID ?- ?[1-9]", text):
        raise NotPubMed("not MEDLINE text; on PubMed's website, save in the format PubMed", source=source)
    records: list[ParsedRecord] = []
    bad: list[BadRecord] = []
    for block in re.split(r"(?:\r?\n){2,}", text.strip("\r\n")):
        try:
            records.append(_record(_unfold(block)))
        except DamagedXml as error:
            bad.append(BadRecord(_first_pmid(block), str(error), block.encode()))
    doubt = MedlineExport.doubt
    if len(records) + len(bad) >= WEBSITE_LIMIT:
        doubt += f"; the website saves at most {WEBSITE_LIMIT} records, and this file has as many"
    return MedlineExport(newest(records), bad, doubt)


def _first_pmid(block: str) -> str | None:
    found = re.search(r"^PMID ?- ?([1-9][0-9]{0,8})\s*$", block, re.MULTILINE)
    return found[1] if found else None


def _unfold(block: str) -> _Fields:
    """Fields by tag, continuation lines joined to their field; raises DamagedXml on a line that is neither."""
    fields: _Fields = {}
    values: list[str] = []
    for line in block.splitlines():
        tag = _TAG.match(line)
        if tag and not line.startswith(" "):
            values = fields.setdefault(tag[1], [])
            values.append(tag[2])
        elif line.startswith("   ") and values:
            values[-1] += " " + line.strip()
        elif line.strip():
            raise DamagedXml("a line is neither a field nor the rest of one", line=line[:60])
    return {name: [squeeze(value) for value in found] for name, found in fields.items()}


def _record(fields: _Fields) -> ParsedRecord:
    if "SO" not in fields:
        raise DamagedXml("the record has no last field (SO); the export is cut in it")
    number, version = rules.pmid_version(_first(fields, "PMID"), "1")
    year, date = rules.medline_date(_first(fields, "DP"))
    abstract = _first(fields, "AB")
    types = fields.get("PT", [])
    corrections = _corrections(fields)
    return {
        "pmid": number,
        "version": version,
        "kind": "book" if "BTI" in fields else "article",
        "title": _first(fields, "TI") or _first(fields, "BTI"),
        "abstract": abstract,
        "sections": [{"label": None, "text": abstract}] if abstract else [],
        "year": year,
        "date": date,
        "journal": _first(fields, "TA") or _first(fields, "JT") or None,
        "authors": [*fields.get("AU", []), *fields.get("CN", [])],
        "doi": _doi(fields),
        "pmcid": _first(fields, "PMC") or None,
        "mesh": [_heading(text) for text in fields.get("MH", [])],
        "publication_types": types,
        "keywords": [text.removeprefix("*") for text in fields.get("OT", [])],
        "languages": fields.get("LA", []),
        "trial_ids": _trial_ids(fields),
        "corrections": corrections,
        "retracted": rules.is_retracted(((None, name) for name in types), corrections),
        "date_revised": _day(_first(fields, "LR")),
    }


def _first(fields: _Fields, tag: str) -> str:
    return fields.get(tag, [""])[0]


def _doi(fields: _Fields) -> str | None:
    """AID holds the record's identifiers, LID the places it says it is at."""
    pairs = (_IDENTIFIER.fullmatch(text) for tag in ("AID", "LID") for text in fields.get(tag, []))
    return next((found[1] for found in pairs if found and found[2] == "doi"), None)


def _heading(text: str) -> MeshHeading:
    """'*Multiple Sclerosis/drug therapy/*genetics': a star marks a major topic."""
    name, *below = text.split("/")
    qualifiers: list[dict[str, Any]] = [_term(part) for part in below]
    return {"ui": None, "name": name.removeprefix("*"), "major": name.startswith("*"), "qualifiers": qualifiers}


def _term(text: str) -> dict[str, Any]:
    return {"ui": None, "name": text.removeprefix("*"), "major": text.startswith("*")}


def _trial_ids(fields: _Fields) -> list[str]:
    pairs = (text.partition("/") for text in fields.get("SI", []))
    return [number for bank, _, number in pairs if number and rules.is_registry(bank)]


def _corrections(fields: _Fields) -> list[Correction]:
    found: list[Correction] = []
    for tag, kind in _CORRECTIONS.items():
        for text in fields.get(tag, []):
            pmid = _COMMENT_PMID.search(text)
            source = text[: pmid.start()] if pmid else text
            found.append({"type": kind, "pmid": pmid[1] if pmid else None, "source": source or None})
    return found


def _day(text: str) -> str | None:
    """'20041117' as 2004-11-17."""
    return rules.full_date(text[:4], text[4:6], text[6:]) if text else None
