"""The client: what it sends, when it tries again, and that it never waits longer than it says."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from doorkit import PATIENCE, QUICK, a_room, fault
from msminer.errors import MalformedReply, RateLimited, ServiceError, SettingsError, TransportError, UsageError
from msminer.pubmed import entrez
from msminer.pubmed.entrez import Entrez, Timing, open_client
from msminer.pubmed.gate import Gate
from msminer.settings import NCBI_URL, Settings

PAGE = b"<PubmedArticleSet></PubmedArticleSet>"
NOT_NOW = b"<eFetchResult><ERROR>Search Backend failed: x</ERROR></eFetchResult>"


class Desk:
    """A client whose network is a function and whose clock only sleeping moves."""

    def __init__(self, folder: Path, answer: Callable[[httpx.Request], httpx.Response], **timing: Any) -> None:
        self.now, self.slept, self.requests = 0.0, list[float](), list[httpx.Request]()
        self.answer = answer
        chosen = Timing(clock=lambda: self.now, sleep=self.sleep, uniform=lambda low, high: (low + high) / 2)
        self.timing = replace(chosen, **timing)
        settings = Settings(
            entrez_url="http://127.0.0.1:9/", home=folder, email="a@b.example", api_key=SecretStr("k" * 36)
        )
        http = httpx.Client(base_url=settings.entrez_url, transport=httpx.MockTransport(self.reply))
        self.gate = Gate(folder, 1_000, clock=lambda: self.now, sleep=self.sleep)
        self.client = Entrez(settings, self.gate, http, self.timing)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def reply(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    def pauses(self) -> list[float]:
        """What was slept, without the gate's spacing of a thousandth of a second."""
        return [seconds for seconds in self.slept if seconds > 0.1]


def scripted(*answers: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    left = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(chosen, Exception):
            raise chosen
        return httpx.Response(chosen.status_code, headers=chosen.headers, content=chosen.content)

    return answer


def ok() -> httpx.Response:
    return httpx.Response(200, content=PAGE)


def test_everything_is_in_the_body(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(ok()))
    assert desk.client.fetch(["1", "2"]) == PAGE
    (request,) = desk.requests
    assert (request.method, str(request.url)) == ("POST", "http://127.0.0.1:9/efetch.fcgi")
    want = f"db=pubmed&id=1%2C2&retmode=xml&tool=msminer&email=a%40b.example&api_key={'k' * 36}"
    assert request.content.decode() == want
    assert desk.client.requests == 1


@pytest.mark.parametrize("pmids", [[], ["0"], ["01"], ["1,2"], ["x"], ["1234567890"], [str(n) for n in range(1, 202)]])
def test_ids_are_checked_before_they_are_sent(tmp_path: Path, pmids: list[str]) -> None:
    desk = Desk(tmp_path, scripted(ok()))
    with pytest.raises(UsageError):
        desk.client.fetch(pmids)
    assert not desk.requests


def test_a_page_of_200_is_sent(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(ok()))
    desk.client.fetch([str(n) for n in range(1, 201)])
    assert len(desk.requests) == 1


def test_pauses_grow_to_their_limit(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(httpx.Response(200, content=NOT_NOW)), deadline=1e6)
    with pytest.raises(ServiceError) as caught:
        desk.client.fetch(["1"])
    # The middle of 1 and 2, 4, 8, 16, 30.
    assert desk.pauses() == [1.5, 2.5, 4.5, 8.5, 15.5]
    assert caught.value.context["tries"] == 6
    assert caught.value.context["asked"] == "efetch"


def test_slow_pauses_start_at_eight_seconds(tmp_path: Path) -> None:
    gone = httpx.Response(
        200, content=b"<eSearchResult><ERROR>Database is not supported: pubmed</ERROR></eSearchResult>"
    )
    desk = Desk(tmp_path, scripted(gone), tries=3)
    with pytest.raises(ServiceError):
        desk.client.search("x")
    assert desk.pauses() == [19.0, 19.0]


def test_the_deadline_ends_the_tries(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(httpx.Response(200, content=NOT_NOW)), deadline=5.0)
    with pytest.raises(ServiceError) as caught:
        desk.client.fetch(["1"])
    assert desk.pauses() == [1.5, 2.5, 1.0]
    assert caught.value.context["tries"] == 4
    assert (desk.client.requests, desk.client.retries) == (4, 3)
    assert desk.now <= 5.1


def test_a_wait_the_server_asks_for_is_kept_by_the_gate_and_costs_no_deadline(tmp_path: Path) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "200"}, content=b"{}")
    desk = Desk(tmp_path, scripted(busy, busy, ok()), deadline=10.0)
    assert desk.client.fetch(["1"]) == PAGE
    assert [round(seconds) for seconds in desk.pauses()] == [200, 200]


