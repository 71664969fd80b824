"""The sandbox's search language: what PubMed understands, and what it hides."""

from __future__ import annotations

import contextlib
import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.errors import QueryError
from msminer.sandbox.fields import LISTED, by_tag
from msminer.sandbox.index import Index
from msminer.sandbox.normal import flat
from msminer.sandbox.records import read_record
from msminer.sandbox.search import Found, HistoryGone, search

TODAY = date(2026, 11, 21)
RECORD = """<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">{pmid}</PMID>
<DateRevised><Year>2021</Year><Month>02</Month><Day>0{pmid}</Day></DateRevised>
<Article PubModel="Print"><Journal><JournalIssue><Volume>{pmid}</Volume><PubDate>{date}</PubDate></JournalIssue>
<Title>Journal of Invention</Title></Journal><ArticleTitle>{title}</ArticleTitle>
<Abstract><AbstractText>{abstract}</AbstractText></Abstract>
<AuthorList><Author><LastName>{author}</LastName><ForeName>Ann Bea</ForeName><Initials>AB</Initials></Author>
</AuthorList>
<Language>{language}</Language><PublicationTypeList><PublicationType>{kind}</PublicationType></PublicationTypeList></Article>
<MedlineJournalInfo><MedlineTA>J Invent</MedlineTA></MedlineJournalInfo>
<MeshHeadingList>{mesh}</MeshHeadingList>
<KeywordList><Keyword>{keyword}</Keyword></KeywordList></MedlineCitation><PubmedData><History>
<PubMedPubDate PubStatus="entrez"><Year>2020</Year><Month>1</Month><Day>{pmid}</Day></PubMedPubDate></History>
<ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId><ArticleId IdType="doi">10.1/x.{pmid}</ArticleId>
</ArticleIdList></PubmedData></PubmedArticle>"""
HEADING = (
    '<MeshHeading><DescriptorName MajorTopicYN="{major}">{name}</DescriptorName>'
    '<QualifierName MajorTopicYN="N">therapy</QualifierName></MeshHeading>'
)
ROWS: dict[int, dict[str, str]] = {
    1: {
        "title": "Stem cells in multiple sclerosis",
        "abstract": "Grafted cells survived.",
        "mesh": HEADING.format(major="Y", name="Multiple Sclerosis, Relapsing-Remitting"),
        "date": "<Year>2019</Year>",
        "author": "Smith",
    },
    2: {
        "title": "Multiple views of asthma",
        "abstract": "Sclerosis was not seen. The <i>α</i>-synuclein level rose.",
        "mesh": HEADING.format(major="N", name="Asthma"),
        "date": "<Year>2020</Year><Month>Mar</Month>",
        "author": "Smithers",
        "kind": "Review",
    },
    3: {
        "title": "Mesenchymal stem-cell grafts",
        "abstract": "MSCs in EAE mice: Wharton's jelly.",
        "mesh": HEADING.format(major="N", name="Mesenchymal Stem Cells"),
        "date": "<MedlineDate>2020 Nov-Dec</MedlineDate>",
        "author": "Müller",
        "language": "fre",
    },
    4: {
        "title": "Copd",
        "abstract": "No word of it.",
        "mesh": HEADING.format(major="N", name="Neural Stem Cells"),
        "date": "<Year>2021</Year><Season>Spring</Season>",
        "author": "Jones",
        "keyword": "stem cells",
    },
}


def record(pmid: int, **row: str) -> str:
    usual = {"language": "eng", "kind": "Journal Article", "keyword": "none", "mesh": ""}
    return RECORD.format(pmid=pmid, **(usual | row))


@pytest.fixture(scope="module")
def index() -> Index:
    return Index(read_record(record(pmid, **row)) for pmid, row in ROWS.items())


def run(index: Index, term: str) -> Found:
    return search(index, term, TODAY)


