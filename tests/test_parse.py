"""The parser: what it reads, what it refuses, and that it loses, doubles and alters nothing."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import html
import io
import json
import random
import re
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fuzz_parse
from fuzz_parse import ARTICLE, BOOK, DELETED, FINDINGS, PROLOG, check, check_readers, mutate, page
from msminer.errors import DamagedXml, NotPubMed, ParseError, UnsafeXml, UsageError
from msminer.pubmed import parse
from msminer.pubmed.columns import NAMES, choose
from msminer.pubmed.layout import Unusual
from msminer.pubmed.output import parse_files
from msminer.pubmed.parse import iter_file, parse_page
from msminer.pubmed.quick import quick_record
from msminer.pubmed.record import article_record
from msminer.pubmed.splitter import open_file, split_records
from msminer.pubmed.strict import read_tree

WHOLE = page(ARTICLE, BOOK, DELETED)


def one(record: str) -> dict[str, Any]:
    """The record of a page that holds it alone, the same from both readers where both can read it."""
    parsed = parse_page(page(record))
    assert not parsed.bad, parsed.bad
    assert len(parsed.records) == 1
    return dict(parsed.records[0])


def with_(old: str, new: str) -> str:
    assert old in ARTICLE
    return ARTICLE.replace(old, new, 1)


def titled(markup: str) -> str:
    return re.sub(r"<ArticleTitle>.*</ArticleTitle>", lambda _: f"<ArticleTitle>{markup}</ArticleTitle>", ARTICLE)


class TestFields:
    def test_a_whole_record(self) -> None:
        assert one(ARTICLE) == {
            "pmid": "91000001",
            "version": 1,
            "kind": "article",
            "title": "Invented in vitro CD34+ cells & IFN-β: a trial.",
            "abstract": "Nobody knows; P < 0.001. Two of H2O–treated\u00a0mice ran.",
            "sections": [
                {"label": "BACKGROUND & AIMS", "text": "Nobody knows; P < 0.001."},
                {"label": "RESULTS", "text": "Two of H2O–treated\u00a0mice ran."},
            ],
            "year": 2025,
            "date": "2025-03-01",
            "journal": "Invent J Neurol",
            "authors": ["Díaz A", "Invented MS Group"],
            "doi": "10.9999/inv.1",
            "pmcid": "PMC9100001",
            "mesh": [
                {"ui": "D006801", "name": "Humans", "major": False, "qualifiers": []},
                {
                    "ui": "D009103",
                    "name": "Multiple Sclerosis",
                    "major": False,
                    "qualifiers": [{"ui": "Q000188", "name": "drug therapy", "major": True}],
                },
            ],
            "publication_types": ["Journal Article"],
            "keywords": ["invention"],
            "languages": ["eng"],
            "trial_ids": [],
            "corrections": [{"type": "ErratumIn", "pmid": "91000009", "source": "Invent J. 2025;1:2."}],
            "retracted": False,
            "date_revised": "2025-04-09",
        }

    def test_the_columns_are_those_of_the_contract(self) -> None:
        from msminer.schema import ParsedRecord

        assert list(one(ARTICLE)) == list(one(BOOK)) == list(NAMES) == list(ParsedRecord.__annotations__)

    def test_both_readers_read_the_usual_record(self) -> None:
        assert quick_record(ARTICLE.encode())[0] == article_record(read_tree(ARTICLE.encode()))

    def test_a_book(self) -> None:
        book = one(BOOK)
        assert (book["kind"], book["title"], book["authors"]) == ("book", "A chapter", ["Writer W"])
        assert (book["year"], book["journal"], book["abstract"]) == (1993, None, "Text.")
        whole = re.sub("<ArticleTitle.*?</ArticleTitle>", "", BOOK)
        assert one(whole)["title"] == "Invented® Reviews"

    @pytest.mark.parametrize(
        ("markup", "text"),
        [
            ("CD34<sup>+</sup> cells", "CD34+ cells"),
            ("<b><i>Bold</i></b>, H<sub>2</sub>O<u>!</u>", "Bold, H2O!"),
            ("one<br/>two", "one two"),
            ("see <DispFormula>x</DispFormula>there", "see x there"),
            ("a  lot\n   of\tblanks ", "a lot of blanks"),
            ("no\u00a0break &#xa0; &#x80;", "no\u00a0break \u00a0 \x80"),
            ("&amp;lt; stays &lt;", "&lt; stays <"),
            ("<![CDATA[a < b & c]]> d", "a < b & c d"),
            ("be<!-- </ArticleTitle> -->fore", "before"),
            ("&#x1d400;stral", "𝐀stral"),
            ("", ""),
            ("<i/>x", "x"),
        ],
    )
    def test_tags_vanish_and_words_stay_apart(self, markup: str, text: str) -> None:
        assert one(titled(markup))["title"] == text

    @pytest.mark.parametrize(
        ("formula", "text"),
        [
            ("<mrow>\n <msup><mi>x</mi>\n<mn>2</mn></msup> </mrow>", "x2"),
            ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", "1/2"),
            ("<mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mi>b</mi></mfrac>", "(a+1)/b"),
            ("<msqrt><mn>2</mn></msqrt>", "√2"),
            ("<mfenced open='['><mn>1</mn><mn>2</mn></mfenced>", "[1,2)"),
            ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr></mtable>", "1 0"),
            ("<mn>5</mn><mtext> or </mtext><mn>6</mn>", "5 or 6"),
            ("<semantics><mi>x</mi><annotation>\\x</annotation></semantics>", "x"),
        ],
    )
    def test_formulas_are_readable(self, formula: str, text: str) -> None:
        math = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{formula}</math>'
        assert one(titled(f"is {math}."))["title"] == f"is {text}."

    def test_a_prefix_declared_on_the_set_is_known_in_its_records(self) -> None:
        record = titled("is <mml:math><mml:mn>1</mml:mn></mml:math>")
        data = page(record).replace(
            b"<PubmedArticleSet>", b'<PubmedArticleSet xmlns:mml="http://www.w3.org/1998/Math/MathML">'
        )
        assert parse_page(data).records[0]["title"] == "is 1"
        assert parse_page(page(record)).bad[0].reason.startswith("broken XML: Namespace prefix mml")

    def test_the_doi_is_never_a_references(self) -> None:
        own = '<ArticleId IdType="doi">10.9999/inv.1</ArticleId></ArticleIdList>'
        location = '<ELocationID EIdType="doi" ValidYN="Y">10.9999/inv.1</ELocationID>'
        without = with_(own, "</ArticleIdList>")
        assert one(without)["doi"] == "10.9999/inv.1"
        assert one(without.replace('ValidYN="Y">10', 'ValidYN="N">10'))["doi"] is None
        assert one(without.replace(location, ""))["doi"] is None

    def test_pmids_of_corrections_are_not_the_records(self) -> None:
        found = one(with_('<PMID Version="1">91000001</PMID>', "<PMID>91000001</PMID>"))
        assert (found["pmid"], found["version"]) == ("91000001", 1)

    @pytest.mark.parametrize(
        ("inside", "year", "date"),
        [
            ("<Year>2025</Year><Month>Mar</Month><Day>01</Day>", 2025, "2025-03-01"),
            ("<Year>2025</Year><Month>12</Month><Day>5</Day>", 2025, "2025-12-05"),
            ("<Year>2025</Year><Month>Feb</Month><Day>30</Day>", 2025, "2025-02"),
            ("<Year>2025</Year><Month>Jan-Mar</Month>", 2025, "2025"),
            ("<Year>2025</Year><Season>Spring</Season>", 2025, "2025"),
            ("<Year>2025</Year><Month>Spring</Month><Day>1</Day>", 2025, "2025"),
            ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", 1998, "1998"),
            ("<MedlineDate>2015 May 1-15</MedlineDate>", 2015, "2015-05"),
            ("<MedlineDate>Spring 2000</MedlineDate>", 2000, "2000"),
            ("<MedlineDate>Date unknown</MedlineDate>", None, None),
            ("", None, None),
            ("<Year>\n 2025 </Year><Month>\n Mar\n</Month>", 2025, "2025-03"),
        ],
    )
    def test_dates(self, inside: str, year: int | None, date: str | None) -> None:
        found = one(re.sub("<PubDate>.*?</PubDate>", f"<PubDate>{inside}</PubDate>", ARTICLE))
        assert (found["year"], found["date"]) == (year, date)

    @pytest.mark.parametrize(
        ("old", "new", "retracted"),
        [
            ("ErratumIn", "RetractionIn", True),
            ("ErratumIn", "RetractionOf", False),
            ("ErratumIn", "ExpressionOfConcernIn", False),
            ('UI="D016428">Journal Article', 'UI="D016441">Retracted Publication', True),
            (' UI="D016428">Journal Article', ">Retracted Publication", True),
            (' UI="D016428">Journal Article', ' UI="D016440">Retraction of Publication', False),
        ],
    )
    def test_retracted_is_the_paper_not_the_notice(self, old: str, new: str, retracted: bool) -> None:
        assert one(with_(old, new))["retracted"] is retracted

    def test_a_correction_without_pmid(self) -> None:
        found = one(with_('<PMID Version="1">91000009</PMID>', "<Note>later</Note>"))
        assert found["corrections"] == [{"type": "ErratumIn", "pmid": None, "source": "Invent J. 2025;1:2."}]

    def test_trial_numbers_are_those_of_registries(self) -> None:
        def bank(name: str, *numbers: str) -> str:
            inner = "".join(f"<AccessionNumber>{n}</AccessionNumber>" for n in numbers)
            numbers_ = f"<AccessionNumberList>{inner}</AccessionNumberList>"
            return f"<DataBank><DataBankName>{name}</DataBankName>{numbers_}</DataBank>"

        banks = (
            bank("ClinicalTrials.gov", "NCT00000001", "NCT00000002") + bank("GENBANK", "X1") + bank("ISRCTN", "ISRCTN1")
        )
        found = one(with_("<PublicationTypeList>", f"<DataBankList>{banks}</DataBankList><PublicationTypeList>"))
        assert found["trial_ids"] == ["NCT00000001", "NCT00000002", "ISRCTN1"]
        assert one(titled("Registered as NCT00000009"))["trial_ids"] == []

    def test_journal_falls_back(self) -> None:
        no_ta = with_("<MedlineTA>Invent J Neurol</MedlineTA>", "")
        assert one(no_ta.replace("Invent J Neurol</ISO", "ISO name</ISO"))["journal"] == "ISO name"
        no_iso = no_ta.replace("<ISOAbbreviation>Invent J Neurol</ISOAbbreviation>", "")
        assert one(no_iso)["journal"] == "Invented journal of neurology"
        assert one(no_iso.replace("<Title>Invented journal of neurology</Title>", ""))["journal"] is None

    def test_an_order_of_elements_never_seen_is_read_all_the_same(self) -> None:
        abstract = re.search("<Abstract>.*</Abstract>", ARTICLE)
        assert abstract
        moved = ARTICLE.replace(abstract[0], "").replace("<Journal>", abstract[0] + "<Journal>")
        with pytest.raises(Unusual):
            quick_record(moved.encode())
        assert one(moved) == one(ARTICLE)

    @pytest.mark.parametrize("name", sorted(set(re.findall(r"</(\w+)>", ARTICLE))))
    def test_an_end_tag_with_a_blank_ends_its_element(self, name: str) -> None:
        """However an end is written, nothing behind it is taken for a part of the element, nor passed over."""
        records = [ARTICLE.replace("91000001", str(number)) for number in (91000001, 91000005, 91000006)]
        for blank in (" ", "\n"):
            odd = ARTICLE.replace(f"</{name}>", f"</{name}{blank}>", 1)
            twice = odd.replace(f"</{name}{blank}>", f"</{name}{blank}><Other><{name}>Z</{name}></Other>", 1)
            for record in (odd, twice):
                check_readers(record.encode())
                check(page(record, *records[1:]))
                assert [r["pmid"] for r in parse_page(page(record, *records[1:])).records][1:] == [
                    "91000005",
                    "91000006",
                ]

    @pytest.mark.parametrize("name", ["AuthorList", "CommentsCorrectionsList", "History", "ReferenceList"])
    def test_a_word_that_is_the_name_of_a_list_does_not_end_it(self, name: str) -> None:
        """Not even in a record nested in the list, where all that may follow the list follows the word."""
        whole = re.search(rf"<{name}\b.*</{name}>(.*)", ARTICLE)
        assert whole
        for inside in (name, f"<PubmedArticle><MedlineCitation><PubmedData>{name}{whole[1]}"):
            record = re.sub(rf"<{name}\b[^>]*>", lambda tag, text=inside: tag[0] + text, ARTICLE, count=1)
            for names in (NAMES, ("title",)):
                with contextlib.suppress(Unusual):
                    assert quick_record(record.encode(), 0, choose(names).parts)[1] == len(record.encode())
            check(page(record, BOOK))

    def test_what_is_odd_in_a_run_keeps_its_place(self) -> None:
        """A run of usual records is read at once; a bad, an unusual and a foreign one among them cost no other."""
        records = [ARTICLE.replace("91000001", str(91000010 + number)) for number in range(5)]
        unusual = records[2].replace("<Article PubModel", "<Odd/><Article PubModel")
        no_pmid = re.sub("<PMID.*?</PMID>", "", records[3], count=1)
        undeclared = records[3].replace("Invented <i>", "Invented &nope; <i>")
        for odd in (no_pmid, undeclared):
            parsed = parse_page(page(records[0], BOOK, records[1], "stray", unusual, odd, records[4]))
            assert [r["pmid"] for r in parsed.records] == ["91000010", "91000002", "91000011", "91000012", "91000014"]
            assert len(parsed.bad) == 2

    def test_what_a_list_lacks_is_left_out(self) -> None:
        no_name = with_("<MeshHeading><DescriptorName", "<MeshHeading></MeshHeading><MeshHeading><DescriptorName")
        assert one(no_name) == one(ARTICLE)
        no_abstract_text = re.sub("<AbstractText.*</AbstractText>", "<AbstractText> </AbstractText>", ARTICLE)
        assert (one(no_abstract_text)["abstract"], one(no_abstract_text)["sections"]) == ("", [])
        assert one(re.sub("<Abstract>.*?</Abstract>", "<Abstract>words</Abstract>", ARTICLE))["sections"] == []
        no_date = re.sub("<DateRevised>.*?</DateRevised>|<PubDate>.*?</PubDate>", "", ARTICLE)
        assert (one(no_date)["date"], one(no_date)["date_revised"]) == (None, None)
        blank_id = with_('IdType="pmc">PMC9100001', 'IdType="pmc"> ')
        assert (one(blank_id)["pmcid"], one(blank_id)["doi"]) == (None, "10.9999/inv.1")

    def test_a_book_without_its_book_has_no_doi(self) -> None:
        assert one(re.sub("<Book>.*</Book>", "", BOOK))["doi"] is None

    def test_nested_sections_are_read_through_a_tree(self) -> None:
        nested = with_("Nobody knows;", "<AbstractText>Nobody</AbstractText> knows;")
        with pytest.raises(Unusual):
            quick_record(nested.encode())
        assert one(nested)["abstract"] == one(ARTICLE)["abstract"]

    def test_bytes_that_are_no_utf8_are_not_read_quickly(self) -> None:
        """The check before would have refused them; the quick reader does not fail in another way."""
        with pytest.raises(Unusual):
            quick_record(ARTICLE.encode().replace(b"Nobody knows", b"Nobody \xff"))

    def test_unknown_elements_do_no_harm(self) -> None:
        assert one(with_("<Language>", "<NewThing><Language>xxx</Language></NewThing><Language>")) == one(ARTICLE)


class TestPages:
    def test_deleted_and_books_are_kept(self) -> None:
        parsed = parse_page(WHOLE)
        assert [r["pmid"] for r in parsed.records] == ["91000001", "91000002"]
        assert parsed.deleted == ["91000003"]

    @pytest.mark.parametrize("inside", ["", "\n", "<!-- none -->"])
    def test_an_empty_set_is_no_error(self, inside: str) -> None:
        assert parse_page(f"{PROLOG}<PubmedArticleSet>{inside}</PubmedArticleSet>".encode()) == parse.ParsedPage()
        assert parse_page(b"<PubmedArticleSet/>") == parse.ParsedPage()

    def test_remarks_and_a_byte_order_mark(self) -> None:
        data = page(f"\n<!-- <PubmedArticle> -->{ARTICLE}<?pi?>") + b"\n<!-- end -->\n"
        assert len(parse_page(b"\xef\xbb\xbf" + data).records) == 1

    def test_a_comment_or_cdata_that_holds_the_end_tag(self) -> None:
        for hidden in (
            "<!-- </PubmedArticle> -->",
            "<![CDATA[</PubmedArticle><PubmedArticle>]]>",
            "<?x </PubmedArticle>?>",
        ):
            parsed = parse_page(page(titled(f"a {hidden} b"), BOOK))
            assert (len(parsed.records), parsed.bad) == (2, [])

    def test_the_highest_version_stays(self) -> None:
        versions = [ARTICLE.replace('"1">91000001', f'"{v}">91000001', 1) for v in (2, 10, 3)]
        assert [r["version"] for r in parse_page(page(*versions)).records] == [10]

    @given(st.permutations(range(6)))
    @settings(max_examples=30, deadline=None)
    def test_any_order_of_records_gives_the_same_set(self, order: list[int]) -> None:
        records = [ARTICLE, BOOK, titled("Another text"), titled("Third").replace("91000001", "91000007")]
        records += [
            ARTICLE.replace('"1">91000001', '"2">91000001', 1),
            titled("B").replace('"1">91000001', '"2">91000001', 1),
        ]
        parsed = parse_page(page(*(records[i] for i in order)))
        assert {json.dumps(r) for r in parsed.records} == {json.dumps(r) for r in parse_page(page(*records)).records}
        assert len(parsed.records) == 3

    def test_a_page_that_never_ends_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parse, "MAX_PAGE", 10_000)
        with pytest.raises(UnsafeXml, match="unpacks to more"):
            parse_page(gzip.compress(page(*[ARTICLE] * 10)))


class TestBadRecords:
    @pytest.mark.parametrize(
        "damage",
        [
            b"&#x1;",
            b"\x00",
            b"\x1f",
            b"\xff\xfe",
            b"\xc3\x28",
            b"\xed\xa0\x80",
            b"&nbsp;",
            b"&#xFFFE;",
            b"<i>",
            b"</i>",
            b"a & b",
            b"<x a=1/>",
        ],
    )
    @pytest.mark.parametrize("where", [b"</ArticleTitle>", b"</Affiliation>", b"</Citation>", b"</NameOfSubstance>"])
    def test_only_the_bad_record_is_set_aside(self, damage: bytes, where: bytes) -> None:
        bad = ARTICLE.encode().replace(where, damage + where, 1)
        good = ARTICLE.replace("91000001", "91000005")
        parsed = parse_page(page("@", good, BOOK).replace(b"@", bad))
        assert [r["pmid"] for r in parsed.records] == ["91000005", "91000002"]
        assert [(b.pmid, b.raw) for b in parsed.bad] == [("91000001", bad)]
        assert parsed.bad[0].reason

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (">91000001</PMID>", "></PMID>"),
            (">91000001</PMID>", ">0</PMID>"),
            (">91000001</PMID>", ">34320281,1</PMID>"),
            ('<PMID Version="1">91000001</PMID>', ""),
            ('<PMID Version="1">9', '<PMID Version="x">9'),
        ],
    )
    def test_a_record_without_a_valid_pmid(self, old: str, new: str) -> None:
        parsed = parse_page(page(with_(old, new), BOOK))
        assert ([r["kind"] for r in parsed.records], len(parsed.bad)) == (["book"], 1)

    @pytest.mark.parametrize(
        ("record", "name"), [(ARTICLE, "MedlineCitation"), (ARTICLE, "Article"), (BOOK, "BookDocument")]
    )
    def test_a_record_without_its_body(self, record: str, name: str) -> None:
        damaged = re.sub(rf"<(/?){name}\b", r"<\1Other", record)
        parsed = parse_page(page(damaged, ARTICLE.replace("91000001", "91000005")))
        assert ([r["pmid"] for r in parsed.records], len(parsed.bad)) == (["91000005"], 1)
        assert f"has no {name}" in parsed.bad[0].reason

    def test_an_empty_record_and_a_broken_comment_between_two(self) -> None:
        parsed = parse_page(page("<PubmedArticle/>", BOOK, "<PubmedBookArticle />"))
        assert (len(parsed.records), [b.raw for b in parsed.bad]) == (
            1,
            [b"<PubmedArticle/>", b"<PubmedBookArticle />"],
        )
        with pytest.raises(DamagedXml, match="comment"):
            parse_page(page(ARTICLE, "<!-- a -- b -->", BOOK))

    def test_a_lost_end_tag_costs_one_record(self) -> None:
        lost = with_("</PubmedData></PubmedArticle>", "")
        later = [ARTICLE.replace("91000001", str(n)) for n in (91000005, 91000006)]
        for records in ([lost, *later, BOOK], [lost, BOOK, *later]):
            parsed = parse_page(page(*records))
            assert {r["pmid"] for r in parsed.records} == {"91000005", "91000006", "91000002"}
            assert [b.pmid for b in parsed.bad] == ["91000001"]

    def test_what_stands_between_records_is_reported(self) -> None:
        for odd in ("stray words", "<Unknown>x</Unknown>", ARTICLE.replace("PubmedArticle", "PubmedArtikel")):
            parsed = parse_page(page(odd, BOOK))
            assert (len(parsed.records), len(parsed.bad)) == (1, 1)
            assert parsed.bad[0].raw == odd.encode()

    def test_many_lost_tags(self) -> None:
        parsed = parse_page(page("<PubmedArticle>" * 200, ARTICLE))
        assert (len(parsed.records), len(parsed.bad)) == (1, 200)


class TestRefused:
    @pytest.mark.parametrize("packed", [False, True])
    def test_any_cut_is_refused(self, packed: bool) -> None:
        data = gzip.compress(page(ARTICLE), mtime=0) if packed else page(ARTICLE)
        for end in range(len(data)):
            with pytest.raises(ParseError):
                parse_page(data[:end])

    def test_a_cut_at_the_border_of_two_records(self) -> None:
        whole = page(ARTICLE, BOOK)
        with pytest.raises(DamagedXml, match="end tag is missing"):
            parse_page(whole[: whole.index(b"<PubmedBookArticle>")])

    @pytest.mark.parametrize(
        "cut", [b"<", b"<?xml", b"<?xml version='1.0'?>\n", b"<!DOCTYPE Pubmed", b"<PubmedArt", b"\x1f\x8b"]
    )
    def test_the_first_bytes_of_a_set_are_a_cut_set(self, cut: bytes) -> None:
        with pytest.raises(DamagedXml):
            parse_page(cut)

    @pytest.mark.parametrize(
        "other",
        [
            b"",
            b"  \n",
            b"<!DOCTYPE html><html><body>busy</body></html>",
            b"<html>",
            b'{"error":"API rate limit exceeded"}',
            b"PMID- 1\nTI  - x\n",
            b"<?xml version='1.0'?><pmc-articleset><article/></pmc-articleset>",
            b"<?xml version='1.0'?><eFetchResult><ERROR>no</ERROR></eFetchResult>",
            b"<PubmedArticleSetX></PubmedArticleSetX>",
            b"<MedlineCitationSet></MedlineCitationSet>",
            b"\x89PNG\r\n\x1a\n",
            b"PK\x03\x04",
            "<?xml version='1.0' encoding='utf-16'?><PubmedArticleSet/>".encode("utf-16"),
            b"<?xml version='1.0' encoding='latin-1'?><PubmedArticleSet/>",
        ],
    )
    def test_other_formats(self, other: bytes) -> None:
        with pytest.raises(NotPubMed):
            parse_page(other)

    BOMB = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))

    @pytest.mark.parametrize(
        "hostile",
        [
            f'<!DOCTYPE PubmedArticleSet [<!ENTITY l0 "ha">{BOMB}]><PubmedArticleSet>&l9;</PubmedArticleSet>',
            '<!DOCTYPE PubmedArticleSet [<!ENTITY x SYSTEM "file:///etc/passwd">]><PubmedArticleSet>&x;</PubmedArticleSet>',
            '<!DOCTYPE PubmedArticleSet SYSTEM "a>b" [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x">%p;]><PubmedArticleSet/>',
            f"<PubmedArticleSet><PubmedArticle>{'<a>' * 200_000}</PubmedArticle></PubmedArticleSet>",
            f"<PubmedArticleSet><PubmedArticle>{'<a>' * 200_000}{'</a>' * 200_000}</PubmedArticle></PubmedArticleSet>",
        ],
        ids=["laughs", "file", "parameter", "nested", "nested and closed"],
    )
    def test_hostile_input_is_refused_at_once(self, hostile: str) -> None:
        data = hostile.encode()
        tracemalloc.start()
        start = time.process_time()
        with pytest.raises(UnsafeXml) as error:
            parse_page(data, source="bomb.xml")
        took, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert error.value.context["source"] == "bomb.xml"
        assert took < 1
        assert peak < 100 << 20

    def test_a_record_without_end_does_not_fill_the_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("msminer.pubmed.window.MAX_RECORD", 3 << 20)
        path = tmp_path / "endless.xml.gz"
        path.write_bytes(gzip.compress(b"<PubmedArticleSet><PubmedArticle>" + b"x" * (64 << 20), 1))
        with pytest.raises(UnsafeXml, match="no end"):
            list(iter_file(path))

    def test_broken_gzip(self) -> None:
        packed = bytearray(gzip.compress(WHOLE, mtime=0))
        for at in range(len(packed) // 2, len(packed)):
            broken = bytes(packed[:at]) + bytes([packed[at] ^ 0x55]) + bytes(packed[at + 1 :])
            try:
                parsed = parse_page(broken)
            except ParseError:
                continue
            # One flip in the middle spells the same text in other bits; the checksum proves it.
            assert parsed == parse_page(WHOLE)

    @pytest.mark.parametrize("tail", [b"x", b"<a/>", WHOLE, b"</PubmedArticleSet>"])
    def test_nothing_may_follow_the_end(self, tail: bytes) -> None:
        with pytest.raises(DamagedXml, match="follows the end"):
            parse_page(WHOLE + tail)


class TestAgainstWholeDocuments:
    @given(st.integers(0, 2**32))
    @settings(max_examples=150, deadline=None)
    def test_mutated_pages(self, seed: int) -> None:
        check(mutate(page(ARTICLE, BOOK, ARTICLE.replace("91000001", "91000005"), DELETED), random.Random(seed)))

    @given(st.integers(0, 2**32))
    @settings(max_examples=300, deadline=None)
    def test_mutated_records_read_alike(self, seed: int) -> None:
        check_readers(mutate(ARTICLE.encode(), random.Random(seed)))

    @pytest.mark.parametrize("finding", sorted(FINDINGS.glob("*.*")), ids=lambda p: p.name)
    def test_findings_of_the_fuzzer(self, finding: Path) -> None:
        (check if finding.suffix == ".page" else check_readers)(finding.read_bytes())

    def test_the_fuzzer_runs(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(sys, "argv", ["fuzz_parse", "--minutes", "0.005"])
        fuzz_parse.main()
        assert " 0 findings" in capsys.readouterr().out


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


class TestColumns:
    """Fewer columns are the same columns: what is not read never changes what is."""

    @pytest.mark.parametrize("name", NAMES)
    def test_one_column_is_as_among_all(self, name: str, tmp_path: Path) -> None:
        odd = titled("a <!-- x --> b").replace("91000001", "91000005")
        path = written(tmp_path / "a.xml", page(ARTICLE, BOOK, odd, DELETED))
        [part] = iter_file(path, [name])
        assert part.records == [{name: dict(record)[name]} for record in parse_page(path.read_bytes()).records]
        assert part.deleted == ["91000003"]

    def test_they_keep_the_order_of_the_contract(self, tmp_path: Path) -> None:
        [part] = iter_file(written(tmp_path / "a.xml", WHOLE), ("mesh", "pmid", "title"))
        assert list(part.records[0]) == ["pmid", "title", "mesh"]

    def test_an_unknown_column_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="tilte"):
            list(iter_file(written(tmp_path / "a.xml", WHOLE), ["tilte"]))

    @given(st.permutations(range(4)), st.sets(st.sampled_from(NAMES), min_size=1))
    @settings(max_examples=60, deadline=None)
    def test_the_same_of_two_records_of_a_pmid_stays(
        self, tmp_path_factory: pytest.TempPathFactory, order: list[int], names: set[str]
    ) -> None:
        """Whatever is asked for, all of a record decides which stays: here authors, title and version differ."""
        records = [ARTICLE, titled("Z"), ARTICLE.replace("Ana", "Eva").replace(">A</Init", ">E</Init")]
        records.append(ARTICLE.replace('"1">91000001', '"2">91000001', 1) if len(names) % 2 else BOOK)
        path = written(tmp_path_factory.mktemp("pages") / "a.xml", page(*(records[i] for i in order)))
        [part], [whole] = iter_file(path, names), iter_file(path)
        assert part.records == [{n: dict(r)[n] for n in NAMES if n in names} for r in whole.records]

    def test_what_is_bad_is_set_aside_all_the_same(self, tmp_path: Path) -> None:
        bad = ARTICLE.replace("</LastName>", "&#x1;</LastName>", 1)
        [part] = iter_file(written(tmp_path / "a.xml", page(bad, BOOK)), ["title"])
        assert (len(part.records), [b.pmid for b in part.bad]) == (1, ["91000001"])

    @pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
    def test_a_file_of_some_columns(self, suffix: str, tmp_path: Path) -> None:
        from pyarrow import parquet

        out = tmp_path / f"out.{suffix}"
        parse_files([written(tmp_path / "a.xml", WHOLE)], out, fields=["title", "year"])
        lines = parquet.read_table(out).to_pylist() if suffix == "parquet" else read_lines(out)
        assert [list(line) for line in lines[:2]] == [["pmid", "kind", "title", "year"]] * 2
        assert (lines[1]["title"], lines[2]["kind"]) == ("A chapter", "deleted")


def read_lines(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class TestFiles:
    def test_parts_are_as_the_page(self, tmp_path: Path) -> None:
        records = [ARTICLE.replace("91000001", str(92000000 + i)) for i in range(250)]
        for name, data in (("a.xml", page(*records, DELETED)), ("a.xml.gz", gzip.compress(page(*records, DELETED)))):
            path = tmp_path / name
            path.write_bytes(data)
            parts = list(iter_file(path))
            assert len(parts) > 1
            assert [r for part in parts for r in part.records] == parse_page(data).records
            assert [p for part in parts for p in part.deleted] == ["91000003"]

    @pytest.mark.parametrize("broken", [page(ARTICLE, BOOK)[:-5], b"<html/>", page(ARTICLE) + b"x"])
    def test_the_thread_that_reads_ahead_ends_with_the_file(self, broken: bytes, tmp_path: Path) -> None:
        """Read to its end, left early, or damaged: no thread and no open file stays, and the error is the file's."""
        whole = written(tmp_path / "whole.xml", page(*[titled("a <!-- x -->")] * 50, ARTICLE))
        before = threading.active_count()
        list(iter_file(whole))
        parts = iter_file(written(tmp_path / "b.xml", page(*[ARTICLE, titled("a <!-- x -->")] * 300)))
        assert next(parts).records
        parts.close()  # type: ignore[attr-defined]
        with pytest.raises(ParseError) as error:
            list(iter_file(written(tmp_path / "broken.xml", broken)))
        assert error.value.context["source"] == "broken.xml"
        assert threading.active_count() == before

    def test_records_before_the_damage_come_before_the_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parse, "PART", 1)
        cut = page(*(titled("a <!-- x -->").replace("91000001", str(92000000 + i)) for i in range(20)))[:-30]
        parts = iter_file(written(tmp_path / "cut.xml", cut))
        assert [next(parts).records[0]["pmid"] for _ in range(19)] == [str(92000000 + i) for i in range(19)]
        with pytest.raises(DamagedXml, match="cut inside a record"):
            next(parts)

    def test_files_read_at_once_are_read_as_alone(self, tmp_path: Path) -> None:
        """The check looks at its log for a prefix never declared: another thread's file must not clear that log."""
        bad = written(tmp_path / "bad.xml", page(*[titled("<mml:i>x</mml:i>")] * 60))
        good = written(tmp_path / "good.xml", page(*(ARTICLE.replace("91000001", str(92000000 + i)) for i in range(9))))
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda path: [len(p.bad) for p in iter_file(path)], [bad, good] * 20))
        assert [sum(counts) for counts in found] == [60, 0] * 20

    @pytest.mark.parametrize("block", [1, 7, 64, 1000])
    def test_the_size_of_a_read_changes_nothing(self, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("msminer.pubmed.window._BLOCK", block)
        data = page(ARTICLE, titled("a <!-- </PubmedArticle> --> b"), "stray", BOOK, DELETED)
        monkeypatch.setattr("msminer.pubmed.splitter._MAX_PROLOG", 300)
        small = parse_page(data)
        monkeypatch.undo()
        assert small == parse_page(data)

    def test_a_summary(self, tmp_path: Path) -> None:
        good, other, cut, bad = (tmp_path / name for name in ("good.xml.gz", "other.xml", "cut.xml", "bad.xml"))
        good.write_bytes(gzip.compress(page(ARTICLE, DELETED)))
        other.write_text("<html></html>")
        cut.write_bytes(page(ARTICLE, BOOK)[:-30])
        bad.write_bytes(page(ARTICLE.replace("</ArticleTitle>", "&#x1;</ArticleTitle>"), BOOK))
        out = tmp_path / "out.jsonl"
        summary = parse_files([good, other, cut, bad, tmp_path / "none.xml"], out)
        assert (summary.records, summary.deleted, summary.files, summary.exit_code) == (2, 1, 5, 3)
        assert [(path.name, "other.xml" in reason) for path, reason in summary.left_out] == [
            ("other.xml", True),
            ("cut.xml", False),
            ("none.xml", False),
        ]
        assert [(path.name, b.pmid) for path, b in summary.bad] == [("bad.xml", "91000001")]
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert [(line["pmid"], line["kind"]) for line in lines] == [
            ("91000001", "article"),
            ("91000002", "book"),
            ("91000003", "deleted"),
        ]
        assert lines[2] == {"pmid": "91000003", "kind": "deleted"}
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            "bad.xml",
            "cut.xml",
            "good.xml.gz",
            "other.xml",
            "out.jsonl",
        ]

    @pytest.mark.parametrize("processes", [1, 2])
    def test_a_file_cut_late_leaves_no_line(
        self, processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its first records were written before the cut was seen."""
        monkeypatch.setattr(parse, "PART", 1)
        good = written(tmp_path / "good.xml", page(ARTICLE.replace("91000001", "91000008")))
        cut = written(tmp_path / "cut.xml", page(*[ARTICLE, titled("a <!-- x -->")] * 9)[:-30])
        summary = parse_files([cut, good, cut], tmp_path / "out.jsonl", processes=processes)
        assert (summary.records, len(summary.left_out)) == (1, 2)
        assert [line["pmid"] for line in read_lines(tmp_path / "out.jsonl")] == ["91000008"]

    def test_an_output_that_cannot_be_written_is_no_fault_of_the_input(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match=r"out\.jsonl"):
            parse_files([written(tmp_path / "a.xml", WHOLE)], tmp_path / "none" / "out.jsonl")

    def test_nothing_is_written_when_nothing_is_left(self, tmp_path: Path) -> None:
        other = tmp_path / "other.xml"
        other.write_text("{}")
        out = tmp_path / "out.jsonl"
        out.write_text("old")
        assert parse_files([other], out).exit_code == 1
        assert out.read_text() == "old"

    def test_done_is_zero(self, tmp_path: Path) -> None:
        (tmp_path / "a.xml").write_bytes(WHOLE)
        assert parse_files([tmp_path / "a.xml"], tmp_path / "out.jsonl").exit_code == 0

    def test_several_processes_keep_the_order(self, tmp_path: Path) -> None:
        paths = []
        for number in range(6):
            paths.append(tmp_path / f"{number}.xml")
            paths[-1].write_bytes(
                page(*[ARTICLE.replace("91000001", f"9{number}{i:06}") for i in range(30 - 5 * number)])
            )
        parse_files(paths, tmp_path / "one.jsonl")
        parse_files(paths, tmp_path / "two.jsonl", processes=2)
        assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()

    def test_parquet_holds_the_same(self, tmp_path: Path) -> None:
        from pyarrow import parquet

        (tmp_path / "a.xml").write_bytes(WHOLE)
        parse_files([tmp_path / "a.xml"], tmp_path / "out.parquet")
        rows = parquet.read_table(tmp_path / "out.parquet").to_pylist()
        assert rows[:2] == parse_page(WHOLE).records
        assert {name: value for name, value in rows[2].items() if value is not None} == {
            "pmid": "91000003",
            "kind": "deleted",
        }

    def test_a_later_higher_version_replaces_the_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parse, "PART", 1)
        monkeypatch.setattr("msminer.pubmed.window._RUN", len(ARTICLE))
        second = ARTICLE.replace('"1">91000001', '"2">91000001', 1)
        other = page(ARTICLE.replace("91000001", "91000008"))
        before, after = (written(tmp_path / f"{name}.xml", other) for name in "bc")
        for order in ([ARTICLE, BOOK, second], [second, BOOK, ARTICLE]):
            path = written(tmp_path / "a.xml", page(*order))
            for processes in (1, 2):
                out = tmp_path / "out.jsonl"
                assert parse_files([before, path, after], out, processes=processes).records == 4
                found = [(line["pmid"], line["version"]) for line in read_lines(out)]
                assert (found[0], found[-1]) == (("91000008", 1), ("91000008", 1))
                assert sorted(found[1:-1]) == [("91000001", 2), ("91000002", 1)]

    def test_line_ends_of_unicode_do_not_end_a_line(self, tmp_path: Path) -> None:
        (tmp_path / "a.xml").write_bytes(page(titled("a\u2028b\u0085c")))
        parse_files([tmp_path / "a.xml"], tmp_path / "out.jsonl")
        with (tmp_path / "out.jsonl").open(encoding="utf-8") as lines:
            assert [json.loads(line)["title"] for line in lines] == ["a\u2028b\u0085c"]

    def test_an_unknown_output_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError):
            parse_files([], tmp_path / "out.csv")

    def test_memory_is_flat(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("msminer.pubmed.window._BLOCK", 1 << 16)
        monkeypatch.setattr("msminer.pubmed.window._RUN", 1 << 16)
        path = tmp_path / "many.xml"
        path.write_bytes(page(*[ARTICLE.replace("91000001", str(92000000 + i)) for i in range(3_000)]))
        tracemalloc.start()
        count = sum(len(part.records) for part in iter_file(path))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == 3_000
        assert peak < path.stat().st_size / 3

    def test_the_parser_starts_quickly(self) -> None:
        slow = ("pandas", "pyarrow", "numpy", "Bio")
        heavy = f"import sys, msminer.pubmed.output; print([m for m in {slow} if m in sys.modules])"
        done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


def flat(text: Any) -> str:
    """Biopython's text, which keeps tags, as plain text."""
    return " ".join(html.unescape(re.sub("<[^>]*>", "", str(text))).split())


def squeezed_all(value: Any) -> Any:
    """A value whose texts are compared up to white space."""
    if isinstance(value, dict):
        return {name: squeezed_all(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [squeezed_all(item) for item in value]
    return " ".join(value.split()) if isinstance(value, str) else value


def attribute(element: Any, name: str, default: Any = None) -> Any:
    return getattr(element, "attributes", {}).get(name, default)


def biopython_article(element: Any) -> dict[str, Any]:
    """What Biopython reads of an article, in our columns; the rules are written again here, from its own structure."""
    citation = element["MedlineCitation"]
    article = citation["Article"]
    ids = [(attribute(i, "IdType"), flat(i)) for i in element["PubmedData"]["ArticleIdList"]]
    places = [
        (e.attributes["EIdType"], flat(e))
        for e in article.get("ELocationID", [])
        if attribute(e, "ValidYN", "Y") == "Y"
    ]
    date = article["Journal"]["JournalIssue"]["PubDate"]
    years = re.findall(r"\d{4}", date.get("Year") or date.get("MedlineDate", ""))
    abstract = article.get("Abstract", {}).get("AbstractText", [])
    abstract = [abstract] if isinstance(abstract, str) else abstract  # the DTD of 2008 allowed one
    sections = [{"label": attribute(a, "Label") or None, "text": flat(a)} for a in abstract if flat(a)]
    revised = citation.get("DateRevised")
    journal = article["Journal"]
    names = [
        citation.get("MedlineJournalInfo", {}).get("MedlineTA"),
        journal.get("ISOAbbreviation"),
        journal.get("Title"),
    ]
    return {
        "pmid": flat(citation["PMID"]),
        "version": int(attribute(citation["PMID"], "Version", 1)),
        "title": flat(article["ArticleTitle"]),
        "abstract": " ".join(section["text"] for section in sections),
        "sections": sections,
        "year": int(years[0]) if years else None,
        "journal": next((flat(name) for name in names if name), None),
        "authors": [
            flat(a.get("CollectiveName") or f"{a.get('LastName', '')} {a.get('Initials', '')}")
            for a in article.get("AuthorList", [])
        ],
        "doi": next((v for k, v in [*ids, *places] if k == "doi"), None),
        "pmcid": next((v for k, v in ids if k == "pmc"), None),
        "mesh": [
            {**biopython_term(h["DescriptorName"]), "qualifiers": [biopython_term(q) for q in h["QualifierName"]]}
            for h in citation.get("MeshHeadingList", [])
        ],
        "publication_types": [flat(t) for t in article.get("PublicationTypeList", [])],
        "keywords": [flat(k) for group in citation.get("KeywordList", []) for k in group if flat(k)],
        "languages": [flat(code) for code in article["Language"]],
        "corrections": [
            {"type": c.attributes["RefType"], "pmid": c.get("PMID") and flat(c["PMID"]), "source": flat(c["RefSource"])}
            for c in citation.get("CommentsCorrectionsList", [])
        ],
        "date_revised": revised and "-".join(flat(revised[part]).zfill(2) for part in ("Year", "Month", "Day")),
    }


def biopython_term(element: Any) -> dict[str, Any]:
    major = attribute(element, "MajorTopicYN") == "Y"
    return {"ui": attribute(element, "UI"), "name": flat(element), "major": major}


def biopython_book(element: Any) -> dict[str, Any]:
    book = element["BookDocument"]
    return {
        "pmid": flat(book["PMID"]),
        "title": flat(book.get("ArticleTitle") or book["Book"]["BookTitle"]),
        "abstract": " ".join(flat(a) for a in book.get("Abstract", {}).get("AbstractText", [])),
        "year": int(book["Book"]["PubDate"]["Year"]),
        "publication_types": [flat(t) for t in book["PublicationType"]],
        "languages": [flat(code) for code in book["Language"]],
    }


def with_prolog(data: bytes) -> bytes:
    """The file with the first lines Biopython asks for: a declaration, and a DOCTYPE it knows by a secure address."""
    root = data.index(b"<Pubmed")
    head = data[:root].replace(b'"http://', b'"https://')
    return (head if b"<!DOCTYPE" in head else PROLOG.encode()) + data[root:]


@pytest.mark.corpus
class TestCorpus:
    def test_equal_to_biopython_on_every_field_both_have(self, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from Bio import Entrez

        def no_network(url: str, *_: Any, **__: Any) -> Any:
            raise OSError(f"no DTD from the network: {url}")

        monkeypatch.setattr("Bio.Entrez.Parser.urlopen", no_network)
        unread = Counter[str]()
        differing: list[Any] = []
        compared = formulas = 0
        for path in sorted((corpus / "xml-as-served").glob("*.xml.gz")):
            data = gzip.decompress(path.read_bytes())
            ours = {r["pmid"]: r for r in parse_page(data).records}
            try:
                theirs = Entrez.read(io.BytesIO(with_prolog(data)), escape=True)
            except Exception as error:  # noqa: BLE001
                unread[f"{type(error).__name__}: {str(error)[:60]}"] += 1
                continue
            elements = theirs if isinstance(theirs, list) else [e for part in theirs.values() for e in part]
            articles = [biopython_article(e) for e in elements if "MedlineCitation" in e]
            # Two files of a reference manager hold a stub beside the book, under the same PMID.
            documents = [e for e in elements if "BookDocument" in e]
            books = [biopython_book(e) for e in documents] if "JabRef" not in path.name else []
            newest = {a["pmid"]: a for a in sorted(articles, key=lambda a: a["version"])}
            for record in [*newest.values(), *books]:
                mine = {name: ours[record["pmid"]][name] for name in record}
                if b"mml:math" in data:  # a formula is made readable here, and kept as markup there
                    formulas += 1
                    del record["abstract"], record["sections"], mine["abstract"], mine["sections"]
                differing += [
                    (path.name, k, mine[k], v) for k, v in record.items() if squeezed_all(mine[k]) != squeezed_all(v)
                ]
                compared += 1
        assert differing == []
        # A DTD it does not ship (2 files), elements its DTD does not know (2), a formula without prefix (1).
        assert sum(unread.values()) == 5, unread
        assert (compared, formulas) == (619, 2)

    def test_the_gold_labels_point_into_the_same_text(self, corpus: Path) -> None:
        gold_file = Path(__file__).parent.parent / "data" / "gold" / "gold.jsonl"
        gold = {row["pmid"]: row["text_sha256"] for row in map(json.loads, gold_file.read_text().splitlines())}
        found = {}
        for path in sorted((corpus / "pubmed").glob("*.xml.gz")):
            for part in iter_file(path):
                assert not part.bad
                for record in part.records:
                    if record["pmid"] in gold:
                        text = f"{record['title']}\n{record['abstract']}"
                        found[record["pmid"]] = hashlib.sha256(text.encode()).hexdigest()[:16]
        assert found == gold
        assert len(gold) == 741

    def test_both_readers_agree_on_every_record_as_served(self, corpus: Path) -> None:
        seen = Counter[bool]()
        for path in sorted((corpus / "xml-as-served").glob("*.xml.gz")):
            with open_file(path) as stream:
                for piece in split_records(stream, source=path.name):
                    if piece.kind == "PubmedArticle":
                        seen[check_readers(piece.data)] += 1
        assert seen[True] > 600  # of 625; the rest is laid out as no reply of PubMed is

    def test_nothing_is_lost_in_the_files_as_served(self, corpus: Path) -> None:
        for path in sorted((corpus / "xml-as-served").glob("*.xml.gz")):
            parsed = parse_page(path.read_bytes(), source=path.name)
            root = read_tree(re.sub(rb"<!DOCTYPE.*?>", b"", gzip.decompress(path.read_bytes()), flags=re.DOTALL))
            pmids = {
                e.findtext("MedlineCitation/PMID") or e.findtext("BookDocument/PMID")
                for e in root
                if e.tag != "DeleteCitation"
            }
            assert {r["pmid"] for r in parsed.records} == {p.strip() for p in pmids if p}
            assert parsed.deleted == [e.text for e in root.iterfind("DeleteCitation/PMID")]
            assert not parsed.bad
