"""What must hold for any bytes given to the parser, and a fuzzer that looks for bytes for which it does not.

Run it by hand: python tests/fuzz_parse.py --minutes 10 [--seed N]; minutes are of the processor. Findings are written
to tests/findings_parse, to be cut down to invented bytes and kept there; test_parse.py plays all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import random
import re
import time
import zlib
from pathlib import Path

from lxml import etree

from msminer.errors import DamagedXml, ParseError
from msminer.pubmed.columns import NAMES, choose
from msminer.pubmed.layout import Unusual
from msminer.pubmed.parse import newest, parse_page
from msminer.pubmed.quick import quick_record
from msminer.pubmed.record import article_record, book_record
from msminer.pubmed.strict import is_well_formed, read_tree

FINDINGS = Path(__file__).parent / "findings_parse"
_WHOLE = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
ROOTS = {"PubmedArticleSet", "PubmedBookArticleSet"}

ARTICLE = """<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">91000001</PMID>\
<DateCompleted><Year>2025</Year><Month>03</Month><Day>04</Day></DateCompleted>\
<DateRevised><Year>2025</Year><Month>04</Month><Day>09</Day></DateRevised>\
<Article PubModel="Print"><Journal><ISSN IssnType="Electronic">1234-5678</ISSN><JournalIssue CitedMedium="Internet">\
<Volume>12</Volume><Issue>3</Issue><PubDate><Year>2025</Year><Month>Mar</Month><Day>01</Day></PubDate></JournalIssue>\
<Title>Invented journal of neurology</Title><ISOAbbreviation>Invent J Neurol</ISOAbbreviation></Journal>\
<ArticleTitle>Invented <i>in vitro</i> CD34<sup>+</sup> cells &amp; IFN-&#x3b2;: a trial.</ArticleTitle>\
<Pagination><MedlinePgn>113-125</MedlinePgn></Pagination>\
<ELocationID EIdType="doi" ValidYN="Y">10.9999/inv.1</ELocationID>\
<Abstract><AbstractText Label="BACKGROUND &amp; AIMS" NlmCategory="BACKGROUND">\
Nobody knows; P &lt; 0.001.</AbstractText>\
<AbstractText Label="RESULTS" NlmCategory="RESULTS">Two of H<sub>2</sub>O\u2013treated\u00a0mice ran.</AbstractText>\
<CopyrightInformation>&#xa9; Nobody.</CopyrightInformation></Abstract>\
<AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>D&#xed;az</LastName><ForeName>Ana</ForeName>\
<Initials>A</Initials><Identifier Source="ORCID">0000-0000-0000-0000</Identifier>\
<AffiliationInfo><Affiliation>Nowhere &amp; Co.</Affiliation></AffiliationInfo></Author>\
<Author ValidYN="Y"><CollectiveName>Invented MS Group</CollectiveName></Author></AuthorList><Language>eng</Language>\
<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList></Article>\
<MedlineJournalInfo><Country>Nowhere</Country><MedlineTA>Invent J Neurol</MedlineTA></MedlineJournalInfo>\
<ChemicalList><Chemical><RegistryNumber>0</RegistryNumber><NameOfSubstance UI="D1">X</NameOfSubstance></Chemical>\
</ChemicalList><CitationSubset>IM</CitationSubset>\
<CommentsCorrectionsList><CommentsCorrections RefType="ErratumIn"><RefSource>Invent J. 2025;1:2.</RefSource>\
<PMID Version="1">91000009</PMID></CommentsCorrections></CommentsCorrectionsList>\
<MeshHeadingList><MeshHeading><DescriptorName UI="D006801" MajorTopicYN="N">Humans</DescriptorName></MeshHeading>\
<MeshHeading><DescriptorName UI="D009103" MajorTopicYN="N">Multiple Sclerosis</DescriptorName>\
<QualifierName UI="Q000188" MajorTopicYN="Y">drug therapy</QualifierName></MeshHeading></MeshHeadingList>\
<KeywordList Owner="NOTNLM"><Keyword MajorTopicYN="N">invention</Keyword></KeywordList></MedlineCitation>\
<PubmedData><History><PubMedPubDate PubStatus="pubmed"><Year>2024</Year><Month>9</Month><Day>1</Day></PubMedPubDate>\
</History><PublicationStatus>ppublish</PublicationStatus><ArticleIdList>\
<ArticleId IdType="pubmed">91000001</ArticleId>\
<ArticleId IdType="pmc">PMC9100001</ArticleId><ArticleId IdType="doi">10.9999/inv.1</ArticleId></ArticleIdList>\
<ReferenceList><Reference><Citation>Nobody. 2001.</Citation><ArticleIdList>\
<ArticleId IdType="doi">10.9999/cited</ArticleId></ArticleIdList></Reference></ReferenceList>\
</PubmedData></PubmedArticle>"""

