"""The whole job survives: after a kill, a full disk, a silent service or a jumping clock the next run goes on."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from doorkit import articles, write_records
from msminer.sandbox import Sandbox
from msminer.sandbox.faults import CATALOGUE
from msminer.settings import load_settings
from msminer.status import examine
from msminer.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
# Before and after what is written; inside the fetch the kills of test_kill.py fall at random times.
KILLS = (
    ("fetch", "after"),
    ("label", "before"),
    ("label", "after"),
    ("judge", "before"),
    ("report", "after"),
    ("notify", "before"),
    ("notify", "after"),
)
# Forked with the imports done, so that a run costs seconds; nothing of it is shared with the tests.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["msminer.steps", "msminer.classify.modelfile", "msminer.pubmed.harvest", "pandas"])


# ---------------------------------------------------------------- one run of the job, in a process of its own


def job(env: dict[str, str], result: Path, break_it: Callable[[], None] | None) -> None:
    """Run the plain steps under this environment; writes how it ended, if it lives to."""
    os.environ.update(env)
    from msminer import steps
    from msminer.pubmed import entrez
    from msminer.pubmed.gate import Gate

    quick = entrez.Timing(connect=1.0, read=1.0, deadline=3.0, shortest=0.01, longest=0.05)
    real = entrez.open_client
    entrez.open_client = lambda s: real(s, timing=quick, gate=Gate(s.home, 1000))  # type: ignore[assignment]
    if break_it is not None:
        break_it()
    try:
        done = steps.run_all(steps.Job.plan(source="entrez", query="cells[tiab]"))
    except Exception as error:  # noqa: BLE001  (the test looks at what came out)
        result.write_text(json.dumps({"error": type(error).__name__, "text": str(error)}))
    else:
        facts = {"new": done.fetched.new, "labelled": done.labelled, "warnings": list(done.warnings)}
        result.write_text(json.dumps(facts | {"report": str(done.report), "verdicts": dict(done.verdicts)}))


@dataclass
class Place:
    """A home, a sandbox that stands for NCBI, and a webhook that keeps what it is told."""

    folder: Path
    url: str
    told: list[dict[str, Any]]
    hook: str

    def env(self, **more: str) -> dict[str, str]:
        mine = {"MSMINER_HOME": str(self.folder / "home"), "MSMINER_ENTREZ_URL": self.url}
        return mine | {"MSMINER_WEBHOOK_URL": self.hook} | more

    def begin(self, break_it: Callable[[], None] | None = None, **env: str) -> tuple[Any, Path]:
        result = self.folder / f"result-{len(list(self.folder.glob('result-*')))}.json"
        result.touch()
        process = FORKS.Process(target=job, args=(self.env(**env), result, break_it))
        process.start()
        return process, result

    def run(self, break_it: Callable[[], None] | None = None, **env: str) -> dict[str, Any] | None:
        """How the run ended, None when it was killed."""
        process, result = self.begin(break_it, **env)
        process.join(300)
        assert process.exitcode is not None
        return json.loads(result.read_text()) if result.read_text() else None

    def dump(self) -> dict[str, Any]:
        """Everything that matters of what is stored and said."""
        settings = load_settings(self.env(), None)
        with open_store(settings.database_url("entrez"), create=False) as store:
            frames = {name: getattr(store, name)() for name in ("articles", "labels", "findings")}
        for column in ("fetched_at", "page_sha256"):
            frames["articles"][column] = ""
        report = settings.home / "reports" / "latest" / "verdicts.json"
        said = json.loads(report.read_text("utf-8"))
        return {name: frame.to_json() for name, frame in frames.items()} | {"verdicts": said}

    def status(self) -> list[str]:
        settings = load_settings(self.env(), None)
        return [run.status for run in examine(settings, "entrez", now=datetime.now(UTC)).runs]


@contextmanager
def listener(told: list[dict[str, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def place(folder: Path, faults: list[dict[str, Any]] | None = None) -> Iterator[Place]:
    folder.mkdir(exist_ok=True)
    records = write_records(folder / "records.xml", articles(30).values())
    told: list[dict[str, Any]] = []
    with Sandbox([records], rate=False, faults=faults or ()) as server, listener(told) as hook:
        yield Place(folder, server.url, told, hook)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed run gives."""
    with place(tmp_path_factory.mktemp("straight")) as undisturbed:
        done = undisturbed.run()
        assert done is not None
        assert done.get("new") == 30, done
        assert undisturbed.told == []
        return undisturbed.dump()


# ---------------------------------------------------------------- ways to break it


