"""Faults that are whole replies: what the real service was seen to send when it failed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from msminer.sandbox import efetch, esearch
from msminer.sandbox.limits import refusal
from msminer.sandbox.reply import HTML, JSON, TEXT, Reply, Request, as_json, raw_newlines, tag, xml
from msminer.sandbox.service import Service

Options = Mapping[str, Any]
Change = Callable[[Reply, Request, Options, Service], Reply]


def _page(title: str, text: str) -> str:
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{text}</h1></body></html>"


_BLOCKED_PAGE = _page("NCBI - WWW Error Blocked Diagnostic", "Access Denied")
_ERROR_PAGE = _page("NCBI/eutils202 - WWW Error 500 Diagnostic", "Server Error")
_HTML_PAGE = _page("NCBI", "Sorry")
_XHTML_PAGE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" '
    '"http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">\n'
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>NCBI</title></head><body/></html>'
)
_RELAYED = "<html><head><title>502 Server Error</title></head><body>Please try again in 30 seconds.</body></html>"


def unchanged(reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """The reply as it is."""
    return reply


def by_length(reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """The reply with a Content-Length."""
    return replace(reply, framing="length")


def by_chunks(reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """The reply in chunks."""
    return replace(reply, framing="chunked")


def by_close(reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """The reply ended by the close of the connection, never packed, so that a cut falls where it is asked for."""
    return replace(reply, framing="close", headers={**reply.headers, "Content-Encoding": "identity"})


def huge_head(reply: Reply, _request: Request, options: Options, _service: Service) -> Reply:
    """The head of fault 39: chunked, and packed only on demand."""
    encoding = "gzip" if options.get("form") == "gzip" else "identity"
    return replace(reply, framing="chunked", headers={**reply.headers, "Content-Encoding": encoding})


def _error(request: Request, message: str, status: int = 200) -> Reply:
    """An error in the form of the program called."""
    if request.call == "efetch":
        return efetch.failed(message, request, status)
    if request.call == "esummary" and request.as_json:
        return as_json("esummary", {"esummaryresult": [message]}, status)
    if request.call in {"esearch", "einfo"}:
        return replace(esearch.failed(message, request), status=status)
    names = {"esummary": "eSummaryResult", "epost": "ePostResult", "elink": "eLinkResult"}
    root = names.get(request.call, "eSearchResult")
    return xml(f"<{root}>{tag('ERROR', message)}</{root}>\n", status)


def rate_limited(_reply: Reply, request: Request, options: Options, _service: Service) -> Reply:
    """Fault 1."""
    return refusal(request.get("api_key") or request.peer, 4, 3, options.get("retry_after", 2))


def rate_limited_200(_reply: Reply, request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 2."""
    return refusal(request.get("api_key") or request.peer, 4, 3, None, 200)


