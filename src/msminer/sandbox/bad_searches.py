"""Faults of searches: answers that were edited, on purpose, after the search was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msminer.sandbox import esearch
from msminer.sandbox.bad_replies import Options
from msminer.sandbox.esearch import Answer
from msminer.sandbox.reply import Reply, Request
from msminer.sandbox.search import Found
from msminer.sandbox.service import Service


def _searched(reply: Reply, request: Request, service: Service, edit: Callable[[Answer], Answer]) -> Reply:
    """The search's own answer, edited; errors stay as they are."""
    if request.call != "esearch":
        return reply
    answer = service.esearch.look_up(request)
    return answer if isinstance(answer, Reply) else esearch.write(edit(answer), request)


def clamp(reply: Reply, request: Request, _options: Options, service: Service) -> Reply:
    """Fault 13."""

    def edit(answer: Answer) -> Answer:
        kept = answer.page[: max(0, len(answer.page) - 1)]
        text = f"Restrictions achieved. start and count adjusted to {answer.start}, {len(kept)}"
        return replace(answer, page=kept, messages=[*answer.messages, text])

    return _searched(reply, request, service, edit)


def tag_ignored(reply: Reply, request: Request, _options: Options, service: Service) -> Reply:
    """Fault 40."""

    def edit(answer: Answer) -> Answer:
        everything = sorted(service.index.place, reverse=True)
        found = replace(answer.found, translation=f'"{request.get("term").split("[")[0]}"[All Fields]')
        return replace(answer, found=found, count=len(everything), page=everything[: max(len(answer.page), 20)])

    return _searched(reply, request, service, edit)


def phrase_lost(reply: Reply, request: Request, options: Options, service: Service) -> Reply:
    """Fault 41."""

    def edit(answer: Answer) -> Answer:
        lost = [*answer.found.quoted_not_found, f'"{options.get("phrase", "lost phrase")}"[Title/Abstract]']
        return replace(answer, found=replace(answer.found, quoted_not_found=lost))

    return _searched(reply, request, service, edit)


def zero(reply: Reply, request: Request, options: Options, service: Service) -> Reply:
    """Fault 42."""

    def edit(answer: Answer) -> Answer:
        messages = [] if options.get("silent") else [esearch.NOTHING]
        return Answer(Found(set(), answer.found.translation), 0, 0, [], None, messages)

    return _searched(reply, request, service, edit)


def count_drift(reply: Reply, request: Request, options: Options, service: Service) -> Reply:
    """Fault 43."""
    by = int(options.get("by", 1))
    return _searched(
        reply, request, service, lambda answer: replace(answer, count=answer.count + by, page=answer.page[by:])
    )


def order_drift(reply: Reply, request: Request, options: Options, service: Service) -> Reply:
    """Fault 44."""
    start = max(0, request.number("retstart", 0) - int(options.get("by", 1)))
    moved = replace(request, params={**request.params, "retstart": [str(start)]})
    return _searched(reply, moved, service, lambda answer: replace(answer, start=request.number("retstart", 0)))