def die(step: str, when: str) -> None:
    """SIGKILL before or after a step."""
    from msminer import steps

    real = getattr(steps, step)

    def dying(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(steps, step, dying)


def small_files(largest: int) -> None:
    """No file of this process grows beyond this many bytes, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))


def no_model() -> None:
    """The model's folder is gone."""
    from msminer.classify import modelfile

    modelfile.shipped = lambda *_: Path("/nonexistent/model")


def clock(year: int) -> None:
    """Every step reads a clock that shows another year."""
    import msminer.steps.fetching as fetching

    fetching._now = lambda: datetime(year, 1, 1, tzinfo=UTC)


# ---------------------------------------------------------------- the faults


def test_kill_9_at_every_step(tmp_path: Path, straight: dict[str, Any]) -> None:
    with place(tmp_path / "p") as here:
        for step, when in KILLS:
            assert here.run(partial(die, step, when)) is None
            assert here.status()[0] == "stale"
        done = here.run()
        assert done is not None
        assert "error" not in done, done
        assert done["new"] == 0
        assert here.dump() == straight
        assert here.status() == ["done", *["dead"] * 4]
        # A killed run tells nothing; the next good one has nothing that moved.
        assert here.told == []


def test_a_full_disk_is_said_and_the_next_run_goes_on(tmp_path: Path, straight: dict[str, Any]) -> None:
    with place(tmp_path / "p") as here:
        for largest in (20_000, 120_000, 200_000):
            done = here.run(partial(small_files, largest))
            assert done is not None
            assert done.get("error") in {"StoreFull", "ReportError", None}, done
        assert (here.run() or {}).get("verdicts")
        assert here.dump() == straight


def test_ncbi_down_for_a_day_is_told_once_and_never_looks_like_no_papers(
    tmp_path: Path, straight: dict[str, Any]
) -> None:
    with place(tmp_path / "p") as here:
        for _hour in range(3):
            done = here.run(MSMINER_ENTREZ_URL="http://127.0.0.1:9/entrez/eutils/")
            assert done is not None
            assert done["error"] == "TransportError", done
        assert [body["notices"][0]["kind"] for body in here.told] == ["run_failed"]
        assert "Nothing is known about changes" in here.told[0]["text"]
        assert not (tmp_path / "p" / "home" / "reports" / "latest").exists()
        assert here.status() == ["failed"] * 3
        assert (here.run() or {}).get("new") == 30
        assert here.dump() == straight
        assert len(here.told) == 1


def test_a_broken_page_is_set_aside_and_shown(tmp_path: Path) -> None:
    bad_characters = next(fault.name for fault in CATALOGUE.values() if fault.number == 35)
    broken = {"fault": bad_characters, "call": "efetch", "nth": 1, "times": None}
    with place(tmp_path / "p", [broken]) as here:
        done = here.run()
        assert done is not None
        assert done["warnings"]
        settings = load_settings(here.env(), None)
        counts = examine(settings, "entrez", now=datetime.now(UTC)).counts
        assert counts["quarantined"] >= 1
        assert counts["articles"] + counts["quarantined"] == 30


def test_a_model_that_is_gone_costs_no_fetch(tmp_path: Path, straight: dict[str, Any]) -> None:
    with place(tmp_path / "p") as here:
        done = here.run(no_model)
        assert done is not None
        assert done["error"] == "ModelMissing", done
        assert here.told[0]["notices"][0]["subject"] == "label"
        again = here.run()
        assert again is not None
        assert (again["new"], again["labelled"]) == (0, 30)
        assert here.dump() == straight


def test_a_clock_that_jumps_loses_and_doubles_nothing(tmp_path: Path, straight: dict[str, Any]) -> None:
    with place(tmp_path / "p") as here:
        for year in (2031, 1999, 2038, 2026):
            done = here.run(partial(clock, year))
            assert done is not None
            assert "error" not in done, (year, done)
        assert (here.run() or {}).get("new") == 0
        assert here.dump() == straight


def test_two_schedulers_one_run(tmp_path: Path, straight: dict[str, Any]) -> None:
    with place(tmp_path / "p") as here:
        both = [here.begin() for _ in range(2)]
        for process, _ in both:
            process.join(300)
        ends = [json.loads(result.read_text()) for _, result in both]
        errors = sorted(end["error"] for end in ends if "error" in end)
        # The second is turned away, or comes after the first and finds all done.
        assert errors in ([], ["StoreLocked"])
        assert sum(end.get("new", 0) for end in ends) == 30
        assert here.dump() == straight
        assert here.told == []