BOOK = """<PubmedBookArticle><BookDocument><PMID Version="1">91000002</PMID><ArticleIdList>\
<ArticleId IdType="bookaccession">NBK1</ArticleId></ArticleIdList><Book><Publisher>\
<PublisherName>Nobody</PublisherName>\
</Publisher>\
<BookTitle book="inv">Invented<sup>&#xae;</sup> Reviews</BookTitle><PubDate><Year>1993</Year></PubDate>\
<AuthorList Type="editors"><Author><LastName>Editor</LastName><Initials>E</Initials></Author></AuthorList></Book>\
<ArticleTitle book="inv" part="a">A chapter</ArticleTitle><Language>eng</Language>\
<AuthorList Type="authors"><Author><LastName>Writer</LastName><Initials>W</Initials></Author></AuthorList>\
<PublicationType UI="D016454">Review</PublicationType><Abstract><AbstractText>Text.</AbstractText></Abstract>\
</BookDocument><PubmedBookData><History/><ArticleIdList><ArticleId IdType="pubmed">91000002</ArticleId></ArticleIdList>\
</PubmedBookData></PubmedBookArticle>"""

DELETED = '<DeleteCitation><PMID Version="1">91000003</PMID></DeleteCitation>'
PROLOG = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)


def page(*records: str) -> bytes:
    """A whole reply of these records."""
    return f"{PROLOG}<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>".encode()


def check(data: bytes) -> None:
    """Fail unless the bytes are refused, parts are set aside, or all is read that a parser of whole documents reads."""
    try:
        parsed = parse_page(data)
    except ParseError:
        return
    try:
        raw = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        root = etree.fromstring(raw, _WHOLE)
    except (etree.XMLSyntaxError, OSError, EOFError):
        assert parsed.bad, "broken bytes were read without a word"
        return
    assert root.tag in ROOTS, "another format was read"
    expected = []
    for child in root:
        if child.tag in {"PubmedArticle", "PubmedBookArticle"}:
            try:
                expected.append((article_record if child.tag == "PubmedArticle" else book_record)(child))
            except DamagedXml:
                assert parsed.bad, "a record without PMID vanished"
    # With an undeclared entity the whole document passes (its DTD might declare it), and the record does not.
    if not parsed.bad:
        assert sorted(map(str, newest(expected))) == sorted(map(str, parsed.records)), (
            "a record is not as the tree has it"
        )


def check_readers(data: bytes) -> bool:
    """Fail unless both readers agree on a record; returns whether the quick one read it."""
    if not is_well_formed(data) or re.search(rb"<!|<\?", data):
        return False
    try:
        quick, end = quick_record(data)
    except (Unusual, DamagedXml):
        return False
    assert end == len(data), "the record has another end"
    assert quick == article_record(read_tree(data)), "the readers differ"
    name = NAMES[zlib.crc32(data) % len(NAMES)]
    # By itself a column may be unusual where it is not among all: then a tree reads it.
    with contextlib.suppress(Unusual):
        alone, end = quick_record(data, 0, choose([name]).parts)
        assert (dict(alone)[name], end) == (dict(quick)[name], len(data)), "alone it is another"
    return True


