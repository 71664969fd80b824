"""Trial registry numbers, trial acronyms, patient numbers and follow-up, read from text with careful patterns."""

from __future__ import annotations

import re

# Shapes as the registries publish them (WHO ICTRP list of primary registries and ClinicalTrials.gov).
_NUMBERS = (
    ("NCT", re.compile(r"\bNCT[\s:#-]?(\d{8})\b", re.IGNORECASE), "NCT{}"),
    ("ISRCTN", re.compile(r"\bISRCTN[\s:#-]?(\d{8})\b", re.IGNORECASE), "ISRCTN{}"),
    ("EUDRACT", re.compile(r"\b(20[0-3]\d-\d{6}-\d{2})\b(?!-\d)"), "EUDRACT{}"),
    ("EUCT", re.compile(r"\b(20[0-3]\d-5\d{5}-\d{2}-\d{2})\b"), "EUCT{}"),
    ("ACTRN", re.compile(r"\bACTRN[\s:#-]?(\d{14})\b", re.IGNORECASE), "ACTRN{}"),
    ("CHICTR", re.compile(r"\bChiCTR[\s:#-]?((?:[A-Z]{2,4}-)?\d{8,10})\b", re.IGNORECASE), "CHICTR{}"),
    ("IRCT", re.compile(r"\bIRCT[\s:#-]?(\d{11,14}N\d{1,3})\b", re.IGNORECASE), "IRCT{}"),
    ("JRCT", re.compile(r"\bjRCTs?[\s:#-]?(\d{9,10})\b", re.IGNORECASE), "JRCT{}"),
    ("UMIN", re.compile(r"\bUMIN[\s:#-]?(\d{9})\b", re.IGNORECASE), "UMIN{}"),
    ("JPRN", re.compile(r"\bJapicCTI-?(\d{6})\b", re.IGNORECASE), "JAPICCTI{}"),
    ("CTRI", re.compile(r"\bCTRI/(\d{4}/\d{2,3}/\d{6})\b", re.IGNORECASE), "CTRI{}"),
    ("DRKS", re.compile(r"\bDRKS[\s:#-]?(\d{8})\b", re.IGNORECASE), "DRKS{}"),
    ("NTR", re.compile(r"\bNTR(\d{3,5})\b"), "NTR{}"),
    ("KCT", re.compile(r"\bKCT(\d{7})\b", re.IGNORECASE), "KCT{}"),
    ("TCTR", re.compile(r"\bTCTR(\d{11})\b", re.IGNORECASE), "TCTR{}"),
    ("RBR", re.compile(r"\bRBR-([0-9a-z]{6,8})\b", re.IGNORECASE), "RBR-{}"),
    ("PACTR", re.compile(r"\bPACTR(\d{15,16})\b", re.IGNORECASE), "PACTR{}"),
    ("SLCTR", re.compile(r"\bSLCTR/(\d{4}/\d{3})\b", re.IGNORECASE), "SLCTR{}"),
    ("RPCEC", re.compile(r"\bRPCEC(\d{8})\b", re.IGNORECASE), "RPCEC{}"),
)
# European numbers have no letters: a year of this century begins them.
_EUROPEAN = "20"

# Capitals that name no trial: diseases, cells, scales, drugs' doses, societies, methods of this field.
_NO_ACRONYM = frozenset(
    [
        "RRMS",
        "SPMS",
        "PPMS",
        "NMOSD",
        "HSCT",
        "AHSCT",
        "AHCT",
        "ASCT",
        "MSCS",
        "BM-MSC",
        "BM-MSCS",
        "AD-MSC",
        "AD-MSCS",
        "UC-MSC",
        "UC-MSCS",
        "UCMSC",
        "ADSC",
        "HADSC",
        "ADMSC",
        "MSC-NP",
        "MSC-NPS",
        "NPCS",
        "OPCS",
        "ESCS",
        "IPSC",
        "IPSCS",
        "EDSS",
        "MSFC",
        "MSIS",
        "SDMT",
        "PASAT",
        "BICAMS",
        "NEDA",
        "NEDA-3",
        "DMTS",
        "HRQOL",
        "MSQOL-54",
        "EBMT",
        "CIBMTR",
        "ECTRIMS",
        "BEAM",
        "BEAM-ATG",
        "IVIG",
        "GVHD",
        "COVID-19",
        "PRISMA",
        "AQP4",
        "TREG",
        "TREGS",
        "CD34",
        "CD19",
        "CD20",
        "GFAP",
        "BDNF",
        "AMPK",
        "LINGO-1",
        "PDA-001",
        "MESENCHYMAL",
        "STEM",
        "CELLS",
        "MULTIPLE",
        "SCLEROSIS",
    ]
)
_ACRONYM = re.compile(
    r"(?P<before>\(|\bthe |^)?(?<![\w-])"
    r"(?P<name>[A-Z][A-Za-z]*[A-Z]+[A-Za-z]*(?:-[A-Z0-9]+)*(?: (?:One|Two|Three|[IV]+|\d))?)"
    r"(?![\w-])(?P<after>\)|:| (?:trial|study|cohort|extension|final|interim|report))?"
)


