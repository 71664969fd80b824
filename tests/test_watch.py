"""Notices: each kind when it must come, none when nothing moved, and every one delivered."""

from __future__ import annotations

import json
import socket
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from msminer import schema
from msminer.errors import NotSent, SettingsError, StoreDamaged, StoreFull, TransportError
from msminer.settings import load_settings
from msminer.watch.channels import Email, Webhook, channels, digest, subject
from msminer.watch.drift import drift
from msminer.watch.feed import atom
from msminer.watch.job import Watch, shown
from msminer.watch.notices import Notice, compare, failed
from msminer.watch.outbox import Outbox, deliver
from msminer.watch.snapshot import Snapshot, load, save, take, write_whole

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LIMITS = (0.75, 0.25)


def tier(
    low: float | None = 0.3, high: float | None = 0.9, studies: int = 4, name: str = "trial_controlled"
) -> dict[str, Any]:
    return {"tier": name, "scope": "human", "studies": studies, "share": 0.5, "low": low, "high": high}


def verdict(verdict: str = "backed", *tiers: dict[str, Any]) -> dict[str, Any]:
    return {"verdict": verdict, "reason": "3 of 4 studies", "searched": True, "tiers": list(tiers)}


def trial(*pmids: str, n: int | None = None) -> dict[str, Any]:
    facts = {"year": 2026, "n": n, "cell_types": ["MSC"], "populations": ["rrms"]}
    return {"publications": list(pmids), "pmid": pmids[0]} | facts


BEFORE = Snapshot(
    made_at="2026-11-14T00:00:00Z",
    origin="entrez",
    model="m1",
    rules_version="r1",
    verdicts={"S0-03": verdict("backed", tier())},
    in_use={"111": ["S0-03", "S1-01"]},
    retracted=["999"],
    controlled={
        "NCT1": {
            "publications": ["111"],
            "pmid": "111",
            "year": 2019,
            "n": 40,
            "cell_types": ["HSC"],
            "populations": ["ms"],
        }
    },
    pmids=["111", "222", "999"],
    found={"stem_cells_ms": ["111", "222"]},
    landmarks=3,
    translations={"stem_cells_ms": '"stem cells"[MeSH Terms]'},
    terms={"stem_cells_ms": "stem cells[mh]"},
    classes={"cell_types": {"all": {"MSC": 500, "HSC": 500, "undecided": 100}, "new": {}}},
    shape={"abstract": {"all": 1000, "new": 0}},
    sizes={"all": 1100, "new": 0},
)
AFTER = replace(BEFORE, made_at="2026-11-21T00:00:00Z")


def moved(**changes: Any) -> list[Notice]:
    return compare(BEFORE, replace(AFTER, **changes), thresholds=LIMITS)


def kinds(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.kind, notice.subject) for notice in notices]


# ---------------------------------------------------------------- what moved


def test_nothing_moved_gives_no_notice() -> None:
    assert moved() == []


def test_the_first_run_has_nothing_to_be_compared_with() -> None:
    assert compare(None, AFTER, thresholds=LIMITS) == []


def test_a_flipped_verdict_is_told_with_both_verdicts_and_the_counts() -> None:
    (notice,) = moved(verdicts={"S0-03": verdict("contested", tier())})
    assert (notice.kind, notice.subject) == ("verdict_flipped", "S0-03")
    assert "backed became contested. 3 of 4 studies" in notice.text
    assert "Mind" not in notice.text


def test_a_flip_by_other_rules_or_another_model_says_so() -> None:
    (notice,) = moved(verdicts={"S0-03": verdict("contested")}, rules_version="r2", model="m2")
    assert "the rules changed and the model changed" in notice.text


def test_a_claim_that_is_gone_is_told_and_a_new_one_is_not() -> None:
    assert kinds(moved(verdicts={"S9-01": verdict("backed")})) == [("verdict_flipped", "S0-03")]


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.8, 0.95, True),
        (0.3, 0.7, True),
        (0.3, 0.9, False),
        (0.26, 0.95, False),
        (0.2, 0.95, False),
        (None, None, False),
    ],
)
def test_an_interval_that_leaves_a_threshold(low: float | None, high: float | None, told: bool) -> None:
    # Before: 0.3 to 0.9, so around 0.75 and above 0.25.
    assert bool(moved(verdicts={"S0-03": verdict("backed", tier(low, high))})) is told


