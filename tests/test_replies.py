"""What an answer says: failures in every disguise, and typed contents that hold Biopython's reading."""

# ruff: noqa: E501  (records and tables of answers are easier to compare one a line)

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msminer.errors import (
    AddressBlocked,
    BadApiKey,
    MalformedReply,
    MsminerError,
    PageTooHeavy,
    PubMedError,
    RateLimited,
    ServiceError,
    TransportError,
)
from msminer.pubmed.replies import read_citations, read_info, read_search, refusal, whole_records

HEAD = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN" '
    '"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">\n'
)


def search_body(
    ids: list[str], *, count: int | None = None, more: str = "", translation: str = '"ms"[All Fields]'
) -> bytes:
    listed = "".join(f"<Id>{pmid}</Id>\n" for pmid in ids)
    numbers = f"<Count>{len(ids) if count is None else count}</Count><RetMax>{len(ids)}</RetMax><RetStart>0</RetStart>"
    rest = f"<IdList>\n{listed}</IdList><TranslationSet/><QueryTranslation>{translation}</QueryTranslation>{more}"
    return f"{HEAD}<eSearchResult>{numbers}{rest}</eSearchResult>\n".encode()


NONE_FOUND = "<WarningList><OutputMessage>No items found.</OutputMessage></WarningList>"
RATE = b'{"error":"API rate limit exceeded","api-key":"198.51.100.7","count":"4","limit":"3"}'
ERROR = "<eFetchResult>\n\t<ERROR>{}</ERROR>\n</eFetchResult>"


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "again", "wait"),
    [
        (429, {"retry-after": "2"}, RATE, RateLimited, True, 2.0),
        (429, {}, b"", RateLimited, True, None),
        (200, {}, RATE, RateLimited, True, None),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, RATE, RateLimited, True, None),
        (400, {}, b'{"error":"API key invalid","api-key":"k1","type":"invalid",\n"status":"unknown"}', BadApiKey, False, None),
        (302, {"location": "https://misuse.ncbi.nlm.nih.gov/error/abuse.shtml"}, b"", AddressBlocked, False, None),
        (307, {"location": "https://elsewhere.example/"}, b"", AddressBlocked, False, None),
        (200, {}, b"<html><title>NCBI - WWW Error Blocked Diagnostic</title></html>", AddressBlocked, False, None),
        (400, {}, ERROR.format("ID list is empty! Possibly it has no correct IDs.").encode(), ServiceError, False, None),
        (400, {}, b"ID+list+is+empty!+Possibly+it+has+no+correct+IDs.", ServiceError, False, None),
        (200, {}, ERROR.format("Invalid db name specified: nothing").encode(), ServiceError, False, None),
        (400, {}, ERROR.format("Error: External viewer error: Empty Response. Status: Timeout").encode(), PageTooHeavy, True, None),
        (400, {}, ERROR.format("Failed to connect to PubOne service. Try again later.").encode(), ServiceError, True, None),
        (200, {}, ERROR.format("something never seen before").encode(), ServiceError, True, None),
        (200, {}, ERROR.format("").encode(), ServiceError, True, None),
        (200, {}, b'{"esearchresult":{"ERROR":"Search Backend failed: Exception:\n\'retstart\' cannot be larger than 9998."}}', ServiceError, False, None),
        (200, {}, b'{"esummaryresult":["Unable to obtain query #1"]}', ServiceError, True, None),
        (200, {}, b'{"header":{},"error":"Too many UIDs in request."}', ServiceError, False, None),
        (200, {}, b'{"linksets":[],"ERROR":"Invalid db name specified: notadb"}', ServiceError, False, None),
        (200, {}, b'{"esearchresult":', ServiceError, True, None),
        (503, {"retry-after": "7"}, b"<html></html>", ServiceError, True, 7.0),
        (500, {}, b"<html></html>", ServiceError, True, None),
        (502, {}, b"", ServiceError, True, None),
        (504, {}, b"", ServiceError, True, None),
        (414, {}, b"<html></html>", ServiceError, False, None),
        (404, {}, b"<html></html>", ServiceError, False, None),
        (200, {}, b"", TransportError, True, None),
        (200, {}, b" \n", TransportError, True, None),
        (200, {}, b"<!DOCTYPE html>\n<html></html>", MalformedReply, True, None),
        (200, {}, b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"/>', MalformedReply, True, None),
        (200, {}, b"Unable to route request!\n\nservice name: /http", ServiceError, True, None),
        (200, {}, b"words", ServiceError, True, None),
        (200, {}, b'<x><DocumentSummarySet status="OK"><!--DocSum Backend failed: x--></DocumentSummarySet></x>', ServiceError, True, None),
    ],
)  # fmt: skip
def test_failures(
    status: int, headers: dict[str, str], body: bytes, kind: type[PubMedError], again: bool, wait: float | None
) -> None:
    said = refusal(status, headers, body)
    assert said is not None
    assert type(said.error) is kind
    assert (said.again, said.wait) == (again, wait)


