"""Status, metrics and logs tell what is, and say what they could not find out."""

from __future__ import annotations

import io
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, update

from msminer.errors import ModelMissing, StoreError
from msminer.logs import set_up
from msminer.metrics import metrics, write_metrics
from msminer.settings import Settings, load_settings
from msminer.status import Status, examine
from msminer.store import Store, open_store
from msminer.store.tables import RUNS, SEARCHES

NOW = datetime.now(UTC)


class _Model:
    id = "msminer-1-test"


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msminer.classify.load_model", _Model, raising=False)


def configured(tmp_path: Path, **more: str) -> Settings:
    return load_settings({"MSMINER_HOME": str(tmp_path)} | {f"MSMINER_{k}": v for k, v in more.items()}, None)


def stored(settings: Settings) -> Store:
    return open_store(settings.database_url("entrez"), origin="entrez")


def stamp(age: timedelta) -> str:
    return (NOW - age).strftime("%Y-%m-%dT%H:%M:%SZ")


def add_run(store: Store, status: str, *, pid: int | None = None, age: timedelta, host: str | None = None) -> None:
    row = {"owner": "run", "host": host or socket.gethostname(), "pid": pid or os.getpid(), "status": status}
    begun = {"started_at": stamp(age + timedelta(minutes=2)), "heartbeat_at": stamp(age)}
    ended = {"finished_at": None if status == "running" else stamp(age)}
    summary = {"what": "run", "new": 5, "requests": 7, "seconds": {"fetch": 1.5, "label": 0.5}}
    with store.writing() as connection:
        connection.execute(insert(RUNS).values(**row, **begun, **ended, summary=summary))


def add_search(store: Store, query: str, age: timedelta) -> None:
    row = {"query": query, "term": "t", "asked_at": stamp(age), "count": 42, "translation": "t", "finished": True}
    with store.writing() as connection:
        connection.execute(insert(SEARCHES).values(**row, run_id=1, plan=[], lost=[]))


def test_status_of_no_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store yet"):
        examine(configured(tmp_path), "entrez", now=NOW)