def registry_numbers(*texts: str) -> tuple[str, ...]:
    """Normalised trial numbers in the texts, in a fixed order; NCT 01234567 and nct01234567 read NCT01234567."""
    found: dict[str, None] = {}
    every = "\n".join(texts).upper()
    for name, pattern, form in _NUMBERS:
        # Nearly every abstract lacks nearly every mark, and looking for one costs a twentieth of the pattern.
        if (_EUROPEAN if name.startswith("EU") else form.partition("{")[0]) in every:
            for text in texts:
                for match in pattern.finditer(text):
                    found.setdefault(form.format(match.group(1).upper()))
    return tuple(found)


def registry_of(number: str) -> str:
    """The registry a normalised number belongs to."""
    return next((name for name, _, form in _NUMBERS if number.startswith(form.split("{")[0])), number[:4])


def trial_acronyms(title: str | None) -> frozenset[str]:
    """Names of trials in a title: words of capitals where a trial is named, with their part (CCMR One), no terms.

    A trial is named in brackets, before a colon, after `the`, or beside trial, study, report and the like.
    """
    text = title or ""
    letters = [one for one in text if one.isalpha()]
    if not letters or sum(one.isupper() for one in letters) > len(letters) / 2:
        return frozenset()
    found = {match["name"].upper() for match in _ACRONYM.finditer(text) if match["before"] or match["after"]}
    return frozenset(name for name in found if len(name) >= 4 and name not in _NO_ACRONYM)


_COUNT = r"(\d{1,3}(?:,\d{3})+|\d+)"
_WHO = (
    r"(?:[\w-]+\s+){0,4}?(?:patients|participants|subjects|individuals|people|persons|cases|women|men|adults|children)"
)
_N_PATTERNS = (
    re.compile(
        rf"\b(?:enrolled|recruited|included|randomi[sz]ed|treated|transplanted|studied|of)\s+{_COUNT}\s+{_WHO}\b", re.I
    ),
    re.compile(rf"\b{_COUNT}\s+{_WHO}\s+(?:were|was|received|underwent|with)\b", re.I),
    re.compile(rf"\(?\b[nN]\s*=\s*{_COUNT}\b"),
)
_FOLLOW_UP = (
    re.compile(r"\bfollow(?:ed)?(?:[- ]up)?\b[^.;]{0,40}?(\d+(?:\.\d+)?)[\s-]*(months?|years?|weeks?)\b", re.I),
    re.compile(r"\b(\d+(?:\.\d+)?)[\s-]*(months?|years?|weeks?)\s*(?:of\s+)?follow[- ]up\b", re.I),
)
_MONTHS = {"week": 12 / 52, "month": 1.0, "year": 12.0}


def patients(text: str) -> int | None:
    """The number of patients an abstract states first, in the most certain form found; None where it states none."""
    for pattern in _N_PATTERNS:
        for match in pattern.finditer(text):
            value = int(match.group(1).replace(",", ""))
            # "until 2015 patients were": a bare number of this size is a year.
            if value and not ("," not in match.group(1) and 1950 <= value <= 2035):
                return value
    return None


def follow_up_months(text: str) -> float | None:
    """The longest follow-up an abstract states, in months; None where it states none."""
    found = [
        float(match.group(1)) * _MONTHS[match.group(2).lower().rstrip("s")]
        for pattern in _FOLLOW_UP
        for match in pattern.finditer(text)
    ]
    return round(max(found), 2) if found else None


_WORDS = {
    word: number
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
}


def whole_number(word: str) -> int | None:
    """A number written in digits or as an English word up to ten; None for anything else."""
    return int(word) if word.isdigit() else _WORDS.get(word.lower())