def found(index: Index, term: str) -> set[int]:
    return {index.records[place].pmid for place in run(index, term).places}


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        # words, phrases, truncation
        ("multiple[tiab]", {1, 2}),
        ('"multiple sclerosis"[tiab]', {1}),
        ("multiple sclerosis[tiab]", {1}),
        ("sclerosis rose[tiab]", {2}),
        ('"stem cell*"[tiab]', {1, 3, 4}),
        ('"stem cells"[ti]', {1}),
        ("graft*[tiab]", {1, 3}),
        ("stem-cell[tiab]", {3}),
        ("wharton's jelly[tiab]", {3}),
        ("alpha synuclein[tiab]", {2}),
        ("STEM CELLS[TIAB]", {1, 4}),
        ('"sclerosis grafted"[tiab]', set()),
        ('"sclerosis cells"[tiab:~3]', {1}),
        ('"sclerosis cells"[tiab:~1]', set()),
        ('"cells multiple"[ti:~0]', set()),
        ('"asthma sclerosis"[tiab:~9]', set()),
        # untagged: mapped to a heading where one is known, all words otherwise
        ("stem cells", {1, 3, 4}),
        ("sclerosis multiple", {1, 2}),
        ("smith", {1}),
        # headings
        ('"multiple sclerosis"[mh]', {1}),
        ('"multiple sclerosis"[mh:noexp]', set()),
        ('"stem cells"[mh]', {3, 4}),
        ('"multiple sclerosis/therapy"[mh]', {1}),
        ('"multiple sclerosis, relapsing-remitting"[majr]', {1}),
        ("asthma[majr]", set()),
        ("therapy[sh]", {1, 2, 3, 4}),
        # values
        ("review[pt]", {2}),
        ("fre[la]", {3}),
        ('"J Invent"[ta]', {1, 2, 3, 4}),
        ("journal of invention[ta]", {1, 2, 3, 4}),
        ("smith[au]", {1}),
        ("smith a[au]", {1}),
        ('"smith a"[au]', set()),
        ("smith*[au]", {1, 2}),
        ("muller ab[1au]", {3}),
        ("10.1/x.4[aid]", {4}),
        ("2[vi]", {2}),
        ("stem cells[ot]", {4}),
        ("hasabstract[sb]", {1, 2, 3, 4}),
        # numbers
        ("3[uid]", {3}),
        ("2:3[uid]", {2, 3}),
        ("00000003 4", {3, 4}),
        ("1,2,999", {1, 2}),
        # dates
        ("2020[dp]", {2, 3}),
        ("2020/03[pdat]", {2}),
        ("2020/11:2021[dp]", {3, 4}),
        ('"2020/01/02"[crdt] : "2020/01/03"[crdt]', {2, 3}),
        ('"2020/01/02"[crdt] : "3000"[crdt]', {2, 3, 4}),
        ('2020/01/02:3000[Date - Create]', {2, 3, 4}),
        ("2021/02/04[lr]", {4}),
        ("last 10 years[crdt]", {1, 2, 3, 4}),
        ("last 5 days[crdt]", set()),
        # operators from left to right
        ("copd[tiab] OR asthma[tiab] AND cells[tiab]", {4}),
        ("copd[tiab] OR (multiple[tiab] AND cells[tiab])", {1, 4}),
        ("multiple[tiab] NOT cells[tiab]", {2}),
        ("multiple[tiab] stem[tiab]", {1}),
        ("AND multiple[tiab] OR", {1, 2}),
        ("()", set()),
        # what PubMed hides
        ("asthma[foo]", {2}),
        ("asthma[tiabb] OR copd[tiab]", {2, 4}),
        ("(asthma OR copd)[ti]", {2, 4}),
        ("asthm\u2217[tiab]", set()),
        ("cells &amp; sclerosis", set()),
        ("the[tiab] AND asthma[tiab]", set()),
        ("asthma[mh:~3]", {2}),
        ("gra*[tiab]", set()),
        ("asthma and copd", set()),
    ],
)  # fmt: skip
def test_finds(index: Index, term: str, expected: set[int]) -> None:
    assert found(index, term) == expected


@pytest.mark.parametrize(
    ("term", "translation"),
    [
        ("asthma[tiab] AND 2020[dp]", '"asthma"[Title/Abstract] AND 2020/01/01:2020/12/31[Date - Publication]'),
        ("(asthma[tiab])", '"asthma"[Title/Abstract]'),
        (
            "(asthma[ti] OR copd[ti]) AND (stem[ti] OR cells[ti])",
            '("asthma"[Title] OR "copd"[Title]) AND ("stem"[Title] OR "cells"[Title])',
        ),
        ("graft*[tiab]", '"graft*"[Title/Abstract]'),
        (
            "stem cells",
            '"stem cells"[MeSH Terms] OR ("stem"[All Fields] AND "cells"[All Fields]) OR "stem cells"[All Fields]',
        ),
        ("J Invent[ta]", '"j invent"[Journal]'),
        ("asthma[foo]", '"asthma"[All Fields]'),
    ],
)
def test_translates(index: Index, term: str, translation: str) -> None:
    assert run(index, term).translation == translation


@pytest.mark.parametrize(
    ("term", "hits", "quoted", "stopped"),
    [
        ('"no such heading"[mh]', 0, ['"no such heading"[MeSH Terms]'], []),
        ('"multiple sclerosis"[mh:noexp]', 0, [], []),
        ('"qzx words"[tiab] OR asthma[tiab]', 1, ['"qzx words"'], []),
        ("qzxnonsense", 0, ['"qzxnonsense"'], []),
        ("the[tiab] AND asthma[tiab]", 0, [], ["the"]),
        ("gra*[tiab] OR asthma[tiab]", 1, ['"gra*"'], []),
        ("asthma[foo]", 1, [], []),
    ],
)
def test_warns(index: Index, term: str, hits: int, quoted: list[str], stopped: list[str]) -> None:
    answer = run(index, term)
    assert (len(answer.places), answer.quoted_not_found, answer.not_found) == (hits, quoted, stopped)


