"""What an answer of E-utilities says: a failure in any of its disguises, or typed contents.

A failure often arrives under status 200, and a passing one under 400, so the body is read before the status is judged.
Answers are decoded with lxml into typed values instead of with Bio.Entrez.read: that fetches unknown DTDs by network,
lacks efetch.dtd (every efetch error then reads "Failed to access efetch.dtd"), raises on a second ERROR before the
first is known, and takes HTML for an error of its own kind. The tests hold both against each other on whole answers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from msminer.errors import (
    AddressBlocked,
    BadApiKey,
    MalformedReply,
    PageTooHeavy,
    PubMedError,
    RateLimited,
    ServiceError,
    TransportError,
)

PMID = re.compile(r"[1-9][0-9]{0,8}")
_ERROR = re.compile(rb"<ERROR>(.*?)</ERROR>", re.DOTALL)
_RATE = re.compile(rb"API rate limit exceeded", re.IGNORECASE)
_BAD_KEY = re.compile(rb"API key invalid", re.IGNORECASE)
_BLOCKED = re.compile(rb"Blocked Diagnostic|misuse\.ncbi\.nlm\.nih\.gov", re.IGNORECASE)
# How answers of the service itself start; their texts may say anything.
_OWN = re.compile(
    rb"^\s*(<\?xml[^>]*>\s*)?(<!DOCTYPE\s+(PubmedArticleSet|e\w+Result)|<(PubmedArticleSet|e\w+Result)\b)"
)
_HTML = re.compile(rb"^\s*(<\?xml[^>]*>\s*)?<(!doctype\s+html|html)", re.IGNORECASE)
_GATEWAY = frozenset({500, 502, 503, 504})
# ERROR texts that asking again cannot cure (notes on each: docs/fetching.md, "Failures").
_FINAL = (
    "cannot be larger than",
    "id list is empty",
    "invalid db name",
    "mandatory parameter",
    "empty term",
    "too many uids",
    "nothing to store",
    "ids have invalid value",
)
WHOM_TO_WRITE = (
    "NCBI blocks this address; stop all runs, and write to eutilities@ncbi.nlm.nih.gov with your tool name and e-mail"
)


@dataclass(frozen=True)
class Refusal:
    """Why an answer cannot be used: the error, whether asking again may help, and how long the server asks to wait."""

    error: PubMedError
    again: bool
    wait: float | None = None
    slowly: bool = False


@dataclass(frozen=True)
class SearchReply:
    """One esearch answer: all hits counted, the PMIDs given, PubMed's reading of the term, the phrases it lost."""

    count: int
    pmids: tuple[str, ...]
    translation: str
    lost: tuple[str, ...]
    messages: tuple[str, ...]


@dataclass(frozen=True)
class DatabaseInfo:
    """One einfo answer: the build of the database and the number of its records."""

    build: str
    count: int


def refusal(status: int, headers: dict[str, str], body: bytes, *, plain: bool = False) -> Refusal | None:
    """Why the answer cannot be used, or None; header names lower case; `plain` expects text (ecitmatch).

    Error texts are the service's own words, cut to 300 characters, never its whole body.
    """
    head = b"" if _OWN.match(body[:2000]) else body[:20_000]
    if 300 <= status < 400 or _BLOCKED.search(head):
        blocked = "misuse" in headers.get("location", "") or _BLOCKED.search(head)
        says = (
            WHOM_TO_WRITE if blocked else "the service redirects elsewhere, which is refused; check MSMINER_ENTREZ_URL"
        )
        return Refusal(AddressBlocked(says, status=status), again=False)
    if _BAD_KEY.search(head):
        return Refusal(
            BadApiKey("NCBI refuses the API key; correct or unset MSMINER_API_KEY", status=status), again=False
        )
    if status == 429 or _RATE.search(head):
        return Refusal(RateLimited("PubMed asks to slow down", status=status), again=True, wait=_retry_after(headers))
    return _error_text(status, body) or _shape(status, headers, body, plain=plain)


def _retry_after(headers: dict[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    return float(value) if re.fullmatch(r"\d{1,6}(\.\d+)?", value) else None


def _error_text(status: int, body: bytes) -> Refusal | None:
    texts = [_plain(text) for text in _ERROR.findall(body[:20_000])] + _json_errors(body)
    if b"<!--DocSum Backend failed" in body[:20_000]:
        texts.append("DocSum Backend failed")
    text = "; ".join(filter(None, texts))
    if not texts:
        return None
    lower = text.lower()
    if "external viewer error" in lower:
        return Refusal(PageTooHeavy("PubMed's viewer timed out on this page", says=text), again=True)
    return Refusal(
        ServiceError("PubMed answers with an error", status=status, says=text),
        again=not any(mark in lower for mark in _FINAL),
        slowly="not supported" in lower,
    )


def _plain(text: bytes) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text.decode("utf-8", "replace")).split())[:300]