TOKENS = [
    b"<",
    b">",
    b"/",
    b"&",
    b";",
    b'"',
    b"'",
    b"=",
    b" ",
    b"\n",
    b"\t",
    b"\r",
    b"\0",
    b"\x01",
    b"\xff",
    b"\xc3\x28",
    b"&#x1;",
    b"&#13;",
    b"&nbsp;",
    b"&amp;",
    b"&#60;",
    b"&#x80;",
    b"&lt;b&gt;",
    b"<!--",
    b"-->",
    b"<!-- <PubmedArticle> -->",
    b"<![CDATA[",
    b"]]>",
    b"<?x ?>",
    b"<![CDATA[</PubmedArticle>]]>",
    b"<!DOCTYPE a [",
    b"<!ENTITY b 'c'>",
    b"<PubmedArticle>",
    b"</PubmedArticle>",
    b"</PubmedArticleSet>",
    b"<PubmedBookArticle>",
    b"</PubmedBookArticle>",
    b"<DeleteCitation/>",
    b"<PMID>",
    b"</PMID>",
    b"<i>",
    b"</i>",
    b"<br/>",
    b"<x:y/>",
    b"<Abstract/>",
    b"</Abstract >",
    b"</AuthorList >",
    b"<History>",
    b"</History>",
    b"ReferenceList",
    b"<AuthorList>",
    b"</AuthorList>",
    b"<LastName>Z</LastName>",
    b"<Initials/>",
    b"<Author/>",
    b"<ArticleIdList>",
    b"</ArticleIdList>",
    b"<ArticleId IdType='doi'>10.1/x</ArticleId>",
    b"<Article>",
    b"</Article>",
    b"\xef\xbb\xbf",
    b'<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:mn>1</mml:mn></mml:math>',
    b"  ",
    b"\xe2\x80\xa8",
    b"]]",
    b"<KeywordList>",
    b"<Language>fre</Language>",
    b"<Year>",
    b"</Year>",
    b"<MeshHeading>",
    b"</MeshHeading>",
    b"<QualifierName>q</QualifierName>",
]


def mutate(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a few random edits: cuts, doubled or moved parts, tokens put in, whole elements taken out."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        a, b = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
        kind = chance.randrange(8)
        if kind == 0:
            data = data[:a] + data[min(b, a + chance.randrange(1, 60)) :]
        elif kind == 1:
            data = data[:a] + chance.choice(TOKENS) + data[a:]
        elif kind == 2:
            data = data[:a] + bytes([chance.randrange(256)]) + data[a + 1 :]
        elif kind == 3:
            data = data[:b] + data[a : min(b, a + chance.randrange(1, 200))] + data[b:]
        elif kind in {4, 5}:
            data = _element(data, chance, doubled=kind == 5)
        elif kind == 6:
            tags = [m.span() for m in re.finditer(rb"<[^<>]*>", data)]
            (s, e) = chance.choice(tags) if tags else (a, a)
            data = data[:s] + data[s:e].replace(b" ", chance.choice((b"  ", b"\n", b"\t", b" x='1' "))) + data[e:]
        else:
            spots = [m.start() for m in re.finditer(rb">", data)] or [0]
            at = chance.choice(spots) + 1
            data = data[:at] + chance.choice(TOKENS) + data[at:]
    return data


def _element(data: bytes, chance: random.Random, *, doubled: bool) -> bytes:
    """Take a whole element out, or put it in again elsewhere."""
    opened = list(re.finditer(rb"<(\w+)[^<>]*>", data))
    if not opened:
        return data
    tag = chance.choice(opened)
    stop = data.find(b"</" + tag[1] + b">", tag.end())
    if stop < 0:
        return data
    stop += len(tag[1]) + 3
    part, rest = data[tag.start() : stop], data[: tag.start()] + data[stop:]
    if not doubled:
        return rest
    at = chance.choice([m.start() for m in re.finditer(rb"<", data)])
    return data[:at] + part + data[at:]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    chance = random.Random(given.seed)
    whole, record = page(ARTICLE, BOOK, ARTICLE.replace("91000001", "91000005"), DELETED), ARTICLE.encode()
    end = time.process_time() + given.minutes * 60
    tries = read = found = 0
    while time.process_time() < end:
        tries += 1
        data = mutate(whole if tries % 3 == 0 else record, chance)
        start = time.process_time()
        try:
            if tries % 3 == 0:
                check(gzip.compress(data, 1) if tries % 30 == 0 else data)
            else:
                read += check_readers(data)
            assert time.process_time() - start < 2, "too slow"
        except Exception as error:  # noqa: BLE001  (any exception is a finding)
            found += 1
            name = FINDINGS / f"new-{given.seed}-{tries}.{'page' if tries % 3 == 0 else 'record'}"
            name.write_bytes(data)
            print(name.name, type(error).__name__, str(error)[:100], flush=True)
            if found >= 20:
                break
    print(f"{tries} inputs, {read} read by the quick reader, {found} findings, seed {given.seed}")


if __name__ == "__main__":
    main()