def test_without_retry_after_the_gate_closes_for_1_2_4_8_and_8_seconds(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(httpx.Response(429, content=b"{}")))
    with pytest.raises(RateLimited):
        desk.client.fetch(["1"])
    assert [round(seconds, 2) for seconds in desk.pauses()] == [1, 2, 4, 8, 8]
    # The last refusal closes the gate too: others must not run into it.
    with desk.gate.request():
        assert round(desk.now) == 31


def test_retry_after_of_a_busy_gateway_closes_the_gate_for_others(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(httpx.Response(503, headers={"Retry-After": "20"}), ok()))
    desk.client.fetch(["1"])
    assert [round(seconds) for seconds in desk.pauses()] == [20]


def test_good_replies_win_back_speed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(httpx.Response(429, content=b"{}"), ok()))
    for _ in range(10):
        desk.client.fetch(["1"])
    assert b'"steps": 0' in (tmp_path / "rate-gate.json").read_bytes()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ConnectError("x"), "unreachable"),
        (httpx.ConnectTimeout("x"), "unreachable"),
        (httpx.ReadTimeout("x"), "stalled"),
        (httpx.RemoteProtocolError("x"), "no whole answer"),
        (httpx.ReadError("x"), "no whole answer"),
        (httpx.DecodingError("x"), "no whole answer"),
    ],
)
def test_errors_of_the_connection(tmp_path: Path, error: Exception, says: str) -> None:
    desk = Desk(tmp_path, scripted(error, ok()))
    assert desk.client.fetch(["1"]) == PAGE
    desk = Desk(tmp_path / "2", scripted(error))
    with pytest.raises(TransportError, match=says) as caught:
        desk.client.fetch(["1"])
    assert caught.value.context["host"] == "127.0.0.1"
    assert len(desk.requests) == 6


def test_an_error_of_ours_is_not_tried_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        desk.client.fetch(["1"])
    assert len(desk.requests) == 1


def test_a_malformed_answer_is_asked_for_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(httpx.Response(200, content=b"<PubmedArticleSet>"), ok()))
    assert desk.client.fetch(["1"]) == PAGE
    desk = Desk(tmp_path, scripted(httpx.Response(200, content=b"<PubmedArticleSet>")))
    with pytest.raises(MalformedReply):
        desk.client.fetch(["1"])


def test_the_key_is_cut_out_of_what_the_service_says(tmp_path: Path) -> None:
    said = f"<eFetchResult><ERROR>Mandatory parameter: {'k' * 36}</ERROR></eFetchResult>".encode()
    desk = Desk(tmp_path, scripted(httpx.Response(400, content=said)))
    with pytest.raises(ServiceError) as caught:
        desk.client.fetch(["1"])
    assert "k" * 36 not in str(caught.value)
    assert "[key]" in str(caught.value)


def test_slow_headers_cannot_outlast_the_deadline(tmp_path: Path) -> None:
    """Neither a name look-up nor a drip of headers keeps to the timeouts of an HTTP library."""
    release = threading.Event()

    def forever(_: httpx.Request) -> httpx.Response:
        release.wait(20)
        return ok()

    desk = Desk(tmp_path, forever, tries=1, clock=time.monotonic, deadline=0.2)
    began = time.monotonic()
    with pytest.raises(TransportError, match="deadline"):
        desk.client.fetch(["1"])
    assert time.monotonic() - began < PATIENCE
    left = [thread for thread in threading.enumerate() if thread.name == "entrez"]
    assert all(thread.daemon for thread in left), "a thread that hangs must not keep the program from ending"
    release.set()


@pytest.mark.parametrize(("largest", "passes"), [(len(PAGE), True), (len(PAGE) - 1, False)])
def test_a_body_over_the_limit_is_dropped(tmp_path: Path, largest: int, passes: bool) -> None:
    desk = Desk(tmp_path, scripted(ok()), largest=largest, tries=1)
    if passes:
        assert desk.client.fetch(["1"]) == PAGE
        return
    with pytest.raises(TransportError, match="larger"):
        desk.client.fetch(["1"])