@pytest.mark.parametrize(
    "body",
    [
        search_body(["1"]),
        b'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "x" "y">\n<PubmedArticleSet><a>API key invalid, API rate limit exceeded, Blocked Diagnostic</a></PubmedArticleSet>',
        b"<PubmedArticleSet></PubmedArticleSet>",
        b'{"header":{},"esearchresult":{"count":"0"}}',
        b"{}",
    ],
)
def test_answers_that_say_no_failure(body: bytes) -> None:
    assert refusal(200, {}, body) is None


def test_plain_text_is_expected_of_ecitmatch_alone() -> None:
    body = b"lancet|2009|374|1|x|key|19999999\n"
    assert refusal(200, {}, body, plain=True) is None
    assert refusal(200, {}, b"Unable to route request!", plain=True) is not None
    assert refusal(200, {}, body) is not None


@given(st.binary(max_size=400), st.sampled_from([200, 200, 302, 400, 404, 429, 500, 503]))
def test_no_bytes_break_the_judge(body: bytes, status: int) -> None:
    said = refusal(status, {}, body)
    assert said is None or isinstance(said.error, PubMedError)
    if status != 200:
        assert said is not None


def test_a_search() -> None:
    reply = read_search(search_body(["41282813", "7"], translation="a &amp; b"), asked=20)
    assert (reply.count, reply.pmids, reply.translation, reply.lost) == (2, ("41282813", "7"), "a & b", ())


def test_a_search_above_what_was_asked() -> None:
    assert read_search(search_body(["1", "2"], count=900), asked=2).count == 900
    assert read_search(search_body([], count=900), asked=0).pmids == ()


def test_what_pubmed_lost_is_named_once() -> None:
    more = (
        "<ErrorList><PhraseNotFound>a</PhraseNotFound><FieldNotFound>f</FieldNotFound></ErrorList><WarningList>"
        '<PhraseIgnored>the</PhraseIgnored><QuotedPhraseNotFound>"b"</QuotedPhraseNotFound><PhraseIgnored>the</PhraseIgnored></WarningList>'
    )
    assert read_search(search_body(["1"], more=more), asked=5).lost == ("a", "the", '"b"', "f")


@pytest.mark.parametrize(
    ("body", "asked", "error"),
    [
        (search_body([]), 5, MalformedReply),
        (search_body([], more="<WarningList><OutputMessage>Other.</OutputMessage></WarningList>"), 5, MalformedReply),
        (search_body(["1"], count=2), 5, MalformedReply),
        (search_body(["1", "1"]), 5, MalformedReply),
        (search_body(["1", "2"]), 1, MalformedReply),
        (search_body(["0"]), 5, MalformedReply),
        (search_body(["1234567890"]), 5, MalformedReply),
        (search_body(["x1"]), 5, MalformedReply),
        (search_body(["1"]).replace(b"<Count>1", b"<Count>-1"), 5, MalformedReply),
        (search_body(["1"]).replace(b"<Count>1", b"<Count>"), 5, MalformedReply),
        (search_body(["1"]).replace(b"<RetMax>1", b"<RetMax>2"), 5, MalformedReply),
        (search_body(["1"]).replace(b"<Count>1</Count>", b""), 5, MalformedReply),
        (search_body(["1"]).replace(b"<QueryTranslation>", b"<Other>").replace(b"</QueryTranslation>", b"</Other>"), 5, MalformedReply),
        (search_body(["1"]).replace(b"eSearchResult>", b"ePostResult>"), 5, MalformedReply),
        (search_body(["1"]).replace(b'esearch.dtd">', b'esearch.dtd" [<!ENTITY a "b">]>'), 5, MalformedReply),
        (search_body(["1"], more="<WarningList><OutputMessage>Restrictions achieved. start and count adjusted to 0, 1</OutputMessage></WarningList>"), 5, ServiceError),
        (b'{"esearchresult":{"count":1}}', 5, MalformedReply),
    ],
)  # fmt: skip
def test_searches_that_prove_nothing(body: bytes, asked: int, error: type[MsminerError]) -> None:
    with pytest.raises(error):
        read_search(body, asked=asked)