def bad_key(_reply: Reply, request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 3."""
    body = f'{{"error":"API key invalid","api-key":"{request.get("api_key")}","type":"invalid",\n"status":"unknown"}}'
    return Reply(body.encode(), "application/json", 400)


def blocked(_reply: Reply, request: Request, options: Options, _service: Service) -> Reply:
    """Fault 4."""
    if options.get("form") == "page":
        return Reply(_BLOCKED_PAGE.encode(), HTML)
    asked = quote(urlencode({name: values[-1] for name, values in request.params.items()}))
    return Reply(
        b"", HTML, 302, headers={"Location": f"https://misuse.ncbi.nlm.nih.gov/error/abuse.shtml?orig_args={asked}"}
    )


def redirect(_reply: Reply, _request: Request, options: Options, _service: Service) -> Reply:
    """Fault 55."""
    to = options.get("to", "https://example.org/entrez/eutils/efetch.fcgi")
    return Reply(b"", HTML, int(options.get("status", 302)), headers={"Location": to})


def empty_ids(_reply: Reply, request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 5."""
    return efetch.failed(efetch.NO_IDS, request)


def window(_reply: Reply, request: Request, _options: Options, service: Service) -> Reply:
    """Fault 11."""
    return _error(request, esearch.too_far(service.window), 400 if request.call == "efetch" else 200)


def window_json(_reply: Reply, _request: Request, _options: Options, service: Service) -> Reply:
    """Fault 12."""
    return raw_newlines(as_json("esearch", {"esearchresult": {"ERROR": esearch.too_far(service.window)}}))


def history_expired(_reply: Reply, request: Request, options: Options, _service: Service) -> Reply:
    """Fault 15."""
    return _error(request, "Unable to obtain query #1", int(options.get("status", 200)))


def backend_down(_reply: Reply, request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 16."""
    return _error(request, "Search Backend failed: Unable to open connection to #PMQuerySrv?dbaf=pubmed")


def database_gone(_reply: Reply, request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 17."""
    return _error(request, "Search Backend failed: Database is not supported: pubmed")


def cpp_exception(_reply: Reply, request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 18."""
    where = (
        "TXCLIENT(CException::eUnknown) TXCLIENT::readAll EOF"
        if request.call == "elink"
        else "EUTILSAPP(CException::eUnknown)"
    )
    return _error(request, f'NCBI C++ Exception:\n    Error: {where} "eutils_app.cpp", line 218')


def viewer_timeout(_reply: Reply, request: Request, options: Options, _service: Service) -> Reply:
    """Fault 19."""
    message = "Error: External viewer error: Empty Response. Bytes read: 0 Status: Timeout"
    return _error(request, message, int(options.get("status", 400)))


def proxy_failure(_reply: Reply, request: Request, options: Options, _service: Service) -> Reply:
    """Fault 20."""
    status, form = int(options.get("status", 400)), options.get("form", "plain")
    message = "Error: CEFetchPApplication::proxy_stream(): "
    if form == "plain":
        return _error(request, message + "Failed to connect to PubOne service. Try again later.", status)
    if form == "escaped":
        return _error(request, message + _RELAYED, status)
    whole = _error(request, message + "@", status)
    return whole.with_body(whole.body.replace(b"@", _RELAYED.encode()))


def server_error(_reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 21."""
    return Reply(_ERROR_PAGE.encode(), HTML, 500)


def bad_gateway(_reply: Reply, _request: Request, options: Options, _service: Service) -> Reply:
    """Fault 22."""
    status = int(options.get("status", 502))
    headers = {"Retry-After": str(options["retry_after"])} if options.get("retry_after") is not None else {}
    return Reply(f"<html><head><title>{status}</title></head><body/></html>".encode(), HTML, status, headers=headers)


def uri_too_long(_reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 23."""
    return Reply(b"<html><head><title>414 Request-URI Too Large</title></head><body/></html>", HTML, 414)


def html(_reply: Reply, _request: Request, options: Options, _service: Service) -> Reply:
    """Fault 24."""
    page = _XHTML_PAGE if options.get("form") == "xhtml" else _HTML_PAGE
    return Reply(page.encode(), HTML)


def routing_text(_reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 25."""
    return Reply(b"Unable to route request!\n\nservice name: /http/service/ratecontrol\n", TEXT)


def empty_body(reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 26."""
    return reply.with_body(b"")


def broken_gzip(reply: Reply, _request: Request, options: Options, _service: Service) -> Reply:
    """Fault 38."""
    packed = bytearray(gzip.compress(reply.body, mtime=0))
    if options.get("form", "crc") == "crc":
        packed[-5] ^= 0xFF
        packed[-8] ^= 0xFF
    elif options["form"] == "cut":
        del packed[len(packed) // 2 :]
    return replace(reply, body=bytes(packed), headers={**reply.headers, "Content-Encoding": "gzip"})


def too_many_uids(_reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 47."""
    return as_json(
        "esummary", {"error": "Too many UIDs in request. Maximum number of UIDs is 500 for JSON format output."}
    )


def hidden_summary_failure(_reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 48."""
    return xml(
        '<?xml version="1.0" encoding="UTF-8" ?>\n<eSummaryResult><DocumentSummarySet status="OK">'
        "<!--DocSum Backend failed: connection lost--></DocumentSummarySet></eSummaryResult>\n"
    )


def bad_json_types(reply: Reply, request: Request, options: Options, _service: Service) -> Reply:
    """Fault 49."""
    kind = f"{request.call}result"
    form = options.get("form", "numbers")
    header = {"header": {"type": request.call, "version": "0.3"}}
    bodies: dict[str, Any] = {
        "numbers": {
            **header,
            kind: {"count": 3, "retmax": 3, "retstart": 0, "idlist": [1, 2, 3], "querytranslation": None},
        },
        "array": {**header, kind: ["unexpected"]},
        "object": {**header, kind: {"count": "1", "idlist": {"0": "1"}}},
        "list": [1, 2, 3],
    }
    return Reply(json.dumps(bodies[form]).encode(), JSON, reply.status)
