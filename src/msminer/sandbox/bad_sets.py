"""Faults of fetched sets: records missing, foreign, doubled, of another kind, damaged or unsafe."""

from __future__ import annotations

from msminer.sandbox import efetch
from msminer.sandbox.bad_records import as_book, damaged, versions, with_entities, with_new_dtd
from msminer.sandbox.bad_replies import Options
from msminer.sandbox.records import Record
from msminer.sandbox.reply import Reply, Request, xml
from msminer.sandbox.service import Service


def _records(request: Request, service: Service) -> list[Record]:
    asked = [int(text) for text in request.ids() if text.isdigit()]
    return [service.record(pmid) for pmid in dict.fromkeys(asked) if pmid in service.index.place]


def all_missing(_reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 6."""
    return xml(efetch.article_set([]))


def missing(_reply: Reply, request: Request, options: Options, service: Service) -> Reply:
    """Fault 7."""
    records = _records(request, service)
    gone = {int(p) for p in options.get("pmids", [])} or {r.pmid for r in records[: int(options.get("count", 1))]}
    return xml(efetch.article_set([r for r in records if r.pmid not in gone]))


def short_page(_reply: Reply, request: Request, options: Options, service: Service) -> Reply:
    """Fault 14."""
    return xml(efetch.article_set(_records(request, service)[: -int(options.get("count", 1))]))


def extra(_reply: Reply, request: Request, options: Options, service: Service) -> Reply:
    """Fault 8."""
    records = _records(request, service)
    asked = {r.pmid for r in records}
    other = service.record(min(pmid for pmid in service.index.place if pmid not in asked))
    return xml(efetch.article_set([other, *records[1:]] if options.get("in_place") else [*records, other]))


def duplicate(_reply: Reply, request: Request, options: Options, service: Service) -> Reply:
    """Fault 9."""
    first, *rest = _records(request, service)
    older, newer = versions(first)
    return xml(efetch.article_set([newer, older, *rest] if options.get("newest_first") else [older, newer, *rest]))


def book(_reply: Reply, request: Request, _options: Options, service: Service) -> Reply:
    """Fault 10."""
    first, *rest = _records(request, service)
    return xml(efetch.article_set([as_book(first), *rest]))


def bad_characters(reply: Reply, _request: Request, options: Options, _service: Service) -> Reply:
    """Fault 35."""
    return reply.with_body(damaged(reply.body, options.get("form", "reference"), options.get("pmid")))


def entities(reply: Reply, _request: Request, options: Options, _service: Service) -> Reply:
    """Fault 36."""
    return reply.with_body(with_entities(reply.body, options.get("form", "bomb"), options.get("file", "/etc/hostname")))


def new_dtd(reply: Reply, _request: Request, _options: Options, _service: Service) -> Reply:
    """Fault 37."""
    return reply.with_body(with_new_dtd(reply.body))