def test_the_time_of_each_try_counts_against_the_deadline(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(ok()), tries=9, deadline=120.0)

    def slow(_: httpx.Request) -> httpx.Response:
        desk.now += 40
        return httpx.Response(200, content=NOT_NOW)

    desk.answer = slow
    with pytest.raises(ServiceError) as caught:
        desk.client.fetch(["1"])
    assert caught.value.context["tries"] == 3


def test_a_try_has_only_what_is_left_of_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path, scripted(ok()), tries=3, deadline=100.0)
    granted: list[float] = []

    def stalls(_: str, __: dict[str, str], seconds: float) -> tuple[int, dict[str, str], bytes]:
        granted.append(seconds)
        desk.now += 30
        return 200, {}, NOT_NOW

    monkeypatch.setattr(desk.client._wire, "exchange", stalls)
    with pytest.raises(ServiceError):
        desk.client.fetch(["1"])
    assert granted == [100.0, 68.5, 36.0]


def test_log_lines_stay_without_the_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with a_room(tmp_path, key="canary-log") as here:
        here.client.search("sclerosis[tiab]")
        logging.getLogger("httpx").info("a line with %s in it", "canary-log")
    assert "HTTP Request: POST" in caplog.text
    assert "a line with [key] in it" in caplog.text
    logging.getLogger("httpx").info("later %s", "canary-log")
    assert "later canary-log" in caplog.text, "the filter goes with the client"


def test_a_body_that_outlasts_the_deadline_ends_its_thread(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scripted(ok()), tries=1)

    def slow(_: httpx.Request) -> httpx.Response:
        desk.now += 121
        return ok()

    desk.answer = slow
    with pytest.raises(TransportError, match="deadline"):
        desk.client.fetch(["1"])


def test_ncbi_is_never_asked_without_an_address(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MSMINER_EMAIL"), open_client(Settings(entrez_url=NCBI_URL, home=tmp_path)):
        pass


@pytest.mark.parametrize(("key", "limit"), [(None, 3), ("k", 10)])
def test_the_rate_follows_the_key(tmp_path: Path, key: str | None, limit: int) -> None:
    settings = Settings(entrez_url="http://127.0.0.1:9/", home=tmp_path, api_key=key)
    with open_client(settings, tries=2) as client:
        assert client.gate.limit == limit
        assert client.timing.tries == 2
        assert client._wire.http.trust_env is False
        assert client._wire.http.follow_redirects is False


def test_ncbi_is_asked_over_checked_tls_and_through_the_users_proxy(tmp_path: Path) -> None:
    with open_client(Settings(home=tmp_path, email="a@b.example")) as client:
        assert client._wire.http.trust_env is True
        assert str(client._wire.http.base_url).startswith("https://eutils.ncbi.nlm.nih.gov/")
        assert client._wire.http.timeout == httpx.Timeout(30.0, connect=20.0, pool=20.0)


def test_the_numbers_of_the_house() -> None:
    timing = Timing()
    assert (timing.connect, timing.read, timing.deadline, timing.tries) == (20, 30, 120, 6)
    assert (timing.shortest, timing.longest, timing.largest) == (1, 30, 256 * 2**20)
    for failed in range(1, 9):
        pause = timing.pause(failed, slowly=False)
        assert 1 <= pause <= min(30, 2**failed)
    assert (entrez.RATE, entrez.RATE_WITH_KEY, entrez.PAGE) == (3, 10, 200)


def test_info_and_citations_on_the_wire(tmp_path: Path) -> None:
    with a_room(tmp_path, faults=[fault("reset", "einfo")]) as here:
        info = here.client.einfo()
        assert info.count == 5
        assert info.build
        found = here.client.cite({"a": "nothing|1999|1|1|nobody"})
        assert found == {"a": None}
        # One for einfo lost, one answered, one for ecitmatch.
        assert here.client.requests == 3


def test_many_threads_share_a_client(tmp_path: Path) -> None:
    with a_room(tmp_path, timing=replace(QUICK, deadline=20.0, read=10.0)) as here:
        counts: list[int] = []
        threads = [
            threading.Thread(target=lambda: counts.append(here.client.search("sclerosis[tiab]").count))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [5] * 8
        assert here.client.requests == 8
