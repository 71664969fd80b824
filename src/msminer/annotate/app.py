"""The web page: routes over a session; every address starts with a random token, every answer with strict headers."""

from __future__ import annotations

import hmac
from functools import cached_property
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from msminer.annotate.journal import State
from msminer.annotate.rules import Labels
from msminer.annotate.session import Changed, Session, Unfinished
from msminer.annotate.view import groups, readings_table, sentences
from msminer.errors import DataError, MsminerError
from msminer.resources import shipped

# Nothing but the page's own script, style and icon; nobody may frame it; no form may be sent.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _CSP,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# A reading is a few kilobytes; more is no reading.
_MOST_BYTES = 200_000


class Change(BaseModel):
    """What the page sends after a key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Labels
    state: State
    revision: int


class Guard:
    """Lets through only requests for this host, from this page and with the token.

    The host check stops a name that was pointed at loopback (DNS rebinding); the origin check and the header that only
    a script of the same origin can set stop posts from other sites; the token stops other users of this machine.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str]) -> None:
        self.app = app
        self.token = token
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400, 403 or 404, or pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(Request(scope))
        await (refusal or self.app)(scope, receive, _with_headers(send))

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("host", "") not in self.hosts:
            return Response("unknown host", 400)
        if not hmac.compare_digest(request.url.path.split("/")[1].encode(), self.token.encode()):
            return Response("not found", 404)
        own = request.headers.get("origin") in {f"http://{host}" for host in self.hosts}
        if request.method == "POST" and not (own and request.headers.get("x-msminer") == "annotate"):
            return Response("posts come from the page alone", 403)
        return None


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in _HEADERS.items())]
        await send(message)

    return wrapped


class Pages:
    """The pages of one session under one token."""

    def __init__(self, session: Session, token: str, reader: str) -> None:
        self.session = session
        self.base = f"/{token}"
        self.reader = reader

    @cached_property
    def _templates(self) -> Environment:
        loader = PackageLoader("msminer.annotate", "templates")
        return Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    @cached_property
    def _guide(self) -> str:
        from markdown_it import MarkdownIt

        text = shipped("data", "gold", "GUIDE.md").read_text(encoding="utf-8")
        return str(MarkdownIt("js-default").render(text))

    def home(self, request: Request) -> Response:
        """On to the first open record, or to the list when none is open."""
        del request
        pmid = self.session.next_after()
        return RedirectResponse(f"{self.base}/record/{pmid}" if pmid else f"{self.base}/list", 303)

    def listing(self, request: Request) -> Response:
        """All records of the queue with their state."""
        del request
        states = self.session.states()
        return self._page("list.html", states=states, missing=self.session.missing(), torn=self.session.contents().torn)

    def record(self, request: Request) -> Response:
        """One record to label."""
        record = self.session.record(request.path_params["pmid"])
        order = list(self.session.states())
        return self._page(
            "record.html",
            record=record,
            sentences=sentences(record),
            groups=groups(self.session.vocabulary),
            readings=readings_table(record, self.session.vocabulary) if record.pair else None,
            data=_payload(record, order.index(record.pmid)),
            place=order.index(record.pmid) + 1,
            total=len(order),
            guide=self._guide,
        )

    async def save(self, request: Request) -> Response:
        """Keep one change and tell what is still wrong."""
        body = await request.body()
        if len(body) > _MOST_BYTES:
            return JSONResponse({"error": "too large"}, 413)
        try:
            change = Change.model_validate_json(body)
        except ValidationError as error:
            return JSONResponse({"error": str(error.errors(include_url=False, include_input=False)[0]["msg"])}, 422)
        return await run_in_threadpool(self._saved, request.path_params["pmid"], change)

    def _saved(self, pmid: str, change: Change) -> Response:
        try:
            saved = self.session.save(pmid, change.labels, change.state, change.revision)
        except (Changed, Unfinished) as error:
            return JSONResponse({"error": error.message}, 409)
        except MsminerError as error:
            return JSONResponse({"error": str(error)}, 500)
        target = self.session.next_after(pmid)
        where = f"{self.base}/record/{target}" if target else f"{self.base}/list"
        return JSONResponse(
            {
                "labels": saved.labels.model_dump(mode="json"),
                "state": saved.state,
                "revision": saved.revision,
                "problems": [problem.model_dump() for problem in saved.problems],
                "notes": list(saved.notes),
                "next": where,
            }
        )

    def previous(self, request: Request) -> Response:
        """On to the record before, or to the list at the top."""
        pmid = self.session.before(self.session.record(request.path_params["pmid"]).pmid)
        return RedirectResponse(f"{self.base}/record/{pmid}" if pmid else f"{self.base}/list", 303)

    def _page(self, name: str, **values: Any) -> HTMLResponse:
        template = self._templates.get_template(name)
        return HTMLResponse(template.render(base=self.base, reader=self.reader, **values))


def _payload(record: Any, place: int) -> dict[str, Any]:
    return {
        "pmid": record.pmid,
        "place": place,
        "labels": record.labels.model_dump(mode="json"),
        "state": record.state,
        "revision": record.revision,
        "problems": [problem.model_dump() for problem in record.problems],
        "spans": [list(span) for span in record.sentences],
        "readings": [entry.labels.model_dump(mode="json") for entry in record.pair.unnamed] if record.pair else [],
    }


async def _not_found(request: Request, error: Exception) -> Response:
    del request
    return Response(str(error), 404)


def build_app(session: Session, *, reader: str, token: str, hosts: frozenset[str]) -> Starlette:
    """The application; `hosts` are the values of the Host header that are answered."""
    pages = Pages(session, token, reader)
    routes = [
        Route("/", pages.home),
        Route("/list", pages.listing),
        Route("/record/{pmid}", pages.record),
        Route("/record/{pmid}", pages.save, methods=["POST"]),
        Route("/record/{pmid}/previous", pages.previous),
        Mount("/static", StaticFiles(packages=[("msminer.annotate", "static")])),
    ]
    guard = Middleware(Guard, token=token, hosts=hosts)
    return Starlette(
        routes=[Mount(f"/{token}", routes=routes)], middleware=[guard], exception_handlers={DataError: _not_found}
    )
