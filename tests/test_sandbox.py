"""The sandbox answers as the E-utilities do, oddities included, and goes wrong only as its plan says."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from Bio import Entrez
from lxml import etree

from msminer.errors import DataError
from msminer.sandbox import Sandbox
from msminer.sandbox.faults import CATALOGUE, NOT_A_REPLY

RECORD = """<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">{pmid}</PMID>
<DateRevised><Year>{year}</Year><Month>05</Month><Day>06</Day></DateRevised><Article PubModel="Print"><Journal>
<JournalIssue CitedMedium="Print"><Volume>{pmid}</Volume><PubDate><Year>{year}</Year><Month>{month}</Month></PubDate>
</JournalIssue><Title>Invented J</Title></Journal><ArticleTitle>{title}</ArticleTitle>
<Pagination><MedlinePgn>11-12</MedlinePgn></Pagination><Abstract><AbstractText>{abstract}</AbstractText></Abstract>
<AuthorList><Author><LastName>{author}</LastName><Initials>AB</Initials></Author></AuthorList><Language>eng</Language>
<PublicationTypeList><PublicationType>Journal Article</PublicationType></PublicationTypeList></Article>
<MedlineJournalInfo><MedlineTA>Invented J</MedlineTA></MedlineJournalInfo></MedlineCitation><PubmedData><History>
<PubMedPubDate PubStatus="entrez"><Year>{year}</Year><Month>5</Month><Day>1</Day></PubMedPubDate></History>
<PublicationStatus>ppublish</PublicationStatus><ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId>
</ArticleIdList></PubmedData></PubmedArticle>"""
ROOT = Path(__file__).resolve().parent.parent
TEXTS = {
    101: ("Cells in <i>multiple sclerosis</i>", "Stem cells eased IFN-β signs in mice.", "Núñez"),
    102: ("Asthma and the lung", "Nothing of note here.", "Smith"),
    103: ("Multiple sclerosis registry", "A cohort of people was followed.", "Smithers"),
    104: ("Myelin repair", "Oligodendrocytes came back in old rats.", "Jones"),
    105: ("Stem cell grafts", "Cells lived for a year.", "Jones"),
}


def write_records(path: Path, texts: dict[int, tuple[str, str, str]] | None = None) -> Path:
    records = [
        RECORD.format(pmid=pmid, title=title, abstract=abstract, author=author, year=2000 + pmid % 100, month="Mar")
        for pmid, (title, abstract, author) in (texts or TEXTS).items()
    ]
    body = "<PubmedArticleSet>" + "\n".join(records) + "</PubmedArticleSet>"
    path.write_bytes(gzip.compress(body.encode()))
    return path


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("sandbox") / "records.xml.gz")


@pytest.fixture(scope="module")
def server(records: Path) -> Iterator[Sandbox]:
    with Sandbox([records], rate=False) as running:
        yield running


# One client without kept connections: building a client costs more than the request.
CLIENT = httpx.Client(verify=False, timeout=5, limits=httpx.Limits(max_keepalive_connections=0))


def ask(server: Sandbox, program: str, **params: Any) -> httpx.Response:
    ending = "cgi" if program == "ecitmatch" else "fcgi"
    return CLIENT.post(f"{server.url}{program}.{ending}", data={"db": "pubmed", **params})


def pmids(reply: httpx.Response) -> list[str]:
    return [e.text for e in etree.fromstring(reply.content).iterfind("*/*/PMID")]


# What a healthy service says


def test_search_counts_pages_and_translates(server: Sandbox) -> None:
    result = ask(server, "esearch", term="multiple sclerosis[tiab]", retmode="json").json()["esearchresult"]
    assert (result["count"], result["retmax"], result["idlist"]) == ("2", "2", ["103", "101"])
    assert result["querytranslation"] == '"multiple sclerosis"[Title/Abstract]'
    page = ask(server, "esearch", term="all[sb]", retmax=2, retstart=1)
    assert etree.fromstring(page.content).xpath("//Id/text()") == ["104", "103"]
    assert etree.fromstring(page.content).findtext("Count") == "5"


def test_answers_read_with_biopython(server: Sandbox) -> None:
    found = Entrez.read(BytesIO(ask(server, "esearch", term="cells[tiab]", usehistory="y").content))
    assert found["Count"] == "2"
    assert found["WebEnv"].startswith("MCID_")
    articles = Entrez.read(BytesIO(ask(server, "efetch", id="101", retmode="xml").content))
    assert str(articles["PubmedArticle"][0]["MedlineCitation"]["PMID"]) == "101"
    assert Entrez.read(BytesIO(ask(server, "einfo").content))["DbInfo"][0]["Count"] == "5"


def test_fetch_is_ascii_in_the_order_asked_and_silent_about_the_missing(server: Sandbox) -> None:
    reply = ask(server, "efetch", id="105,999,00101,105", retmode="xml")
    assert reply.headers["transfer-encoding"] == "chunked"
    assert pmids(reply) == ["105", "101"]
    raw = reply.content
    assert raw.isascii()
    assert b"IFN-&#x3b2;" in raw
    assert b"N&#xfa;&#xf1;ez" in raw
    assert raw.startswith(b'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC')
    assert raw.endswith(b"</PubmedArticle></PubmedArticleSet>")
    assert len(ask(server, "efetch", id="999").content) == 205


@pytest.mark.parametrize(
    ("program", "params", "status", "said"),
    [
        ("efetch", {"id": "0"}, 400, b"<ERROR>ID list is empty! Possibly it has no correct IDs.</ERROR>"),
        ("efetch", {"id": "abc", "retmode": "text"}, 400, b"ID+list+is+empty!+Possibly+it+has+no+correct+IDs."),
        ("efetch", {"id": "101", "db": ""}, 400, b"Mandatory parameter: db - is omitted"),
        ("efetch", {"WebEnv": "MCID_0", "query_key": "1"}, 200, b"<ERROR>Unable to obtain query #1</ERROR>"),
        ("esearch", {"term": "(("}, 200, b"<ERROR>Search Backend failed"),
        ("esearch", {"term": ""}, 200, b"<ERROR>Empty term and query_key - nothing todo</ERROR>"),
        ("esearch", {"term": "x", "db": "notadb"}, 200, b"<ERROR>Invalid db name specified: notadb</ERROR>"),
        ("esearch", {"term": "#3 AND cells"}, 200, b"Unable to obtain query #3"),
        ("epost", {"id": ""}, 200, b"Empty ID list; Nothing to store"),
        ("esummary", {"id": ""}, 200, b"Empty id list - nothing todo"),
        ("esummary", {"id": "999", "version": "2.0"}, 200, b"<error>cannot get document summary</error>"),
        ("nothing", {}, 404, b"404"),
    ],
)
def test_errors_look_as_they_do_at_ncbi(
    server: Sandbox, program: str, params: dict[str, str], status: int, said: bytes
) -> None:
    reply = ask(server, program, **params)
    assert reply.status_code == status
    assert said in reply.content


def test_zero_has_both_signs(server: Sandbox) -> None:
    root = etree.fromstring(ask(server, "esearch", term="qzxnonsense").content)
    assert root.findtext("Count") == "0"
    assert root.findtext("WarningList/QuotedPhraseNotFound") == '"qzxnonsense"'
    assert root.findtext("WarningList/OutputMessage") == "No items found."


def test_summaries_and_their_limits(server: Sandbox) -> None:
    result = ask(server, "esummary", id="101,999", retmode="json").json()["result"]
    assert result["101"]["title"] == "Cells in multiple sclerosis"
    assert result["999"]["error"] == "cannot get document summary"
    many = ask(server, "esummary", id=",".join(map(str, range(1, 502))), retmode="json").json()
    assert many["error"].startswith("Too many UIDs in request")
    assert ask(server, "esummary", id="101,abc", retmode="json").json()["error"] == "Invalid uid abc at position= 1"


def test_citation_matching(server: Sandbox) -> None:
    lines = "invented j|2001|101|11|nunez ab|one|\rinvented j|2002||||two|\rinvented j||||jones|three|\rno j|1999||||x|"
    answer = ask(server, "ecitmatch", bdata=lines, retmode="xml").text.splitlines()
    assert [line.split("|")[-1] for line in answer] == ["101", "102", "AMBIGUOUS 104,105", "NOT_FOUND"]


def test_history_pages_through_fetch_and_expires(records: Path) -> None:
    now = [1_000_000.0]
    with Sandbox([records], rate=False, clock=lambda: now[0]) as running:
        posted = etree.fromstring(ask(running, "epost", id="101,102,103").content)
        kept = {"WebEnv": posted.findtext("WebEnv"), "query_key": posted.findtext("QueryKey")}
        assert pmids(ask(running, "efetch", retstart=1, retmax=5, **kept)) == ["102", "103"]
        term = f"#{kept['query_key']} AND asthma"
        found = ask(running, "esearch", term=term, WebEnv=kept["WebEnv"], retmode="json").json()
        assert found["esearchresult"]["idlist"] == ["102"]
        now[0] += 9 * 3600
        assert b"Unable to obtain query" in ask(running, "efetch", **kept).content


def test_the_window_clamps_warns_and_then_refuses(records: Path) -> None:
    with Sandbox([records], rate=False, window=3) as running:
        wide = ask(running, "esearch", term="all[sb]", retmax=4)
        assert b"Restrictions achieved. start and count adjusted to 0, 3" in wide.content
        assert etree.fromstring(wide.content).findtext("RetMax") == "3"
        edge = ask(running, "esearch", term="all[sb]", retstart=2, retmax=2)
        assert b"start and count adjusted to 2, 1" in edge.content
        beyond = ask(running, "esearch", term="all[sb]", retstart=3)
        assert beyond.status_code == 200
        assert b"'retstart' cannot be larger than 2" in beyond.content
        broken = ask(running, "esearch", term="all[sb]", retstart=3, retmode="json")
        with pytest.raises(json.JSONDecodeError):
            broken.json()
        kept = etree.fromstring(ask(running, "esearch", term="all[sb]", usehistory="y").content)
        session = {"WebEnv": kept.findtext("WebEnv"), "query_key": kept.findtext("QueryKey")}
        assert len(pmids(ask(running, "efetch", retstart=1, retmax=4, **session))) == 2
        assert ask(running, "efetch", retstart=3, **session).status_code == 400


def test_rate_limit_counts_per_address_and_per_key(records: Path) -> None:
    now = [0.0]
    with Sandbox([records], clock=lambda: now[0]) as running:
        statuses = [ask(running, "einfo").status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = ask(running, "einfo")
        assert refused.headers["retry-after"] == "2"
        assert refused.json() == {
            "error": "API rate limit exceeded",
            "api-key": "127.0.0.1",
            "count": "6",
            "limit": "3",
        }
        keyed = [ask(running, "einfo", api_key="k").status_code for _ in range(11)]
        assert keyed == [200] * 10 + [429]
        now[0] += 1.0
        calm = ask(running, "einfo")
        assert (calm.status_code, calm.headers["x-ratelimit-limit"], calm.headers["x-ratelimit-remaining"]) == (
            200,
            "3",
            "2",
        )


def test_long_gets_are_refused(server: Sandbox) -> None:
    url = server.url + "efetch.fcgi?" + urlencode({"db": "pubmed", "id": ",".join(["12345678"] * 1500)})
    assert httpx.get(url).status_code == 414
    assert httpx.get(server.url + "esearch.fcgi", params={"term": "cells"}).status_code == 200


def test_connections_are_kept_and_closed_as_announced(server: Sandbox) -> None:
    with httpx.Client() as client:
        for _ in range(41):
            reply = client.post(server.url + "einfo.fcgi")
    assert reply.status_code == 200
    used = {entry.connection for entry in server.log[-41:]}
    assert len(used) == 2


def test_state_changes_are_seen(records: Path) -> None:
    with Sandbox([records], rate=False) as running:
        running.set_clock(datetime(2030, 2, 3))
        running.service.revise(101, "eased", "worsened")
        running.service.retract(103, 555)
        running.service.delete(102)
        changed = ask(running, "esearch", term="2030/02/03[lr]", retmode="json").json()["esearchresult"]
        assert changed["idlist"] == ["103", "101"]
        text = ask(running, "efetch", id="101,102,103").content
        assert b"worsened" in text
        assert b'RefType="RetractionIn"' in text
        assert b"Retracted Publication" in text
        assert ask(running, "esearch", term="asthma[tiab]", retmode="json").json()["esearchresult"]["count"] == "0"
        ids = ask(running, "esearch", term="eased[tiab]", retmode="json").json()["esearchresult"]
        assert ids["count"] == "0"
        assert pmids(ask(running, "efetch", id="102,101")) == ["101"]


def test_files_that_are_no_pubmed_are_named(tmp_path: Path) -> None:
    bad = tmp_path / "page.html"
    bad.write_text("<html/>")
    with pytest.raises(DataError, match=r"page\.html"):
        Sandbox([bad])
    cut = write_records(tmp_path / "cut.xml.gz")
    cut.write_bytes(cut.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"cut\.xml\.gz"):
        Sandbox([cut])


def test_text_forms(server: Sandbox) -> None:
    medline = ask(server, "efetch", id="101,104", rettype="medline", retmode="text").text
    assert medline.startswith("\nPMID- 101\n")
    assert "TI  - Cells in multiple sclerosis\n" in medline
    assert "AU  - Núñez AB\n" in medline
    assert "CRDT- 2001/05/01 00:00\n" in medline
    abstract = ask(server, "efetch", id="101", rettype="abstract", retmode="text").text
    assert abstract.startswith("1. Invented J. 2001 Mar.")
    assert abstract.rstrip().endswith("PMID: 101")
    assert ask(server, "efetch", id="104,999,101", rettype="uilist", retmode="text").text == "104\n101\n"
    assert ask(server, "efetch", id="104", retmode="json").text == "104"


def test_einfo_lists_databases_and_fields(server: Sandbox) -> None:
    assert b"<DbName>pubmed</DbName>" in ask(server, "einfo", db="").content
    assert ask(server, "einfo", db="", retmode="json").json()["einforesult"] == {"dblist": ["pubmed"]}
    info = ask(server, "einfo", retmode="json").json()["einforesult"]["dbinfo"][0]
    assert info["count"] == "5"
    assert {"TIAB", "CRDT", "MDAT", "UID"} <= {field["name"] for field in info["fieldlist"]}
    assert b"<ERROR>" in ask(server, "einfo", db="nothing").content


def test_small_programs(server: Sandbox) -> None:
    one_set = etree.fromstring(ask(server, "elink", id="101,102").content)
    assert one_set.xpath("count(//LinkSet)") == 1
    two_sets = CLIENT.post(server.url + "elink.fcgi", data={"db": "pubmed", "retmode": "json", "id": ["101", "102"]})
    assert two_sets.json()["linksets"] == [{"dbfrom": "pubmed", "ids": ["101"]}, {"dbfrom": "pubmed", "ids": ["102"]}]
    assert b"Invalid db name specified: notadb" in ask(server, "elink", id="1", db="notadb").content
    assert ask(server, "elink", id="1", db="notadb", retmode="json").json()["linksets"] == []
    assert b"<Query>asthmaa</Query>" in ask(server, "espell", term="asthmaa").content
    mixed = ask(server, "epost", id="101,x").content
    assert b"<QueryKey>1</QueryKey>" in mixed
    assert b"IDs contain invalid characters" in mixed
    assert ask(server, "epost", id="x").content.count(b"<ERROR>") == 2
    assert b"Invalid db name specified" in ask(server, "epost", id="1", db="x").content


def test_summaries_as_xml_and_from_history(server: Sandbox) -> None:
    first = etree.fromstring(ask(server, "esummary", id="101,999,abc").content)
    assert first.xpath("//Item[@Name='Author']/text()") == ["Núñez AB"]
    assert first.xpath("//ERROR/text()") == ["Invalid uid abc"]
    second = etree.fromstring(ask(server, "esummary", id="101,999", version="2.0").content)
    assert second.xpath("//Title/text()") == ["Cells in multiple sclerosis"]
    kept = etree.fromstring(ask(server, "epost", id="101,102,103").content)
    session = {"WebEnv": kept.findtext("WebEnv"), "query_key": kept.findtext("QueryKey"), "retmode": "json"}
    assert ask(server, "esummary", retstart=1, **session).json()["result"]["uids"] == ["102", "103"]
    gone = ask(server, "esummary", retmode="json", WebEnv="MCID_0", query_key="1").json()
    assert gone["esummaryresult"] == ["Unable to obtain query #1"]


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({"term": "all[sb]", "mindate": "2003", "maxdate": "2004"}, ["104", "103"]),
        ({"term": "all[sb]", "mindate": "2003/05/01", "maxdate": "2003/05/01", "datetype": "edat"}, ["103"]),
        ({"term": "all[sb]", "mindate": "2003"}, ["105", "104", "103", "102", "101"]),
        ({"term": "all[sb]", "reldate": "30", "datetype": "crdt"}, []),
        ({"term": "smith ab", "field": "au"}, ["102"]),
        ({"term": "all[sb]", "sort": "Author", "retmax": "2"}, ["105", "104"]),
        ({"term": "all[sb]", "sort": "pub_date", "retmax": "2"}, ["105", "104"]),
        ({"term": "all[sb]", "sort": "JournalName", "retmax": "1"}, ["105"]),
        ({"term": "all[sb]", "retmax": "0"}, []),
    ],
)
def test_search_parameters(server: Sandbox, params: dict[str, str], ids: list[str]) -> None:
    assert ask(server, "esearch", retmode="json", **params).json()["esearchresult"]["idlist"] == ids


def test_counts_alone_and_json_warnings(server: Sandbox) -> None:
    assert ask(server, "esearch", term="cells", rettype="count", retmode="json").json()["esearchresult"] == {
        "count": "2"
    }
    assert (
        b"<eSearchResult><Count>2</Count></eSearchResult>"
        in ask(server, "esearch", term="cells", rettype="count").content
    )
    none = ask(server, "esearch", term="the[ti] AND qzx[ti]", retmode="json").json()["esearchresult"]
    assert none["errorlist"] == {"phrasesnotfound": ["the"], "fieldsnotfound": []}
    assert none["warninglist"]["outputmessages"] == ["No items found."]
    again = ask(server, "esearch", term="cells", usehistory="y", retmode="json").json()["esearchresult"]
    more = ask(server, "esearch", query_key=again["querykey"], WebEnv=again["webenv"], term="graft*", retmode="json")
    assert more.json()["esearchresult"]["idlist"] == ["105"]


def test_versions_books_and_deletions_of_the_input(tmp_path: Path) -> None:
    row = {"author": "A", "year": 2001, "month": "Mar", "abstract": "Text."}
    old = RECORD.format(pmid=1, title="Newest", **row).replace('Version="1"', 'Version="3"')
    new = RECORD.format(pmid=1, title="Older", **row).replace('Version="1"', 'Version="2"')
    gone = RECORD.format(pmid=2, title="Gone", **row)
    book = (
        '<PubmedBookArticle><BookDocument><PMID Version="1">3</PMID><Book><BookTitle>A b\xf6ok</BookTitle>'
        "<PubDate><Year>1999</Year></PubDate></Book></BookDocument><PubmedBookData/></PubmedBookArticle>"
    )
    deleted = '<DeleteCitation><PMID Version="1">2</PMID></DeleteCitation>'
    inside = f"<PubmedArticleSet>{old}{new}{gone}{book}{deleted}</PubmedArticleSet>"
    text = f'<?xml version="1.0" encoding="iso-8859-1"?>{inside}'
    (tmp_path / "all.xml").write_bytes(text.encode("iso-8859-1"))
    with Sandbox([tmp_path / "all.xml"], rate=False) as running:
        raw = ask(running, "efetch", id="1,2,3").content
        assert raw.count(b"<PMID") == 2
        assert b"Newest" in raw
        assert b"b&#xf6;ok" in raw
        found = ask(running, "esearch", term='"pubmed books"[sb]', retmode="json").json()["esearchresult"]
        assert found["idlist"] == ["3"]


# Faults


def test_the_catalogue_numbers_fifty_five() -> None:
    assert {fault.number for fault in CATALOGUE.values()} | set(NOT_A_REPLY) == set(range(1, 56))


def test_the_catalogue_is_documented() -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text()
    assert [fault.name for fault in CATALOGUE.values() if f"| {fault.number} | `{fault.name}` |" not in text] == []


REPLIES: list[tuple[str, str, dict[str, Any], int, bytes]] = [
    ("rate_limited", "efetch", {}, 429, b"API rate limit exceeded"),
    ("rate_limited_200", "efetch", {}, 200, b"API rate limit exceeded"),
    ("bad_key", "efetch", {}, 400, b'"invalid",\n"status"'),
    ("blocked", "efetch", {}, 302, b""),
    ("blocked", "efetch", {"form": "page"}, 200, b"WWW Error Blocked Diagnostic"),
    ("empty_ids", "efetch", {}, 400, b"ID list is empty"),
    ("all_missing", "efetch", {}, 200, b"<PubmedArticleSet></PubmedArticleSet>"),
    ("duplicate", "efetch", {}, 200, b'<PMID Version="2">101</PMID>'),
    ("book", "efetch", {}, 200, b'<PubmedBookArticle><BookDocument><PMID Version="1">101'),
    ("window", "esearch", {}, 200, b"cannot be larger than 9998"),
    ("window_json", "esearch", {}, 200, b"Exception:\n'retstart'"),
    ("clamp", "esearch", {}, 200, b"Restrictions achieved"),
    ("history_expired", "efetch", {"status": 400}, 400, b"Unable to obtain query #1"),
    ("backend_down", "esearch", {}, 200, b"Unable to open connection to #PMQuerySrv"),
    ("database_gone", "esearch", {}, 200, b"Database is not supported: pubmed"),
    ("cpp_exception", "efetch", {}, 200, b"NCBI C++ Exception"),
    ("viewer_timeout", "efetch", {}, 400, b"External viewer error"),
    ("proxy_failure", "efetch", {}, 400, b"Failed to connect to PubOne"),
    ("proxy_failure", "efetch", {"form": "raw", "status": 200}, 200, b"proxy_stream(): <html>"),
    ("proxy_failure", "efetch", {"form": "escaped"}, 400, b"proxy_stream(): &lt;html&gt;"),
    ("server_error", "efetch", {}, 500, b"WWW Error 500 Diagnostic"),
    ("bad_gateway", "efetch", {"status": 503, "retry_after": 1}, 503, b"503"),
    ("uri_too_long", "efetch", {}, 414, b"414"),
    ("html", "efetch", {}, 200, b"<!DOCTYPE html>"),
    ("html", "efetch", {"form": "xhtml"}, 200, b"XHTML 1.1"),
    ("routing_text", "efetch", {}, 200, b"Unable to route request!"),
    ("bad_characters", "efetch", {}, 200, b"&#x1;Cells"),
    ("bad_characters", "efetch", {"form": "control"}, 200, b"\x01Cells"),
    ("bad_characters", "efetch", {"form": "utf8", "pmid": 103}, 200, b"\xff\xfeMultiple"),
    ("entities", "efetch", {}, 200, b"<!ENTITY e9"),
    ("entities", "efetch", {"form": "xxe"}, 200, b'SYSTEM "file:///etc/hostname"'),
    ("new_dtd", "efetch", {}, 200, b"pubmed_260101.dtd"),
    ("tag_ignored", "esearch", {}, 200, b"<Count>5</Count>"),
    ("phrase_lost", "esearch", {}, 200, b"<QuotedPhraseNotFound>"),
    ("zero", "esearch", {}, 200, b"No items found."),
    ("count_drift", "esearch", {}, 200, b"<Count>3</Count>"),
    ("too_many_uids", "esummary", {}, 200, b"Too many UIDs"),
    ("hidden_summary_failure", "esummary", {}, 200, b"<!--DocSum Backend failed"),
    ("bad_json_types", "esearch", {}, 200, b'"count": 3'),
    ("redirect", "efetch", {"status": 307}, 307, b""),
    ("empty_body", "efetch", {}, 200, b""),
    ("history_expired", "esearch", {}, 200, b"Unable to obtain query #1"),
    ("backend_down", "esummary", {}, 200, b"<eSummaryResult><ERROR>Search Backend failed"),
    ("cpp_exception", "elink", {}, 200, b"TXCLIENT::readAll EOF"),
    ("server_error", "einfo", {}, 500, b"WWW Error 500"),
]


@pytest.mark.parametrize(("name", "call", "options", "status", "said"), REPLIES)
def test_fault_replies(records: Path, name: str, call: str, options: dict[str, Any], status: int, said: bytes) -> None:
    with Sandbox([records], rate=False, faults=[{"call": call, "fault": name, **options}]) as running:
        params = {"id": "101,103"} if call != "esearch" else {"term": "multiple sclerosis[tiab]"}
        bad = ask(running, call, **params)
        assert bad.status_code == status
        assert said in bad.content
        good = ask(running, call, **params)
        assert good.status_code == 200
        assert good.content != bad.content
        assert [entry.fault for entry in running.log] == [name, None]


def test_fault_sets_lose_gain_and_repeat(records: Path) -> None:
    plan = [
        {"call": "efetch", "nth": 1, "fault": "missing"},
        {"call": "efetch", "nth": 2, "fault": "missing", "pmids": [103]},
        {"call": "efetch", "nth": 3, "fault": "short_page"},
        {"call": "efetch", "nth": 4, "fault": "extra"},
        {"call": "efetch", "nth": 5, "fault": "extra", "in_place": True},
        {"call": "efetch", "nth": 6, "fault": "duplicate", "newest_first": True},
    ]
    with Sandbox([records], rate=False, faults=plan) as running:
        pages = [pmids(ask(running, "efetch", id="101,103")) for _ in range(7)]
    assert pages == [
        ["103"], ["101"], ["101"], ["101", "103", "102"], ["102", "103"], ["101", "101", "103"], ["101", "103"],
    ]  # fmt: skip


def test_faults_of_order_and_silent_zero(records: Path) -> None:
    plan = [
        {"call": "esearch", "nth": 2, "fault": "order_drift"},
        {"call": "esearch", "nth": 3, "fault": "zero", "silent": True},
    ]
    with Sandbox([records], rate=False, faults=plan) as running:
        pages = [
            ask(running, "esearch", term="all[sb]", retmax=2, retstart=start, retmode="json").json()["esearchresult"]
            for start in (0, 2, 0)
        ]
    assert [page["idlist"] for page in pages] == [["105", "104"], ["104", "103"], []]
    assert "warninglist" not in pages[2]


def test_rules_count_calls_times_and_named_records(records: Path) -> None:
    plan = [
        {"call": "efetch", "nth": 2, "times": 2, "fault": "server_error"},
        {"call": "efetch", "times": None, "pmid": 104, "fault": "bad_characters"},
    ]
    with Sandbox([records], rate=False, faults=plan) as running:
        statuses = [ask(running, "efetch", id="101").status_code for _ in range(4)]
        assert statuses == [200, 500, 500, 200]
        for _ in range(2):
            assert b"&#x1;Myelin" in ask(running, "efetch", id="101,104").content
            assert b"&#x1;" not in ask(running, "efetch", id="101,105").content


@pytest.mark.parametrize("entry", [{"fault": "nonsense"}, {"fault": "html", "call": "x"}, {"fault": "html", "nth": 0}])
def test_wrong_plans_are_refused(records: Path, entry: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        Sandbox([records], faults=[entry])


def test_state_faults_happen_before_the_answer(records: Path) -> None:
    plan = [
        {"call": "efetch", "nth": 2, "fault": "delete", "pmid": 101},
        {"call": "efetch", "nth": 2, "fault": "retract", "pmid": 103, "notice": 7},
        {"call": "efetch", "nth": 2, "fault": "concern", "pmid": 104},
        {
            "call": "efetch",
            "nth": 2,
            "fault": "revise",
            "pmid": 105,
            "find": "lived",
            "replace": "died",
            "day": "2031-01-02",
        },
        {"call": "efetch", "nth": 2, "fault": "set_clock", "to": "2031-05-06"},
    ]
    newer = RECORD.format(pmid=106, title="New", abstract="Text.", author="A", year=2006, month="Mar")
    plan += [{"call": "efetch", "nth": 2, "fault": "add", "xml": newer}, {"call": "efetch", "fault": "expire_history"}]
    with Sandbox([records], rate=False, faults=plan) as running:
        kept = etree.fromstring(ask(running, "epost", id="101").content)
        before = ask(running, "efetch", id="101,103,104,105").content
        session = {"WebEnv": kept.findtext("WebEnv"), "query_key": "1"}
        assert b"Unable to obtain query #1" in ask(running, "esummary", **session).content
        after = ask(running, "efetch", id="101,103,104,105").content
        assert b">101</PMID>" in before
        assert b">101</PMID>" not in after
        assert b"RetractionIn" in after
        assert b"ExpressionOfConcernIn" in after
        assert b"Cells died for a year" in after
        assert b"<Year>2031</Year><Month>01</Month><Day>02</Day>" in after
        assert running.service.today().isoformat() == "2031-05-06"
        assert pmids(ask(running, "efetch", id="106")) == ["106"]


def raw_reply(server: Sandbox, seconds: float = 3, ids: str = "101,103") -> tuple[bytes, str]:
    """All bytes of one reply, and how it ended: closed, reset or timeout."""
    where = urlsplit(server.url)
    body = urlencode({"db": "pubmed", "id": ids}).encode()
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=seconds) as line:
        line.sendall(
            b"POST /entrez/eutils/efetch.fcgi HTTP/1.1\r\nHost: x\r\n"
            + f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        parts = []
        try:
            while part := line.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            return b"".join(parts), "reset"
        except TimeoutError:
            return b"".join(parts), "timeout"
    return b"".join(parts), "closed"


def wire_fault(records: Path, name: str, **options: Any) -> tuple[bytes, bytes, str]:
    with Sandbox([records], rate=False, faults=[{"call": "efetch", "fault": name, **options}]) as running:
        data, end = raw_reply(running, seconds=options.get("wait", 3))
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body, end


def test_fault_27_cut_below_the_length(records: Path) -> None:
    head, body, end = wire_fault(records, "cut_length", at=100)
    promised = int(http.client.parse_headers(BytesIO(head.split(b"\r\n", 1)[1] + b"\r\n\r\n"))["Content-Length"])
    assert (len(body), end) == (100, "closed")
    assert promised > 1000


def test_fault_28_cut_without_a_last_chunk(records: Path) -> None:
    head, body, end = wire_fault(records, "cut_chunked")
    assert b"Transfer-Encoding: chunked" in head
    assert end == "closed"
    assert not body.endswith(b"0\r\n\r\n")


def test_fault_29_cut_at_the_border_of_a_record(records: Path) -> None:
    head, body, end = wire_fault(records, "cut_close", at="border")
    assert b"Content-Length" not in head
    assert b"chunked" not in head
    assert (body.endswith(b"</PubmedArticle>"), body.count(b"</PubmedArticle>"), end) == (True, 1, "closed")


def test_fault_30_reset_before_and_in_the_body(records: Path) -> None:
    assert wire_fault(records, "reset") == (b"", b"", "reset")
    _, body, end = wire_fault(records, "reset", at=50)
    assert end == "reset"
    assert len(body) <= 50


def test_fault_31_no_status(records: Path) -> None:
    assert wire_fault(records, "close_before_status") == (b"", b"", "closed")
    head, _, _ = wire_fault(records, "close_before_status", form="garbage")
    assert head.startswith(b"\x16\x03\x01")


def test_fault_32_stall_after_the_headers(records: Path) -> None:
    head, body, end = wire_fault(records, "stall", wait=0.3)
    assert (body, end) == (b"", "timeout")
    assert head.startswith(b"HTTP/1.1 200")


def test_fault_33_drip(records: Path) -> None:
    _, body, end = wire_fault(records, "drip", seconds=0.0002, wait=3)
    assert end == "closed"
    assert len(body) > 1000


def test_fault_34_refused_for_a_time(records: Path) -> None:
    with Sandbox([records], rate=False, faults=[{"fault": "refused", "seconds": 1.0}]) as running:
        with pytest.raises(httpx.TransportError):
            ask(running, "einfo")
        with pytest.raises(httpx.ConnectError):
            ask(running, "einfo")
        deadline = time.monotonic() + 10
        while True:
            try:
                assert ask(running, "einfo").status_code == 200
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline
                time.sleep(0.1)


def test_fault_38_broken_gzip(records: Path) -> None:
    for form, error in (("crc", httpx.DecodingError), ("cut", None)):
        with Sandbox([records], rate=False, faults=[{"fault": "broken_gzip", "form": form}]) as running:
            if error is not None:
                with pytest.raises(error):
                    ask(running, "efetch", id="101")
            else:
                assert not ask(running, "efetch", id="101").content.endswith(b"</PubmedArticleSet>")
    _, body, _ = wire_fault(records, "broken_gzip", form="unasked")
    assert b"\x1f\x8b" in body[:20]


def test_fault_39_huge_body(records: Path) -> None:
    with Sandbox([records], rate=False, faults=[{"fault": "huge_body", "megabytes": 2}]) as running:
        assert len(ask(running, "efetch", id="101").content) > 1_900_000
    head, body, _ = wire_fault(records, "huge_body", megabytes=2, form="gzip")
    assert b"Content-Encoding: gzip" in head
    assert len(body) < 20_000


def test_slow_close_sends_all_and_lingers(records: Path) -> None:
    _, body, end = wire_fault(records, "slow_close", seconds=5, wait=0.4)
    assert body.endswith(b"</PubmedArticleSet>")
    assert end == "timeout"


def test_many_clients_at_once_lose_nothing(server: Sandbox) -> None:
    answers: list[list[str]] = []

    def work() -> None:
        for _ in range(5):
            answers.append(pmids(ask(server, "efetch", id="101,104")))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [["101", "104"]] * 40


# As a process of its own


def test_own_process_serves_logs_and_ends_with_its_parent(records: Path, tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"call": "efetch", "fault": "server_error"}]))
    child = f"""
import subprocess, sys
command = [sys.executable, "-m", "msminer.sandbox", "--records", {str(records)!r}]
command += ["--log", {str(log)!r}, "--faults", {str(plan)!r}]
server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
print(server.pid, server.stdout.readline().strip(), flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        number, url = parent.stdout.readline().split()
        assert (
            httpx.post(url + "efetch.fcgi", data={"db": "pubmed", "id": "101", "api_key": "canary+key"}).status_code
            == 500
        )
        parent.kill()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{number}").exists() and "Z" not in Path(f"/proc/{number}/stat").read_text().split(")")[1][:3]:
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.05)
    row = json.loads(log.read_text())
    assert (row["call"], row["status"], row["fault"], row["params"]["api_key"]) == (
        "efetch",
        500,
        "server_error",
        "[key]",
    )
    assert "canary" not in log.read_text()


def test_own_process_says_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "msminer.sandbox", "--records", str(tmp_path / "none.xml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "none.xml" in done.stderr
    assert done.stdout == ""
