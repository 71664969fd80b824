"""The calls of E-utilities that msminer makes, each tried again where that may help.

Everything is sent by POST, the key in the body alone, so that no address, log or error can hold it. One request means
up to six tries inside one deadline; turns at the rate gate and waits that the server asked for do not count against it.
Redirects are never followed (a 307 would carry the body, key and all, to another host).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import httpx

from msminer.errors import MalformedReply, RateLimited, SettingsError, TransportError, UsageError
from msminer.pubmed import replies
from msminer.pubmed.entrez.timing import Timing
from msminer.pubmed.entrez.transport import Wire, open_http, silent_logs
from msminer.pubmed.gate import Gate
from msminer.pubmed.replies import DatabaseInfo, Refusal, SearchReply
from msminer.settings import Settings

T = TypeVar("T")

TOOL = "msminer"
# Requests a second that NCBI grants an address without and with a key (NBK25497).
RATE, RATE_WITH_KEY = 3, 10
# Lists of up to 200 PMIDs (NBK25499 asks for POST above that; a page stays small enough to ask again).
PAGE = 200


@dataclass(frozen=True)
class _Call(Generic[T]):
    """One request: the program, its form, how its answer is read, whether that is plain text."""

    program: str
    form: Mapping[str, str]
    decode: Callable[[bytes], T]
    plain: bool = False


class _Refused(Exception):
    """An answer that cannot be used; never leaves this module."""

    def __init__(self, why: Refusal) -> None:
        self.why = why
        super().__init__(str(why.error))


@dataclass
class _Tally:
    """Of one request: failed tries, how many of them for the rate, and the seconds that count against the deadline."""

    failed: int = 0
    limited: int = 0
    spent: float = 0.0


@dataclass
class _Count:
    requests: int = 0
    retries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Entrez:
    """E-utilities behind one gate; safe to share between threads. Open it with `open_client`."""

    def __init__(self, settings: Settings, gate: Gate, http: httpx.Client, timing: Timing) -> None:
        self.settings, self.gate, self.timing = settings, gate, timing
        self._wire, self._count = Wire(http, timing), _Count()

    @property
    def requests(self) -> int:
        """Requests sent so far, failed ones included."""
        return self._count.requests

    @property
    def retries(self) -> int:
        """Requests sent again after an answer that could not be used."""
        return self._count.retries

    def search(self, term: str, *, most: int | None = None) -> SearchReply:
        """The PMIDs of a term, at most `most` (default: the search window).

        Raises PubMedError; a failure is never an empty answer.
        """
        asked = self.settings.search_window if most is None else most
        body = {"db": "pubmed", "term": term, "retmax": str(asked), "retmode": "xml"}
        return self._ask(_Call("esearch.fcgi", body, lambda data: replies.read_search(data, asked=asked)))

    def fetch(self, pmids: Sequence[str]) -> bytes:
        """The page of records of up to 200 PMIDs as received; PubMed leaves missing ones out without a word."""
        bad = [pmid for pmid in pmids if not replies.PMID.fullmatch(pmid)]
        if bad or not 1 <= len(pmids) <= PAGE:
            raise UsageError("a page is asked by 1 to 200 PMIDs of up to nine digits", asked=len(pmids), bad=bad[:3])
        body = {"db": "pubmed", "id": ",".join(pmids), "retmode": "xml"}
        return self._ask(_Call("efetch.fcgi", body, replies.whole_records))

    def einfo(self) -> DatabaseInfo:
        """Build and size of PubMed."""
        return self._ask(_Call("einfo.fcgi", {"db": "pubmed", "retmode": "xml"}, replies.read_info))

    def cite(self, lines: Mapping[str, str]) -> dict[str, str | None]:
        """PMID or None for each key; lines hold journal|year|volume|page|author without blanks at the borders."""
        data = "\r".join(f"{line}|{key}|" for key, line in lines.items())
        body = {"db": "pubmed", "retmode": "xml", "bdata": data}
        return self._ask(
            _Call("ecitmatch.cgi", body, lambda reply: replies.read_citations(reply, list(lines)), plain=True)
        )

    def _ask(self, call: _Call[T]) -> T:
        tally = _Tally()
        while True:
            try:
                return self._turn(call, tally)
            except _Refused as refused:
                self._weigh(refused.why, call.program, tally)

    def _turn(self, call: _Call[T], tally: _Tally) -> T:
        """One try behind the gate; a gate that is to be closed is closed before it is left."""
        with self.gate.request():
            started = self.timing.clock()
            try:
                answer = self._try(call, self.timing.deadline - tally.spent)
            except _Refused as refused:
                self._close(refused.why, tally.limited)
                raise
            finally:
                tally.spent += self.timing.clock() - started
            self.gate.praise()
            return answer

    def _weigh(self, why: Refusal, program: str, tally: _Tally) -> None:
        """Rest before another try, or raise the error of the last one."""
        tally.failed += 1
        tally.limited += isinstance(why.error, RateLimited)
        if not why.again or tally.failed >= self.timing.tries or tally.spent >= self.timing.deadline:
            why.error.context.update(asked=program.split(".", maxsplit=1)[0], tries=tally.failed)
            raise why.error from None
        with self._count.lock:
            self._count.retries += 1
        tally.spent += self._rest(why, tally)

    def _close(self, result: Refusal, limited: int) -> None:
        """Shut the gate for all: as long as the server says, or 1, 2, 4, 8 s when it says only: too much."""
        if result.wait is not None:
            self.gate.close_for(result.wait)
        elif isinstance(result.error, RateLimited):
            self.gate.close_for(self.timing.shortest * 2.0 ** min(limited, 3))

    def _rest(self, why: Refusal, tally: _Tally) -> float:
        """Sleep before the next try; the gate already keeps those waits that the server asked for."""
        if why.wait is not None or isinstance(why.error, RateLimited):
            return 0.0
        left = max(0.0, self.timing.deadline - tally.spent)
        pause = min(self.timing.pause(tally.failed, slowly=why.slowly), left)
        self.timing.sleep(pause)
        return pause

    def _try(self, call: _Call[T], seconds: float) -> T:
        with self._count.lock:
            self._count.requests += 1
        try:
            status, headers, raw = self._wire.exchange(call.program, self._form(call.form), seconds)
            body = self._redact(raw)
            why = replies.refusal(status, headers, body, plain=call.plain)
            if why is None:
                return call.decode(body)
        except (TransportError, MalformedReply) as error:
            why = Refusal(error, again=True)
        raise _Refused(why)

    def _form(self, body: Mapping[str, str]) -> dict[str, str]:
        """The body with tool, contact and key; the only place where the key is unwrapped."""
        form = {**body, "tool": TOOL}
        if self.settings.email:
            form["email"] = self.settings.email
        if self.settings.api_key:
            form["api_key"] = self.settings.api_key.get_secret_value()
        return form

    def _redact(self, body: bytes) -> bytes:
        """The body without the key, which some refusals repeat."""
        if self.settings.api_key is None:
            return body
        return body.replace(self.settings.api_key.get_secret_value().encode(), b"[key]")


@contextmanager
def open_client(
    settings: Settings, *, tries: int | None = None, timing: Timing | None = None, gate: Gate | None = None
) -> Iterator[Entrez]:
    """A client behind the machine's rate gate; raises SettingsError when NCBI is asked without an e-mail address.

    tries: how often one request is tried (default 6). timing, gate: other limits, for tests.
    """
    if settings.is_ncbi and not settings.email:
        raise SettingsError("NCBI asks for a contact address: set MSMINER_EMAIL to yours")
    chosen = timing or Timing()
    chosen = chosen if tries is None else replace(chosen, tries=tries)
    rate = RATE_WITH_KEY if settings.api_key else RATE
    with silent_logs(settings), open_http(settings, chosen, TOOL) as http:
        yield Entrez(settings, gate or Gate(settings.home, rate, sleep=chosen.sleep), http, chosen)