@pytest.mark.parametrize("term", ["((", "(asthma", "asthma)", ")("])
def test_brackets_that_do_not_match_fail(index: Index, term: str) -> None:
    with pytest.raises(QueryError):
        run(index, term)


def test_earlier_searches_are_named_by_number(index: Index) -> None:
    assert search(index, "#2 AND multiple[tiab]", TODAY, {2: {0, 2}}).places == {0}
    with pytest.raises(HistoryGone):
        search(index, "#1", TODAY, {2: set()})


def test_a_thousand_ors_need_no_deep_stack(index: Index) -> None:
    term = " OR ".join(f"{number}[uid]" for number in range(1, 3000))
    assert found(index, term) == {1, 2, 3, 4}


def test_a_new_form_of_a_record_takes_the_place_of_the_old(index: Index) -> None:
    changing = Index(read_record(record(pmid, **row)) for pmid, row in ROWS.items())
    changing.put(read_record(record(2, **(ROWS[2] | {"title": "Bronchitis"}))))
    changing.drop(4)
    assert found(changing, "asthma[ti]") == set()
    assert found(changing, "bronchitis[ti]") == {2}
    assert found(changing, "all[sb]") == {1, 2, 3}
    assert found(changing, "cell*[tiab] OR 1:9[uid]") == {1, 2, 3}


def test_tags_are_told_apart_without_case_and_blanks() -> None:
    assert by_tag("Title/Abstract") is by_tag("TIAB")
    assert by_tag("mh : noexp") is None
    assert by_tag("tiabb") is None
    assert len({field.name for field in LISTED}) == len(LISTED)


def test_flat_text() -> None:
    assert flat("Wharton's CD34+ Müller, IFN-β/TGF-α2") == "wharton s cd34 muller ifn beta tgf alpha 2"


WORDS = ("multiple", "cells", "asthma", "copd", "stem")


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2) -> str:
    parts = [draw(st.sampled_from(WORDS)) + "[tiab]"]
    for _ in range(draw(st.integers(0, 3))):
        inner = (
            f"({draw(expressions(depth - 1))})"
            if depth and draw(st.booleans())
            else draw(st.sampled_from(WORDS)) + "[tiab]"
        )
        parts += [draw(st.sampled_from(["AND", "OR", "NOT"])), inner]
    return " ".join(parts)


def by_hand(term: str) -> set[int]:
    """The same term, worked out by hand: one operand after the other."""
    texts = {p: flat(f"{r['title']} {r['abstract']} {r.get('keyword', '')}").split() for p, r in ROWS.items()}
    holds = {word: {pmid for pmid, text in texts.items() if word in text} for word in WORDS}
    tokens = re.findall(r"[()]|AND|OR|NOT|\w+(?=\[)", term)

    def expression() -> set[int]:
        value = operand()
        while tokens and tokens[0] != ")":
            operator, right = tokens.pop(0), operand()
            value = {"AND": value & right, "OR": value | right, "NOT": value - right}[operator]
        return value

    def operand() -> set[int]:
        token = tokens.pop(0)
        if token != "(":
            return holds[token]
        value = expression()
        tokens.pop(0)
        return value

    return expression()


@settings(deadline=None)
@given(expressions())
def test_any_expression_is_read_from_left_to_right(term: str) -> None:
    whole = Index(read_record(record(pmid, **row)) for pmid, row in ROWS.items())
    assert found(whole, term) == by_hand(term)


DAYS = st.integers(0, 400).map(lambda n: date(2019, 12, 1) + timedelta(days=n))


@settings(deadline=None)
@given(DAYS, DAYS)
def test_slices_by_entry_date_add_up(first: date, second: date) -> None:
    whole = Index(read_record(record(pmid, **row)) for pmid, row in ROWS.items())
    low, high = sorted((first, second))
    parts = [
        found(whole, f"1850[crdt] : {low - timedelta(days=1):%Y/%m/%d}[crdt]"),
        found(whole, f"{low:%Y/%m/%d}:{high:%Y/%m/%d}[crdt]"),
        found(whole, f'"{high + timedelta(days=1):%Y/%m/%d}"[crdt] : "3000"[crdt]'),
    ]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(ROWS)


EMPTY = Index()


@settings(deadline=None)
@given(st.text(alphabet='abc "[]():*#,/&;AND OR123\u2217', max_size=40))
def test_no_term_breaks_the_search(term: str) -> None:
    with contextlib.suppress(QueryError, HistoryGone):
        assert search(EMPTY, term, TODAY).places == set()
