"""The rules that turn a record's values into fields, whichever reader found the values."""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msminer.errors import DamagedXml
from msminer.pubmed.xmltext import squeeze

if TYPE_CHECKING:
    from msminer.schema import Correction

# notes of NLM and NCBI: up to 8 digits today; `34320281,1` would be read as two.
PMID = re.compile(r"[1-9][0-9]{0,8}")
_VERSION = re.compile(r"[0-9]{1,4}")
_YEAR = re.compile(r"\b[12][0-9]{3}\b")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: f"{number:02d}" for number, name in enumerate(_MONTH_NAMES, 1)}
_ONE_MONTH = re.compile(r"([12][0-9]{3}) ([A-Za-z]{3})(?: ([0-9]{1,2})(?P<days>-[0-9]{1,2})?)?")
# Databanks of data, not of trials: https://www.nlm.nih.gov/bsd/medline_databank_source.html (2025). What is in none
# of them counts as a registry, so that a registry new to the list is not lost.
_DATA_BANKS = frozenset(
    {"bioproject", "dbgap", "dbsnp", "dbvar", "dryad", "figshare", "gdb", "genbank", "geo", "gsdb", "mendeley", "omim"}
    | {"osf", "pdb", "pir", "pubchem-bioassay", "pubchem-compound", "pubchem-substance", "refseq", "sra", "swissprot"}
    | {"unimes", "uniparc", "uniprotkb", "uniref", "zenodo"}
)


def pmid_version(number: str, version: str) -> tuple[str, int]:
    """PMID and version, checked; raises DamagedXml."""
    if not PMID.fullmatch(number):
        raise DamagedXml("a record has no valid PMID", found=number[:40])
    if not _VERSION.fullmatch(version):
        raise DamagedXml("a record's version is no number", pmid=number, version=version[:40])
    return number, int(version)


def is_registry(databank: str) -> bool:
    """Whether a DataBankName is a registry of trials."""
    return databank.lower() not in _DATA_BANKS


def is_retracted(types: Iterable[tuple[str | None, str]], corrections: Iterable[Correction]) -> bool:
    """Whether the article itself is retracted: RetractionIn, or the type Retracted Publication (D016441).

    types: identifier and name of each publication type. A notice of retraction (RetractionOf) is not retracted.
    """
    named = any(ui == "D016441" or name == "Retracted Publication" for ui, name in types)
    return named or any(entry["type"] == "RetractionIn" for entry in corrections)


def pub_date(year: str, month: str, day: str, free: str) -> tuple[int | None, str | None]:
    """Year and ISO date of a PubDate, as far as they are known; `free` is its MedlineDate."""
    return (int(year), iso_date(year, month, day)) if _YEAR.fullmatch(year) else medline_date(year or free)


def medline_date(text: str) -> tuple[int | None, str | None]:
    """First year and ISO date of a free date, or (None, None): '2015 May 1-15' is 2015-05, '1998 Dec-1999 Jan' 1998."""
    found = _YEAR.search(text)
    if not found:
        return None, None
    exact = _ONE_MONTH.fullmatch(squeeze(text))
    if not exact:
        return int(found[0]), found[0]
    return int(found[0]), iso_date(exact[1], exact[2], "" if exact["days"] else exact[3] or "")


@functools.lru_cache(maxsize=4096)  # a file holds few different dates
def iso_date(year: str, month: str, day: str) -> str:
    """YYYY, YYYY-MM or YYYY-MM-DD; a month that is neither number nor English name, or a day that is none, ends it."""
    number = _month(month)
    if not number:
        return year
    return f"{year}-{number}-{day.zfill(2)}" if _is_day(int(year), int(number), day) else f"{year}-{number}"


def _month(text: str) -> str:
    if text.isascii() and text.isdecimal():
        return text.zfill(2) if 1 <= int(text) <= 12 else ""
    return _MONTHS.get(text[:3].lower(), "") if text.isalpha() else ""


def _is_day(year: int, month: int, text: str) -> bool:
    if not (text.isascii() and text.isdecimal()):
        return False
    try:
        datetime.date(year, month, int(text))
    except ValueError:
        return False
    return True


def full_date(year: str, month: str, day: str) -> str | None:
    """ISO date of a DateRevised, as far as it is known; None without a year."""
    return iso_date(year, month, day) if _YEAR.fullmatch(year) else None
