"""The fault plan: "the nth call to X does fault F", and the catalogue of faults by number and name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msminer.errors import DataError
from msminer.sandbox import bad_replies, bad_searches, bad_sets, bad_wire, changes
from msminer.sandbox.bad_replies import Change
from msminer.sandbox.bad_wire import Toxic
from msminer.sandbox.changes import StateChange
from msminer.sandbox.reply import Request

if TYPE_CHECKING:
    from msminer.sandbox.server import Sandbox


@dataclass(frozen=True)
class Fault:
    """One way to go wrong: its number in the catalogue, its name, what it sends and how."""

    number: int
    name: str
    sends: str
    change: Change = bad_replies.unchanged
    toxic: Toxic | None = None
    state: StateChange | None = None


_R, _Q, _D, _W, _S = bad_replies, bad_searches, bad_sets, bad_wire, changes
_ALL = (
    Fault(1, "rate_limited", "429 with its JSON body; retry_after: seconds, null for no header (2)", _R.rate_limited),
    Fault(2, "rate_limited_200", "the same JSON under status 200", _R.rate_limited_200),
    Fault(3, "bad_key", "400, JSON that repeats the key, with a bare newline", _R.bad_key),
    Fault(4, "blocked", "302 to NCBI's misuse page; form: page sends that page under 200", _R.blocked),
    Fault(5, "empty_ids", "400, ID list is empty", _R.empty_ids),
    Fault(6, "all_missing", "200, an empty PubmedArticleSet", _D.all_missing),
    Fault(7, "missing", "200, without the records of pmids, or without the first count (1)", _D.missing),
    Fault(8, "extra", "200, one more record than asked for; in_place: true replaces the first", _D.extra),
    Fault(9, "duplicate", "200, the first record twice, as Version 1 and 2; newest_first", _D.duplicate),
    Fault(10, "book", "200, the first record as a PubmedBookArticle", _D.book),
    Fault(11, "window", "200, 'retstart' cannot be larger", _R.window),
    Fault(12, "window_json", "the same as JSON with a bare newline in a string", _R.window_json),
    Fault(13, "clamp", "200, Restrictions achieved, and fewer ids", _Q.clamp),
    Fault(14, "short_page", "200, without the last count (1) records and without a word", _D.short_page),
    Fault(15, "history_expired", "Unable to obtain query #1; status (200)", _R.history_expired),
    Fault(16, "backend_down", "200, Search Backend failed: Unable to open connection", _R.backend_down),
    Fault(17, "database_gone", "200, Database is not supported: pubmed", _R.database_gone),
    Fault(18, "cpp_exception", "200, NCBI C++ Exception; elink: TXCLIENT::readAll EOF", _R.cpp_exception),
    Fault(19, "viewer_timeout", "External viewer error ... Timeout; status (400)", _R.viewer_timeout),
    Fault(
        20,
        "proxy_failure",
        "CEFetchPApplication::proxy_stream(); form: plain, raw or escaped; status (400)",
        _R.proxy_failure,
    ),
    Fault(21, "server_error", "500 with NCBI's HTML page", _R.server_error),
    Fault(22, "bad_gateway", "502, 503 or 504 as status (502), HTML; retry_after: seconds", _R.bad_gateway),
    Fault(23, "uri_too_long", "414", _R.uri_too_long),
    Fault(24, "html", "200, an HTML page; form: html or xhtml", _R.html),
    Fault(25, "routing_text", "200, Unable to route request!", _R.routing_text),
    Fault(26, "empty_body", "200, no byte", _R.empty_body),
    Fault(27, "cut_length", "fewer bytes than Content-Length; at: bytes, half by default", _R.by_length, _W.cut),
    Fault(28, "cut_chunked", "no last chunk; at: bytes of the chunked body", _R.by_chunks, _W.cut),
    Fault(
        29,
        "cut_close",
        "closed early without a length; at: bytes, or border for the end of the first record",
        _R.by_close,
        _W.cut,
    ),
    Fault(30, "reset", "RST; at: bytes of the body before it, null for before the status", _R.by_length, _W.reset),
    Fault(
        31,
        "close_before_status",
        "closed without a status; form: garbage sends no status line",
        toxic=_W.close_before_status,
    ),
    Fault(32, "stall", "headers, at (0) bytes, then nothing for seconds (3600)", _R.by_length, _W.stall),
    Fault(33, "drip", "one byte each seconds (0.9)", _R.by_length, _W.drip),
    Fault(34, "refused", "connections refused for seconds (1)", toxic=_W.reset, state=_S.go_away),
    Fault(
        35,
        "bad_characters",
        "form: reference (&#x1;), control (byte 0x01), utf8 (byte 0xff); pmid: in that record",
        _D.bad_characters,
    ),
    Fault(36, "entities", "a DOCTYPE with entities; form: bomb or xxe; file: what xxe reads", _D.entities),
    Fault(37, "new_dtd", "pubmed_260101.dtd and an element nobody knows", _D.new_dtd),
    Fault(38, "broken_gzip", "form: crc, cut, or unasked (whole, but not asked for)", _R.broken_gzip),
    Fault(39, "huge_body", "a body of megabytes (300); form: gzip sends it packed", _R.huge_head, _W.huge_body),
    Fault(40, "tag_ignored", "more hits, with the tag gone from the translation", _Q.tag_ignored),
    Fault(41, "phrase_lost", "QuotedPhraseNotFound (phrase) though there are hits", _Q.phrase_lost),
    Fault(42, "zero", "an honest zero with both signs; silent: true leaves out the message", _Q.zero),
    Fault(43, "count_drift", "a Count higher by (1), ids shifted", _Q.count_drift),
    Fault(44, "order_drift", "the page starts by (1) earlier, so an id comes twice", _Q.order_drift),
    Fault(
        45,
        "revise",
        "before answering: find and replace in the record of pmid, DateRevised set to day",
        state=_S.revise,
    ),
    Fault(45, "retract", "before answering: the record of pmid is retracted by notice", state=_S.retract),
    Fault(45, "concern", "before answering: an expression of concern about pmid by notice", state=_S.concern),
    Fault(45, "add", "before answering: the record in xml is new", state=_S.add),
    Fault(46, "delete", "before answering: pmid is gone", state=_S.delete),
    Fault(47, "too_many_uids", "200, Too many UIDs", _R.too_many_uids),
    Fault(48, "hidden_summary_failure", 'status="OK" and the failure in a comment', _R.hidden_summary_failure),
    Fault(49, "bad_json_types", "JSON of wrong types; form: numbers, array, object or list", _R.bad_json_types),
    Fault(55, "redirect", "status (302) to another host, to", _R.redirect),
    # Not in the catalogue, but named by it: states and the remaining toxic.
    Fault(15, "expire_history", "before answering: every WebEnv is forgotten", state=_S.expire_history),
    Fault(54, "set_clock", "before answering: the service's time is `to`, ISO 8601", state=_S.set_clock),
    Fault(
        27,
        "slow_close",
        "all of it without a length, and the connection stays open for seconds (5)",
        _R.by_close,
        _W.slow_close,
    ),
)
CATALOGUE: Mapping[str, Fault] = {fault.name: fault for fault in _ALL}

# Numbers that no reply can play: the reason, for the tests that count to 55.
NOT_A_REPLY: Mapping[int, str] = {
    50: "the client is killed",
    51: "the client's disk is full",
    52: "two clients share a store",
    53: "the rate limit does it by itself: one budget for all connections of an address",
}


@dataclass
class Rule:
    """One entry of a plan and how often it was met."""

    fault: Fault
    call: str = "any"
    nth: int = 1
    times: int | None = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    met: int = 0

    def fires(self, request: Request) -> bool:
        """Whether this request is one of those the entry names; counts it."""
        if self.call not in {"any", request.call}:
            return False
        if "pmid" in self.options and self.fault.state is None and str(self.options["pmid"]) not in request.ids():
            return False
        self.met += 1
        return self.met >= self.nth and (self.times is None or self.met < self.nth + self.times)


class Plan:
    """The entries of a fault plan in order: {"call", "nth", "times", "fault", options...}.

    call: a program's name without ending, or any. nth: the first matching call that goes wrong (1). times: how many go
    wrong, null for all that follow (1). pmid: only calls that ask for it. Raises DataError for an unknown fault or
    call.
    """

    def __init__(self, entries: Sequence[Mapping[str, Any]] = ()) -> None:
        self.rules = [_rule(entry) for entry in entries]

    def add(self, **entry: Any) -> None:
        """One more entry while the server runs."""
        self.rules.append(_rule(entry))

    def take(self, request: Request, sandbox: Sandbox) -> Rule | None:
        """Make the changes of state that are due; the first entry whose fault is in the reply."""
        chosen = None
        for rule in self._due(request):
            if rule.fault.state is not None:
                rule.fault.state(sandbox, rule.options)
            if chosen is None and (rule.fault.state is None or rule.fault.toxic is not None):
                chosen = rule
        return chosen

    def _due(self, request: Request) -> Iterator[Rule]:
        return iter([rule for rule in self.rules if rule.fires(request)])


_CALLS = {"any", "einfo", "esearch", "efetch", "esummary", "epost", "elink", "espell", "ecitmatch"}


def _rule(entry: Mapping[str, Any]) -> Rule:
    rest = dict(entry)
    name, call = rest.pop("fault", None), rest.pop("call", "any")
    if name not in CATALOGUE:
        raise DataError("no fault of this name", fault=name, known=sorted(CATALOGUE))
    if call not in _CALLS:
        raise DataError("no program of this name", call=call, known=sorted(_CALLS))
    nth, times = rest.pop("nth", 1), rest.pop("times", 1)
    if not isinstance(nth, int) or nth < 1 or not (times is None or (isinstance(times, int) and times >= 1)):
        raise DataError("nth and times are whole numbers from 1 (times may be null)", nth=nth, times=times)
    return Rule(CATALOGUE[name], call, nth, times, rest)