def test_an_interval_jumping_over_a_threshold_is_told_once_for_each() -> None:
    notices = moved(verdicts={"S0-03": verdict("backed", tier(0.01, 0.2))})
    assert [notice.facts["threshold"] for notice in notices] == [0.75, 0.25]
    assert "0.20, 4 studies" in notices[0].text


def test_a_retracted_study_in_use_is_told_and_one_not_in_use_is_not() -> None:
    (notice,) = moved(retracted=["111", "222", "999"])
    assert kinds([notice]) == [("retracted_in_use", "111")]
    assert "S0-03, S1-01" in notice.text


def test_a_new_controlled_trial_is_told_with_its_size() -> None:
    trial = {
        "publications": ["333"],
        "pmid": "333",
        "year": 2026,
        "n": 80,
        "cell_types": ["MSC"],
        "populations": ["rrms"],
    }
    (notice,) = moved(controlled={**BEFORE.controlled, "NCT2": trial}, pmids=["111", "222", "333", "999"])
    assert "MSC; rrms; n = 80; 2026; PMID 333" in notice.text
    assert "was known" not in notice.text


def test_a_known_trial_that_speaks_through_a_new_paper_is_no_new_trial() -> None:
    assert moved(controlled={"444": trial("444", "111")}) == []


def test_a_known_record_newly_read_as_a_trial_says_so() -> None:
    (notice,) = moved(controlled={**BEFORE.controlled, "222": trial("222")})
    assert "newly read as one" in notice.text


def test_lost_landmarks_are_named_with_the_counts() -> None:
    (notice,) = moved(found={"stem_cells_ms": ["111"]})
    assert "found 2 of 3 landmark papers and now 1: lost PMIDs 222" in notice.text


def test_a_query_that_was_not_asked_has_lost_nothing() -> None:
    assert moved(found={}, terms={}, translations={}) == []


def test_drifted_labels_are_told_and_few_records_are_no_drift() -> None:
    many = {"cell_types": {"all": {}, "new": {"MSC": 10, "HSC": 190}}}
    few = {"cell_types": {"all": {}, "new": {"HSC": 4}}}
    (notice,) = moved(classes=many, sizes={"all": 1300, "new": 200}, shape={})
    assert notice.kind == "labels_drifted"
    assert "200 new articles" in notice.text
    assert moved(classes=few, sizes={"all": 1104, "new": 4}, shape={}) == []


def test_another_reading_of_the_same_query_is_told() -> None:
    (notice,) = moved(translations={"stem_cells_ms": "something else"})
    assert notice.kind == "answer_changed"
    assert moved(translations={"stem_cells_ms": "something else"}, terms={"stem_cells_ms": "another term"}) == []


def test_a_field_that_stops_coming_is_told() -> None:
    (notice,) = moved(shape={"abstract": {"all": 1100, "new": 10}}, sizes={"all": 1300, "new": 200})
    assert kinds([notice]) == [("answer_changed", "field abstract")]
    assert "10 of 200" in notice.text


def test_ids_are_the_same_for_the_same_change_between_the_same_runs() -> None:
    flip = {"S0-03": verdict("contested")}
    again = compare(BEFORE, replace(AFTER, made_at="2026-11-21T01:00:00Z", verdicts=flip), thresholds=LIMITS)
    other = compare(replace(BEFORE, made_at="2026-01-01T00:00:00Z"), replace(AFTER, verdicts=flip), thresholds=LIMITS)
    assert moved(verdicts=flip)[0].id == again[0].id != other[0].id


# ---------------------------------------------------------------- stability index


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 500)), st.integers(1, 4))
def test_equal_shares_never_drift(counts: dict[str, int], times: int) -> None:
    assert not drift(counts, {name: times * n for name, n in counts.items()}).shifted


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 500)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 500)),
)
def test_the_index_is_never_negative_and_the_same_both_ways(one: dict[str, int], two: dict[str, int]) -> None:
    assert drift(one, two).psi >= 0
    assert drift(one, two).psi == pytest.approx(drift(two, one).psi)