def _json_errors(body: bytes) -> list[str]:
    """Error texts of a JSON answer, whose strings may hold raw newlines; [] for other bodies."""
    if body.lstrip()[:1] != b"{":
        return []
    try:
        data: Any = json.loads(body, strict=False)
    except ValueError:
        return ["JSON that does not parse"]
    inner = [value for key, value in data.items() if key in {"esearchresult", "esummaryresult"}]
    found = [data.get("error"), data.get("ERROR"), *(part.get("ERROR") for part in inner if isinstance(part, dict))]
    found += [text for part in inner if isinstance(part, list) for text in part]
    return [" ".join(str(text).split())[:300] for text in found if text]


def _shape(status: int, headers: dict[str, str], body: bytes, *, plain: bool) -> Refusal | None:
    if status in _GATEWAY:
        return Refusal(
            ServiceError("PubMed is not available just now", status=status), again=True, wait=_retry_after(headers)
        )
    if status >= 400:
        return Refusal(ServiceError("PubMed refuses the request", status=status, says=_plain(body[:200])), again=False)
    if not body.strip():
        return Refusal(TransportError("the answer is empty", status=status), again=True)
    if _HTML.match(body[:2000]):
        return Refusal(MalformedReply("a web page came instead of an answer", status=status), again=True)
    routing = b"Unable to route request" in body[:500]
    if routing or (not plain and body.lstrip()[:1] not in {b"<", b"{"}):
        return Refusal(
            ServiceError("PubMed could not route the request", status=status, says=_plain(body[:200])), again=True
        )
    return None


def whole_records(body: bytes) -> bytes:
    """The efetch body, seen to be a finished PubmedArticleSet; raises MalformedReply for a cut or other one."""
    tail = body[-200:].rstrip()
    if not tail.endswith((b"</PubmedArticleSet>", b"<PubmedArticleSet/>")):
        raise MalformedReply("the page of records has no end", bytes=len(body))
    return body


def read_search(body: bytes, *, asked: int) -> SearchReply:
    """An esearch answer to a request for the first `asked` PMIDs; raises MalformedReply, ServiceError if clamped."""
    root = _root(body, "eSearchResult")
    messages = _texts(root, "WarningList/OutputMessage")
    clamped = [text for text in messages if "Restrictions achieved" in text]
    if clamped:
        raise ServiceError("the search was cut to PubMed's window; the plan was wrong", says=clamped[0])
    count, given = _number(root, "Count"), _number(root, "RetMax")
    pmids = _pmids(root)
    if given != len(pmids) or len(pmids) != min(count, asked) or len(set(pmids)) != len(pmids):
        raise MalformedReply(
            "the search's numbers do not add up", count=count, said=given, given=len(pmids), asked=asked
        )
    if count == 0 and not any("No items found" in text for text in messages):
        raise MalformedReply("a count of zero without 'No items found.' proves nothing", messages=messages)
    lost = _texts(
        root,
        "ErrorList/PhraseNotFound",
        "WarningList/PhraseIgnored",
        "WarningList/QuotedPhraseNotFound",
        "ErrorList/FieldNotFound",
    )
    return SearchReply(count, pmids, _text(root, "QueryTranslation"), tuple(dict.fromkeys(lost)), tuple(messages))


def read_info(body: bytes) -> DatabaseInfo:
    """An einfo answer for one database; raises MalformedReply."""
    root = _root(body, "eInfoResult")
    return DatabaseInfo(_text(root, "DbInfo/DbBuild"), _number(root, "DbInfo/Count"))


def read_citations(body: bytes, keys: list[str]) -> dict[str, str | None]:
    """PMID or None for each key of an ecitmatch answer; raises MalformedReply.

    Its lines are journal|year|volume|page|author|key|PMID, with words instead of the PMID where there is none.
    """
    found: dict[str, str | None] = {}
    for line in filter(None, body.decode("utf-8", "replace").splitlines()):
        parts = line.rstrip("|").split("|")
        if len(parts) >= 6 and parts[5] in keys:
            last = parts[-1].strip()
            found[parts[5]] = last if len(parts) > 6 and PMID.fullmatch(last) else None
    if found.keys() != set(keys):
        raise MalformedReply("the citation answer lacks lines", asked=len(keys), got=len(found))
    return found


def _root(body: bytes, name: str) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    if re.search(rb"<!DOCTYPE[^>]*\[", body[:4000]):
        raise MalformedReply("the answer declares entities, which is refused")
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedReply("the answer is no whole XML", reason=str(error)[:200]) from None
    if root.tag != name:
        raise MalformedReply("the answer is of another kind", expected=name, got=str(root.tag)[:50])
    return root


def _text(root: Any, path: str) -> str:
    found = root.find(path)
    if found is None:
        raise MalformedReply(f"the answer lacks {path}")
    return "".join(found.itertext()).strip()


def _number(root: Any, path: str) -> int:
    text = _text(root, path)
    if not re.fullmatch(r"\d{1,12}", text):
        raise MalformedReply(f"{path} is no number", value=text[:50])
    return int(text)


def _texts(root: Any, *paths: str) -> list[str]:
    return ["".join(found.itertext()).strip() for path in paths for found in root.iterfind(path)]


def _pmids(root: Any) -> tuple[str, ...]:
    ids = _texts(root, "IdList/Id")
    bad = [value for value in ids if not PMID.fullmatch(value)]
    if bad:
        raise MalformedReply("the search names something that is no PMID", value=bad[0][:50])
    return tuple(ids)
