"""MEDLINE text as PubMed's website saves it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.errors import DamagedXml, NotPubMed, ParseError
from msminer.pubmed import medline
from msminer.pubmed.medline import parse_medline

RECORD = """PMID- 91000001
OWN - NLM
STAT- MEDLINE
LR  - 20250409
IS  - 1234-5678 (Electronic)
VI  - 12
IP  - 3
DP  - 2025 Mar 1
TI  - Invented CD34+ cells and IFN-β: a title that runs over
      the end of its line.
LID - 10.9999/inv.place [doi]
AB  - BACKGROUND: Nobody knows. RESULTS: Two mice
      ran.
FAU - Díaz, Ana
AU  - Díaz A
AU  - Other BC
CN  - Invented MS Group
LA  - eng
SI  - ClinicalTrials.gov/NCT00000001
SI  - GENBANK/X12345
PT  - Journal Article
PT  - Randomized Controlled
      Trial
TA  - Invent J Neurol
JT  - Invented journal of neurology
MH  - Humans
MH  - *Multiple Sclerosis/drug therapy/*genetics
OT  - *invention
EIN - Invent J. 2025;1:2. doi: 10.9999/later. PMID:
      91000009
RIN - Invent J. 2026;1:3.
PMC - PMC9100001
AID - S1234(25)00001-1 [pii]
AID - 10.9999/inv.1 [doi]
PST - ppublish
SO  - Invent J Neurol. 2025 Mar 1;12(3):113-25. doi: 10.9999/inv.1.
"""
BOOK = """PMID- 91000002
TI  - A chapter
BTI - Invented Reviews
DP  - 1993
PT  - Review
PT  - Book Chapter
SO  - GeneInventions. Nowhere: Nobody; 1993.
"""


def export(*records: str, line_end: str = "\n") -> bytes:
    return "\n".join(records).replace("\n", line_end).encode()


class TestRead:
    @pytest.mark.parametrize("line_end", ["\n", "\r\n"])
    def test_a_whole_record(self, line_end: str) -> None:
        parsed = parse_medline(export("\n" + RECORD, BOOK, line_end=line_end))
        assert parsed.bad == []
        assert [record["kind"] for record in parsed.records] == ["article", "book"]
        assert parsed.records[0] == {
            "pmid": "91000001",
            "version": 1,
            "kind": "article",
            "title": "Invented CD34+ cells and IFN-β: a title that runs over the end of its line.",
            "abstract": "BACKGROUND: Nobody knows. RESULTS: Two mice ran.",
            "sections": [{"label": None, "text": "BACKGROUND: Nobody knows. RESULTS: Two mice ran."}],
            "year": 2025,
            "date": "2025-03-01",
            "journal": "Invent J Neurol",
            "authors": ["Díaz A", "Other BC", "Invented MS Group"],
            "doi": "10.9999/inv.1",
            "pmcid": "PMC9100001",
            "mesh": [
                {"ui": None, "name": "Humans", "major": False, "qualifiers": []},
                {
                    "ui": None,
                    "name": "Multiple Sclerosis",
                    "major": True,
                    "qualifiers": [
                        {"ui": None, "name": "drug therapy", "major": False},
                        {"ui": None, "name": "genetics", "major": True},
                    ],
                },
            ],
            "publication_types": ["Journal Article", "Randomized Controlled Trial"],
            "keywords": ["invention"],
            "languages": ["eng"],
            "trial_ids": ["NCT00000001"],
            "corrections": [
                {"type": "ErratumIn", "pmid": "91000009", "source": "Invent J. 2025;1:2. doi: 10.9999/later."},
                {"type": "RetractionIn", "pmid": None, "source": "Invent J. 2026;1:3."},
            ],
            "retracted": True,
            "date_revised": "2025-04-09",
        }

    def test_the_columns_are_those_of_the_contract(self) -> None:
        from msminer.schema import ParsedRecord

        assert list(parse_medline(export(BOOK)).records[0]) == list(ParsedRecord.__annotations__)

    def test_the_same_pmid_twice_is_one_record(self) -> None:
        assert len(parse_medline(export(RECORD, RECORD)).records) == 1

    def test_a_byte_order_mark(self) -> None:
        assert len(parse_medline(b"\xef\xbb\xbf" + export(RECORD)).records) == 1

    @pytest.mark.parametrize(
        ("dp", "year", "date"),
        [
            ("2002 Sep", 2002, "2002-09"),
            ("2012 Mar 12-18", 2012, "2012-03"),
            ("1998 Dec-1999 Jan", 1998, "1998"),
            ("2004", 2004, "2004"),
        ],
    )
    def test_dates(self, dp: str, year: int, date: str) -> None:
        found = parse_medline(export(RECORD.replace("2025 Mar 1\nTI", f"{dp}\nTI"))).records[0]
        assert (found["year"], found["date"]) == (year, date)


class TestNeverProvedWhole:
    def test_it_says_so_each_time(self) -> None:
        assert "no end mark" in parse_medline(export(RECORD)).doubt

    def test_a_file_as_large_as_the_website_allows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(medline, "WEBSITE_LIMIT", 2)
        assert "at most 2" in parse_medline(export(RECORD, BOOK)).doubt

    @given(st.integers(1, len(RECORD.encode()) - 1))
    @settings(max_examples=200, deadline=None)
    def test_a_cut_inside_a_record_sets_it_aside(self, end: int) -> None:
        last_field = RECORD.encode().index(b"SO  - ")
        try:
            parsed = parse_medline(export(BOOK, RECORD)[: len(export(BOOK)) + 1 + end])
        except ParseError:  # in the middle of a character
            return
        assert [r["pmid"] for r in parsed.records][:1] == ["91000002"]
        assert len(parsed.bad) == (0 if end >= last_field + 4 else 1)


class TestRefused:
    @pytest.mark.parametrize(
        "other",
        [
            b"",
            b"1. J Invent. 2014 Mar;1(1):1-2.\n\nA title.\n",
            b"91000001\n91000002\n",
            b"TY  - JOUR\nER  - \n",
            b"<PubmedArticleSet/>",
            b"PMID,Title\n1,x\n",
        ],
    )
    def test_other_formats(self, other: bytes) -> None:
        with pytest.raises(NotPubMed, match="PubMed"):
            parse_medline(other)

    def test_not_utf8(self) -> None:
        with pytest.raises(DamagedXml):
            parse_medline(RECORD.encode("latin-1", "replace").replace(b"?", b"\xff"))

    def test_a_stray_line_sets_its_record_aside(self) -> None:
        parsed = parse_medline(export(RECORD.replace("LA  - eng", "what is this"), BOOK))
        assert ([r["pmid"] for r in parsed.records], [b.pmid for b in parsed.bad]) == (["91000002"], ["91000001"])