def test_the_index_of_a_textbook_shift() -> None:
    # (0.5-0.3) ln(0.5/0.3) + (0.5-0.7) ln(0.5/0.7) = 0.1695 for large counts.
    assert drift({"a": 50_000, "b": 50_000}, {"a": 30_000, "b": 70_000}).psi == pytest.approx(0.16946, abs=1e-3)


# ---------------------------------------------------------------- snapshot of a run


def article(pmid: str, *, retracted: bool = False, queries: tuple[str, ...] = ("stem_cells_ms",)) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(schema.ARTICLES.names)
    lists = {"sections": [], "mesh": [], "keywords": [], "corrections": [], "trial_ids": [], "authors": ["Doe J"]}
    texts = {
        "pmid": pmid,
        "version": 1,
        "kind": "article",
        "title": "T",
        "abstract": "",
        "fetched_at": "2026-11-21T00:00:00Z",
    }
    more = {
        "languages": ["eng"],
        "publication_types": [],
        "retracted": retracted,
        "concern": False,
        "queries": list(queries),
    }
    return row | lists | texts | more | {"year": 2020}


def study(name: str, pmid: str | None, kind: str = "trial_controlled", **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "study_id": name,
        "publications": [name],
        "speaker": name,
        "pmid": pmid,
        "year": 2020,
        "design": kind,
    }
    facts = {
        "tier": kind,
        "design": kind,
        "cell_types": ["HSC"],
        "populations": ["ms"],
        "n": None,
        "follow_up_months": None,
    }
    return row | facts | {"retracted": False, "concern": False, "why_one": ""} | more


def test_a_snapshot_holds_what_the_next_run_is_compared_with(tmp_path: Path) -> None:
    articles = schema.from_rows([article("1"), article("2", retracted=True), article("3", queries=())], schema.ARTICLES)
    labels = schema.from_rows(
        [{"pmid": p, "axis": "cell_types", "label": "HSC", "p": 0.9, "model": "m"} for p in ("1", "2")], schema.LABELS
    )
    studies = schema.from_rows([study("NCT1", "1", n=40.0), study("9", None, retracted=True)], schema.STUDIES)
    entry = {"claim_id": "S0-03", "verdict": "backed", "reason": "r", "tiers": [tier() | {"study_ids": ["NCT1"]}]}
    searches = [{"query": "stem_cells_ms", "term": "t", "translation": "tr", "finished": True}]
    shot = take(
        made_at="2026-11-21T00:00:00Z",
        origin="entrez",
        verdicts={"rules_version": "r", "verdicts": [entry]},
        articles=articles,
        labels=labels,
        studies=studies,
        searches=searches,
        landmarks=frozenset({"1", "3", "7"}),
        previous=replace(BEFORE, pmids=["1"]),
    )
    assert shot.in_use == {"1": ["S0-03"], "NCT1": ["S0-03"]}
    assert shot.retracted == ["2", "9"]
    assert shot.controlled["NCT1"]["n"] == 40
    assert (shot.found, shot.landmarks) == ({"stem_cells_ms": ["1"]}, 3)
    assert shot.classes["cell_types"] == {"all": {"HSC": 2, "undecided": 1}, "new": {"HSC": 1, "undecided": 1}}
    assert shot.shape["abstract"] == {"all": 0, "new": 0}
    assert shot.sizes == {"all": 3, "new": 2}
    save(shot, tmp_path / "last.json")
    assert load(tmp_path / "last.json") == shot
    assert compare(shot, load(tmp_path / "last.json") or shot, thresholds=LIMITS) == []


def test_no_past_is_none_and_a_broken_past_is_an_error(tmp_path: Path) -> None:
    assert load(tmp_path / "last.json") is None
    for text in ("", "{}", "[]", '{"format": 99}', '{"format": 1, "unknown": 2}'):
        (tmp_path / "last.json").write_text(text)
        with pytest.raises(StoreDamaged):
            load(tmp_path / "last.json")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(StoreFull):
        write_whole(tmp_path / "file" / "below", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# ---------------------------------------------------------------- telling people


@contextmanager
def smtp_server(refuse: bool = False) -> Iterator[tuple[int, list[str]]]:
    """A mail server on loopback that keeps what it is sent."""
    mails: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                peer, _ = listener.accept()
            except TimeoutError:
                continue
            with peer, peer.makefile("rwb") as stream:
                talk(stream)

    def talk(stream: Any) -> None:
        def say(line: str) -> None:
            stream.write(line.encode() + b"\r\n")
            stream.flush()

        say("220 test")
        while line := stream.readline().decode().strip():
            verb = line.split(":")[0].split(" ")[0].upper()
            if verb == "DATA":
                say("354 go on")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += stream.readline()
                mails.append(body.decode())
                say("250 kept")
            elif verb == "RCPT" and refuse:
                say("550 nobody here")
            else:
                say("221 bye" if verb == "QUIT" else "250 fine")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], mails
    finally:
        stop.set()
        thread.join()
        listener.close()