def test_an_honest_zero() -> None:
    reply = read_search(search_body([], more=NONE_FOUND), asked=5)
    assert (reply.count, reply.pmids) == (0, ())


@given(st.data())
def test_no_damage_to_a_search_passes_unseen(data: st.DataObject) -> None:
    """A changed byte either fails or leaves count and PMIDs in agreement."""
    body = bytearray(search_body(["11", "12", "13"]))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        reply = read_search(bytes(body), asked=20)
    except PubMedError:
        return
    assert reply.count == len(reply.pmids) == 3


@pytest.mark.parametrize("end", [b"</PubmedArticleSet>", b"</PubmedArticleSet>\n", b"<PubmedArticleSet/>"])
def test_whole_pages(end: bytes) -> None:
    assert whole_records(b"<PubmedArticleSet>" + end).endswith(end)


@pytest.mark.parametrize(
    "body", [b"", b"<PubmedArticleSet>", b"<PubmedArticleSet></PubmedArticle>", b"</PubmedArticleSet> and more"]
)
def test_pages_without_their_end(body: bytes) -> None:
    with pytest.raises(MalformedReply, match="no end"):
        whole_records(body)


def test_info() -> None:
    body = b"<eInfoResult><DbInfo><DbBuild>Build-2026</DbBuild><Count>39</Count></DbInfo></eInfoResult>"
    assert (read_info(body).build, read_info(body).count) == ("Build-2026", 39)
    with pytest.raises(MalformedReply):
        read_info(b"<eInfoResult><DbList/></eInfoResult>")


def test_citations() -> None:
    body = b"lancet|2009|374|1|burt|a|19999999\nj x|2001|||y|b|NOT_FOUND;INVALID_JOURNAL\nj z|2002|||y|c|AMBIGUOUS 3 citations\n"
    assert read_citations(body, ["a", "b", "c"]) == {"a": "19999999", "b": None, "c": None}
    with pytest.raises(MalformedReply, match="lacks lines"):
        read_citations(body, ["a", "d"])


@pytest.mark.parametrize(
    "body",
    [
        search_body(["41282813", "7"]),
        search_body([], more=NONE_FOUND),
        search_body(["5"], more='<WarningList><QuotedPhraseNotFound>"b"</QuotedPhraseNotFound></WarningList>'),
    ],
)
def test_biopython_reads_the_same(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from Bio import Entrez
    from Bio.Entrez import Parser

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("Biopython went out for a DTD")

    monkeypatch.setattr(Parser, "urlopen", refuse)
    theirs, ours = Entrez.read(io.BytesIO(body)), read_search(body, asked=20)
    assert int(theirs["Count"]) == ours.count
    assert tuple(theirs["IdList"]) == ours.pmids
    assert theirs["QueryTranslation"] == ours.translation
    assert [str(x) for x in theirs.get("WarningList", {}).get("QuotedPhraseNotFound", [])] == list(ours.lost)


def test_errors_hold_no_whole_body() -> None:
    long = json.dumps({"error": "x" * 5_000}).encode()
    said = refusal(200, {}, long)
    assert said is not None
    assert len(str(said.error)) < 500


def test_a_block_and_a_foreign_redirect_are_told_apart() -> None:
    blocked = refusal(302, {"location": "https://misuse.ncbi.nlm.nih.gov/error/abuse.shtml"}, b"")
    elsewhere = refusal(302, {"location": "https://elsewhere.example/"}, b"")
    assert blocked is not None
    assert elsewhere is not None
    assert "write to eutilities@ncbi.nlm.nih.gov" in str(blocked.error)
    assert "MSMINER_ENTREZ_URL" in str(elsewhere.error)
    assert "eutilities@" not in str(elsewhere.error)
