"""A term is refused when PubMed would misread it in silence, with what to write instead."""

# ruff: noqa: E501  (records and tables of answers are easier to compare one a line)

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msminer.errors import QueryError
from msminer.pubmed.query import check_term, known_tag, load_named_queries, load_query, named_query, plain_phrase

GOOD = [
    "asthma",
    '"multiple sclerosis"[tiab] AND (stem cell*[tiab] OR "MSC"[ti]) NOT rat[mh:noexp]',
    "2020/01/01:2020/12/31[crdt] AND sclerosis[Title/Abstract]",
    '"stem sclerosis"[tiab:~3]',
    '"encephalomyelitis, autoimmune, experimental"[MeSH Terms]',
    "(a OR b) NOT (c AND d)",
    '"IFN-β"[tiab] OR γδ[tiab]',
    '"graft and host"[tiab]',
    "1:500[uid]",
    '"AND"[tiab]',
    "sclerosis [tiab]",
]
BAD = [
    ("", "empty"),
    ("  \n ", "empty"),
    ("asthma[foo]", r"no field tag \[foo\]"),
    ("asthma[tiabb]", r"did you mean \[tiab\]"),
    ("asthma[zzzzzz]", "see the list"),
    ("asthma[mh:~3]", "no field tag"),
    ("asthma[tiab:noexp]", "no field tag"),
    ("asthma[tiab:~]", "no field tag"),
    ("asthma[]", "no field tag"),
    ("(asthma OR copd)[tiab]", "tag on brackets"),
    ("[tiab] asthma", "follows no term"),
    ("asthma OR [tiab]", "follows no term"),
    ("\u201casthma\u201d[tiab]", "typographic"),
    ("stem\u2217[tiab]", "typographic"),
    ("relapsing\u2013remitting", "typographic"),
    ("stem\u00a0cell", "typographic"),
    ("asthma\x07", "control character"),
    ("cells &amp; mice", "HTML entity"),
    ("cells &#x3b2;", "HTML entity"),
    ('"asthma', "not closed"),
    ("((asthma", "not closed"),
    ("asthma))", "never opened"),
    ("asthma[tiab", "square bracket"),
    ("asthma tiab]", "square bracket"),
    ("asthma[[tiab]]", "square bracket"),
    ("asthma ()", "empty"),
    ("asthma and copd", "write AND"),
    ("asthma Or copd", "write OR"),
    ("asthma not copd", "write NOT"),
    ("asthma AND", "operator"),
    ("OR asthma", "operator"),
    ("asthma AND OR copd", "operator"),
    ("(asthma AND) copd", "operator"),
    ("#1 AND asthma", "history number"),
    ("ms*[tiab]", "truncates"),
    ("*sclerosis", "truncates"),
    ("scle*rosis", "truncates"),
]


@pytest.mark.parametrize("term", GOOD)
def test_terms_that_pubmed_reads_as_meant(term: str) -> None:
    assert check_term(term) == term


@pytest.mark.parametrize(("term", "says"), BAD)
def test_terms_that_pubmed_would_misread(term: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        check_term(term)


def test_blanks_and_lines_are_evened_out() -> None:
    assert check_term("  a\n  OR   b ") == "a OR b"
    assert check_term("a  OR\tb") == "a OR b"


@given(st.text(max_size=60))
def test_any_text_is_a_term_or_a_query_error(text: str) -> None:
    try:
        checked = check_term(text)
    except QueryError:
        return
    assert check_term(checked) == checked


@given(st.text('ab()[]"*& ORANDt:~#1', max_size=25))
def test_a_checked_term_has_its_brackets_in_order(text: str) -> None:
    try:
        checked = check_term(text)
    except QueryError:
        return
    assert checked.count('"') % 2 == 0
    outside = "".join(checked.split('"')[::2])
    assert outside.count("[") == outside.count("]")


@pytest.mark.parametrize(
    ("tag", "known"),
    [("tiab", True), (" TIAB ", True), ("MeSH Terms", True), ("mesh  terms", True), ("mh:noexp", True), ("majr:NOEXP", True),
     ("ti:~0", True), ("ti:~12345", False), ("xyz", False), (":noexp", False), ("tiab:", False)],
)  # fmt: skip
def test_known_tags(tag: str, known: bool) -> None:
    assert known_tag(tag) is known


@pytest.mark.parametrize(
    ("phrase", "plain"), [('"Lost cells"[tiab]', "lost cells"), ("the", "the"), ('"x y"[Title/Abstract]', "x y")]
)
def test_plain_phrases(phrase: str, plain: str) -> None:
    assert plain_phrase(phrase) == plain


def test_a_query_file(tmp_path: Path) -> None:
    path = tmp_path / "My Cells.txt"
    path.write_text(
        '# why it is so\nstem cell*[tiab]\n  OR "MSC"[tiab]\n\n# allow-lost: "Old words"[tiab]\n# Allow-Lost: more\n'
    )
    query = load_query(path)
    assert (query.name, query.term) == ("my_cells", 'stem cell*[tiab] OR "MSC"[tiab]')
    assert query.allow_lost == {"old words", "more"}


@pytest.mark.parametrize(("name", "becomes"), [("9-lives.txt", "q_9_lives"), ("---.txt", "q_")])
def test_odd_file_names_become_query_names(tmp_path: Path, name: str, becomes: str) -> None:
    (tmp_path / name).write_text("asthma")
    assert load_query(tmp_path / name).name == becomes


def test_query_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="cannot be read"):
        load_query(tmp_path / "absent.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(QueryError, match="UTF-8"):
        load_query(tmp_path / "latin.txt")
    (tmp_path / "notes.txt").write_text("# only notes\n")
    with pytest.raises(QueryError, match="empty"):
        load_query(tmp_path / "notes.txt")


def test_names_are_checked() -> None:
    with pytest.raises(QueryError, match="name"):
        named_query("Stem Cells", "asthma")


def test_the_shipped_queries_pass_the_check_in_order() -> None:
    names = [query.name for query in load_named_queries()]
    assert names == sorted(names)
    assert {"stem_cells_ms", "ms_all"} <= set(names)


def test_queries_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "a.txt").write_text("a")
    assert [query.term for query in load_named_queries(tmp_path)] == ["a", "b"]