@contextmanager
def hook(statuses: list[int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook on loopback that answers with the statuses in turn, then 200."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-token", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


FLIP = moved(verdicts={"S0-03": verdict("contested")})[0]
ODD = replace(FLIP, title="Two\nlines <script>alert(1)</script> \u202e é", text="A\r\nBcc: evil@example.org")


def mailer(port: int) -> Email:
    return Email(SecretStr(f"smtp://127.0.0.1:{port}"), "me@example.org", ("you@example.org", "they@example.org"))


def test_mail_reaches_the_server_with_every_notice() -> None:
    with smtp_server() as (port, mails):
        mailer(port).send([FLIP, ODD], NOW)
    (mail,) = mails
    assert "Subject: msminer: S0-03: backed" in mail or "Subject: =?utf-8?" in mail
    assert "To: you@example.org, they@example.org" in mail
    assert "Date: Sat, 21 Nov 2026 12:00:00 +0000" in mail


def test_a_title_cannot_smuggle_headers_into_a_mail() -> None:
    with smtp_server() as (port, mails):
        mailer(port).send([ODD], NOW)
    head = mails[0].split("\r\n\r\n")[0]
    assert "Bcc" not in head


@pytest.mark.parametrize("refuse", [True, False])
def test_a_mail_that_is_not_taken_is_not_sent(refuse: bool) -> None:
    with smtp_server(refuse) as (port, _), pytest.raises(NotSent) as caught:
        mailer(port if refuse else 9).send([FLIP], NOW)
    assert "you@example.org" not in str(caught.value)


def test_a_webhook_gets_text_and_notices() -> None:
    with hook([]) as (url, bodies):
        Webhook(SecretStr(url)).send([FLIP], NOW)
    assert bodies[0]["text"].startswith("msminer: S0-03")
    assert bodies[0]["notices"][0]["id"] == FLIP.id


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_a_webhook_that_does_not_say_yes_is_not_told_and_its_address_stays_secret(status: int) -> None:
    with hook([status]) as (url, bodies), pytest.raises(NotSent) as caught:
        Webhook(SecretStr(url)).send([FLIP], NOW)
    assert len(bodies) == 1
    assert "secret-token" not in str(caught.value) + repr(Webhook(SecretStr(url)))


def test_a_webhook_that_is_away_is_not_sent() -> None:
    with pytest.raises(NotSent):
        Webhook(SecretStr("http://127.0.0.1:9/x")).send([FLIP], NOW)


def test_a_notice_waits_for_a_channel_that_failed_and_is_never_sent_twice(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add([FLIP])
    with hook([503]) as (url, bodies):
        ways = [Webhook(SecretStr(url))]
        assert [str(trouble)[:19] for trouble in deliver(outbox, ways, NOW)] == ["the webhook refused"]
        assert outbox.add([FLIP]) == []
        assert [deliver(outbox, ways, NOW) for _ in range(2)] == [[], []]
        assert len(bodies) == 2


def test_a_broken_notice_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(StoreDamaged, match=r"x\.json"):
        Outbox(tmp_path).all()


def test_atom_feed_holds_verdict_changes_only_and_is_well_formed() -> None:
    other = replace(FLIP, kind="labels_drifted")
    text = atom([FLIP, replace(ODD, at="2026-12-01T00:00:00Z"), other])
    tree = ET.fromstring(text.encode())
    space = {"a": "http://www.w3.org/2005/Atom"}
    titles = [title.text for title in tree.findall("a:entry/a:title", space)]
    assert titles == [ODD.title, FLIP.title]
    assert [tree.findtext("a:updated", None, space)[:10]] == ["2026-12-01"]  # type: ignore[index]
    assert all("No medical advice" in (e.text or "") for e in tree.findall("a:entry/a:content", space))
    assert atom([FLIP]) == atom([FLIP])
    assert ET.fromstring(atom([]).encode()) is not None


# ---------------------------------------------------------------- the step


def test_the_watch_tells_once_and_remembers(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    with hook([]) as (url, bodies):
        ways = [Webhook(SecretStr(url))]
        assert watch.finished(BEFORE, ways, thresholds=LIMITS, now=NOW) == ([], [])
        flipped = replace(AFTER, verdicts={"S0-03": verdict("contested")})
        assert kinds(watch.seen(flipped, thresholds=LIMITS)) == [("verdict_flipped", "S0-03")]
        assert bodies == []
        notices, troubles = watch.finished(flipped, ways, thresholds=LIMITS, now=NOW)
        assert (kinds(notices), troubles) == ([("verdict_flipped", "S0-03")], [])
        assert watch.finished(flipped, ways, thresholds=LIMITS, now=NOW) == ([], [])
        assert len(bodies) == 1
    assert "contested" in watch.feed.read_text()


def test_a_run_killed_before_it_remembered_tells_the_same_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(tmp_path)
    watch.finished(BEFORE, [], thresholds=LIMITS, now=NOW)
    flipped = replace(AFTER, verdicts={"S0-03": verdict("contested")})
    with monkeypatch.context() as patch:
        patch.setattr("msminer.watch.job.save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            watch.finished(flipped, [], thresholds=LIMITS, now=NOW)
    with hook([]) as (url, bodies):
        later = replace(flipped, made_at="2026-11-22T00:00:00Z")
        watch.finished(later, [Webhook(SecretStr(url))], thresholds=LIMITS, now=NOW)
        assert [len(body["notices"]) for body in bodies] == [1]


def test_a_failed_run_says_that_it_failed_and_never_that_nothing_moved(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.finished(BEFORE, [], thresholds=LIMITS, now=NOW)
    with hook([]) as (url, bodies):
        ways = [Webhook(SecretStr(url))]
        for _ in range(3):
            watch.broke(TransportError("NCBI did not answer", url="x"), ways, stage="fetch", now=NOW)
        assert len(bodies) == 1
    text = bodies[0]["text"]
    assert "NCBI did not answer" in text
    assert "Nothing is known about changes since 2026-11-14" in text
    assert watch.last() == BEFORE
    assert "no news" not in text.lower()


def test_a_failure_of_unknown_kind_tells_no_inner_text() -> None:
    notice = failed(ValueError("api_key=SECRET"), stage="fetch", at="2026-11-21T00:00:00Z", since="")
    assert "SECRET" not in digest([notice]) + subject([notice])
    assert "since the beginning" in notice.text


def test_dry_run_words() -> None:
    assert shown([], "2026-11-14").startswith("nothing that matters moved since 2026-11-14")
    assert shown([], None).startswith("the first run")
    assert "S0-03" in shown([FLIP], None)


# ---------------------------------------------------------------- settings


def test_channels_come_from_the_settings() -> None:
    env = {
        "MSMINER_NOTIFY_EMAIL": "a@example.org, b@example.org",
        "MSMINER_SMTP_URL": "smtps://u:p%40ss@mail.example.org",
        "MSMINER_WEBHOOK_URL": "https://hooks.example.org/T/secret",
    }
    found = channels(load_settings(env, None))
    assert [channel.name for channel in found] == ["email", "webhook"]
    assert "p%40ss" not in repr(found)
    assert "secret" not in repr(found[1])
    assert channels(load_settings({}, None)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "http://mail.example.org"),
        ("SMTP_URL", "smtp://"),
        ("WEBHOOK_URL", "http://hooks.example.org/x"),
        ("WEBHOOK_URL", "ftp://x"),
        ("NOTIFY_EMAIL", "nobody"),
        ("NOTIFY_EMAIL", "a@b.org,"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_address_is_refused_without_repeating_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        load_settings({f"MSMINER_{name}": value}, None)
    if "URL" in name:
        assert value not in str(caught.value)
