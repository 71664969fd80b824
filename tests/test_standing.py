"""The last report stands only where nothing has moved that it is made from, and where everybody was told of it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from doorkit import article, articles, write_records
from msminer import steps
from msminer.pubmed.query import named_query
from msminer.settings import load_settings
from msminer.steps.job import Job
from msminer.steps.standing import checksum, program
from msminer.store import open_store
from msminer.store.tables import ARTICLE_QUERIES, ARTICLES, DENOMINATORS, LABELS, RECORD_MODELS, SEARCHES
from msminer.watch.notices import Notice
from msminer.watch.outbox import Outbox

NOTICE = Notice("recall_lost", "q", "Lost", "It lost one.", "2026-11-21T00:00:00Z", "2026-11-20T00:00:00Z")


def job_of(home: Path, *records: Path) -> Job:
    settings = load_settings({"MSMINER_HOME": str(home)}, None)
    return Job(settings, "files", paths=records)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of records and a home in which a whole run has ended."""
    folder = tmp_path_factory.mktemp("standing")
    outcome = steps.run_all(job_of(folder / "home", write_records(folder / "records.xml", articles(6).values())))
    assert outcome.stands is None
    return folder


@pytest.fixture
def job(first: Path, tmp_path: Path) -> Job:
    """The same in a copy."""
    shutil.copytree(first, tmp_path / "copy", symlinks=True)
    return job_of(tmp_path / "copy" / "home", tmp_path / "copy" / "records.xml")


def reports(job: Job) -> list[str]:
    return sorted(path.name for path in (job.settings.home / "reports").iterdir())


def memory(job: Job) -> Path:
    return job.settings.home / "watch" / "files" / "last.json"


def test_nothing_new_leaves_the_report_and_remembers_a_good_run(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> Any:
        raise AssertionError("a model was loaded for nothing")

    monkeypatch.setattr("msminer.classify.modelfile.load_model", load)
    before, made = reports(job), json.loads(memory(job).read_text("utf-8"))
    outcome = steps.run_all(job)
    assert outcome.stands is not None
    assert reports(job) == before
    assert outcome.report == (job.settings.home / "reports" / "latest").resolve() / "index.html"
    assert sum(outcome.verdicts.values()) == 80
    assert any(": it stands" in line for line in outcome.lines())
    after = json.loads(memory(job).read_text("utf-8"))
    assert after.pop("made_at") >= made.pop("made_at")
    assert after == made
    with open_store(job.url, create=False) as store:
        assert store.runs()[-1]["summary"]["standing"] == outcome.stands


def test_a_new_record_makes_all_anew(job: Job, tmp_path: Path) -> None:
    more = write_records(tmp_path / "more.xml", [article(95_000_000)])
    outcome = steps.run_all(replace(job, paths=(*job.paths, more)))
    assert outcome.stands is None
    assert (outcome.fetched.new, outcome.labelled) == (1, 1)
    assert steps.run_all(replace(job, paths=(*job.paths, more))).stands is not None


def write(job: Job, statement: Any) -> None:
    with open_store(job.url) as store, store.writing() as connection:
        connection.execute(statement)


SEARCH = {"run_id": 1, "query": "ms", "term": "x", "asked_at": "2026-11-21T00:00:00Z", "count": 0, "translation": "x",
          "plan": [], "lost": [], "finished": True}  # fmt: skip
MOVES: dict[str, Callable[[Job], None]] = {
    "a record": lambda job: write(job, update(ARTICLES).where(ARTICLES.c.pmid == "90000001").values(record_sha256="x")),
    "a concern": lambda job: write(job, update(ARTICLES).values(concern=True)),
    "a label's model": lambda job: write(job, update(RECORD_MODELS).values(model="other")),
    "a label gone": lambda job: write(job, delete(LABELS)),
    "membership": lambda job: write(
        job, insert(ARTICLE_QUERIES).values(pmid="90000001", query="ms", first_seen="2026-11-21T00:00:00Z")
    ),
    "a denominator": lambda job: write(
        job, insert(DENOMINATORS).values(year=2001, ms_papers=5, asked_at="2026-11-21T00:00:00Z", query="x")
    ),
    "a search": lambda job: write(job, insert(SEARCHES).values(**SEARCH)),
    "the page gone": lambda job: (job.settings.home / "reports" / "latest" / "index.html").unlink(),
    "the provenance cut": lambda job: cut(job.settings.home / "reports" / "latest" / "provenance.json"),
    "the verdicts cut": lambda job: cut(job.settings.home / "reports" / "latest" / "judgement.json"),
    "the memory gone": lambda job: memory(job).unlink(),
    "the memory cut": lambda job: cut(memory(job)),
    "killed before it told": lambda job: memory(job).write_text(
        json.dumps(json.loads(memory(job).read_text("utf-8")) | {"made_at": "2026-01-01T00:00:00Z"}), "utf-8"
    ),
}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("move", MOVES)
def test_whatever_moves_ends_it(job: Job, move: str) -> None:
    assert steps.standing(job) is not None
    MOVES[move](job)
    assert steps.standing(job) is None


def test_other_claims_other_searches_another_month_and_another_program_end_it(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, now = tmp_path / "claims.yaml", datetime(2026, 11, 21, tzinfo=UTC)
    claims.write_text("claims: []\n")
    same = checksum(job, now)
    assert checksum(job, now.replace(day=1)) == same
    assert checksum(job, now.replace(month=12)) != same
    assert checksum(replace(job, claims=claims), now) != same
    assert checksum(replace(job, queries=(named_query("ms", "sclerosis[tiab]"),)), now) != same
    files = program()
    assert {"claims.yaml", "model.skops", "judging.py", "ms_all.txt"} <= {path.name for path in files}
    assert not [path for path in files if "local" in path.parts or path.suffix == ".pyc"]
    monkeypatch.setattr(sys.modules[checksum.__module__], "program", lambda: files[1:])
    assert checksum(job, now) != same


def test_what_waits_is_offered_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Notice] = []

    class Channel:
        name = "list"

        def send(self, notices: list[Notice], at: datetime) -> None:
            sent.extend(notices)

    Outbox(job.settings.home / "watch" / "files" / "notices").add([NOTICE])
    monkeypatch.setattr(sys.modules[steps.notify.__module__], "_channels", lambda _: [Channel()])
    assert steps.run_all(job).stands is not None
    assert sent == [NOTICE]
    steps.run_all(job)
    assert sent == [NOTICE]