def test_status_shows_runs_freshness_size_and_model(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    with stored(settings) as store:
        add_run(store, "done", age=timedelta(days=8))
        add_run(store, "failed", age=timedelta(days=1))
        add_search(store, "stem_cells_ms", timedelta(days=8))
    status = examine(settings, "entrez", now=NOW)
    assert [run.status for run in status.runs] == ["failed", "done"]
    assert status.runs[0].seconds == 120
    assert status.queries[0].days == pytest.approx(8, abs=0.01)
    assert status.store_bytes
    assert status.last_good is status.runs[1]
    text = "\n".join(status.lines())
    assert "stem_cells_ms: 42 records" in text
    assert "8.0 days ago" in text
    assert "msminer-1-test" in text
    assert "PREFECT_API_URL is not set" in text
    assert json.loads(status.as_json())["origin"] == "entrez"


def test_the_last_good_run_is_shown_however_old_it_is(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    with stored(settings) as store:
        add_run(store, "done", age=timedelta(days=30))
        for day in range(9, 0, -1):
            add_run(store, "failed", age=timedelta(days=day))
    status = examine(settings, "entrez", now=NOW)
    assert [run.status for run in status.runs] == ["failed"] * 5 + ["done"]


@pytest.mark.parametrize(
    ("pid", "host", "age", "status"),
    [
        (None, None, timedelta(0), "running"),
        (2**22 + 1, None, timedelta(0), "stale"),
        (None, None, timedelta(hours=1), "stale"),
        (1, "another-host", timedelta(seconds=30), "running"),
        (1, "another-host", timedelta(hours=1), "stale"),
    ],
)
def test_a_run_without_a_sign_of_life_is_stale(
    tmp_path: Path, pid: int | None, host: str | None, age: timedelta, status: str
) -> None:
    settings = configured(tmp_path)
    with stored(settings) as store:
        add_run(store, "running", pid=pid, age=age, host=host)
    assert examine(settings, "entrez", now=NOW).runs[0].status == status


def test_a_missing_model_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise ModelMissing("no model file")

    monkeypatch.setattr("msminer.classify.load_model", gone, raising=False)
    settings = configured(tmp_path)
    stored(settings).counts()
    status = examine(settings, "entrez", now=NOW)
    assert status.model is None
    assert "no model file" in "\n".join(status.lines())


def test_a_password_of_the_store_is_not_shown(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    stored(settings).counts()
    status = examine(settings, "entrez", now=NOW)
    assert "***" not in status.store
    from sqlalchemy import make_url

    assert make_url("postgresql://u:hush@h/d").render_as_string(hide_password=True) == "postgresql://u:***@h/d"


# ---------------------------------------------------------------- the next schedule


@contextmanager
def prefect(deployments: list[dict[str, Any]], runs: list[dict[str, Any]], status: int = 200) -> Iterator[str]:
    answers = {"/api/deployments/filter": deployments, "/api/flow_runs/filter": runs}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(answers[self.path]).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_next_schedule_is_looked_up(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    stored(settings).counts()
    deployments = [
        {"id": "1", "name": "refresh", "paused": False, "schedules": [{"active": True}]},
        {"id": "2", "name": "bulk", "paused": False, "schedules": []},
    ]
    runs = [{"deployment_id": "1", "expected_start_time": f"2026-11-2{day}T04:00:00Z"} for day in (3, 9)]
    with prefect(deployments, runs) as url:
        lines = examine(settings, "entrez", now=NOW, prefect_api=url).lines()
    assert "schedule  refresh: on, next 2026-11-23T04:00:00Z" in lines
    assert "schedule  bulk: off, next none" in lines


@pytest.mark.parametrize("status", [500, 401, 0])
def test_a_server_that_does_not_answer_is_said(tmp_path: Path, status: int) -> None:
    settings = configured(tmp_path)
    stored(settings).counts()
    with prefect([], [], status or 200) as url:
        api = url if status else "http://127.0.0.1:9/api"
        assert "no schedule fires until it does" in examine(settings, "entrez", now=NOW, prefect_api=api).notes[0]


# ---------------------------------------------------------------- metrics


def test_metrics_can_be_read_by_prometheus(tmp_path: Path) -> None:
    settings = configured(tmp_path, WEBHOOK_URL="https://hooks.example.org/secret")
    with stored(settings) as store:
        add_run(store, "done", age=timedelta(hours=1))
        add_search(store, 'odd"query\\', timedelta(hours=1))
    path = write_metrics(settings, "entrez", now=NOW)
    families = {family.name: family for family in text_string_to_metric_families(path.read_text())}
    seconds = {sample.labels["stage"]: sample.value for sample in families["msminer_stage_seconds"].samples}
    assert seconds == {"fetch": 1.5, "label": 0.5}
    assert {s.labels["kind"]: s.value for s in families["msminer_run_count"].samples} == {"new": 5, "requests": 7}
    assert families["msminer_query_records"].samples[0].labels == {"query": 'odd"query\\', "origin": "entrez"}
    assert families["msminer_notices_waiting"].samples[0].value == 0
    ended = families["msminer_last_success_seconds"].samples[0].value
    assert ended == pytest.approx(NOW.timestamp() - 3600, abs=2)
    assert "secret" not in path.read_text()
    assert all(sample.labels["origin"] == "entrez" for family in families.values() for sample in family.samples)


def test_metrics_of_two_origins_lie_in_one_folder_without_a_clash(tmp_path: Path) -> None:
    settings, seen = configured(tmp_path), set[tuple[str, str]]()
    for origin in ("entrez", "sample"):
        with open_store(settings.database_url(origin), origin=origin) as store:
            add_run(store, "failed", age=timedelta(hours=1))
            add_search(store, "ms", timedelta(hours=1))
        for family in text_string_to_metric_families(write_metrics(settings, origin, now=NOW).read_text()):
            here = {(sample.name, str(sorted(sample.labels.items()))) for sample in family.samples}
            assert not here & seen
            seen |= here
    assert ("msminer_last_run_status", "[('origin', 'sample'), ('status', 'failed')]") in seen


def test_runs_say_what_they_did(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    with stored(settings) as store:
        add_run(store, "done", age=timedelta(hours=2))
        add_run(store, "failed", age=timedelta(hours=1))
        with store.writing() as connection:
            broken = {"failed_in": "fetch", "error": "TransportError", "requests": 6, "retries": 5}
            connection.execute(update(RUNS).where(RUNS.c.status == "failed").values(summary=broken))
    lines = examine(settings, "entrez", now=NOW).lines()
    assert any(line.endswith(": failed in fetch (TransportError), 6 requests, 5 retries") for line in lines)
    assert any(line.endswith("s: 5 new, 7 requests") for line in lines)
    assert "report    none yet" in lines


def test_metrics_of_a_store_without_runs(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    stored(settings).counts()
    status: Status = examine(settings, "entrez", now=NOW)
    names = {family.name for family in text_string_to_metric_families(metrics(status))}
    assert "msminer_articles" in names
    assert "msminer_last_success_seconds" not in names


# ---------------------------------------------------------------- logs


@pytest.fixture
def _clean_logger() -> Iterator[None]:
    logger = logging.getLogger("msminer")
    before = logger.handlers, logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate, logger.level = before


@pytest.mark.usefixtures("_clean_logger")
def test_json_logs_are_one_object_a_line_without_secrets(tmp_path: Path) -> None:
    secret = 'k"ey-0123456789'
    smtp = "smtps://u:hushhush@mail.example.org"
    settings = configured(tmp_path, LOG_FORMAT="json", API_KEY=secret, SMTP_URL=smtp)
    out = io.StringIO()
    logger = set_up(settings, stream=out)
    logger.info("two\nlines %s", secret, extra={"stage": "fetch", "records": 5})
    logger.error("broke", exc_info=ValueError(f"{smtp} and hushhush"))
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert (first["message"], first["stage"], first["records"]) == ("two\nlines **********", "fetch", 5)
    assert first["time"].endswith("+00:00")
    assert "ValueError" in second["error"]
    assert "hushhush" not in out.getvalue()


@pytest.mark.usefixtures("_clean_logger")
def test_plain_logs_and_setting_up_twice(tmp_path: Path) -> None:
    out = io.StringIO()
    foreign = logging.NullHandler()
    logging.getLogger("msminer").addHandler(foreign)
    for _ in range(2):
        logger = set_up(configured(tmp_path), stream=out)
    logger.warning("once")
    assert out.getvalue().count("once") == 1
    assert foreign in logger.handlers


def test_a_run_that_ended_keeps_its_status(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    with stored(settings) as store:
        add_run(store, "running", age=timedelta(hours=2))
        with store.writing() as connection:
            connection.execute(update(RUNS).values(status="dead", finished_at=stamp(timedelta(hours=1))))
    assert examine(settings, "entrez", now=NOW).runs[0].status == "dead"
