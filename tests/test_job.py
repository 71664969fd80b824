"""The whole job, end to end: on the sample, as a Prefect flow, and on real PubMed records."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from msminer import steps
from msminer.sandbox import Sandbox
from msminer.store import open_store

SECRET = "canary" + "0" * 30
EMAIL = "somebody@example.org"


@pytest.fixture
def sample_home(clean_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home with an address and a key that must stay out of every file."""
    monkeypatch.setenv("MSMINER_EMAIL", EMAIL)
    monkeypatch.setenv("MSMINER_API_KEY", SECRET)
    return clean_environment


def test_the_sample_runs_whole_without_prefect(sample_home: Path) -> None:
    job = steps.Job.plan(source="sample")
    outcome = steps.run_all(job)
    assert sum(outcome.verdicts.values()) == 80
    assert outcome.labelled == outcome.fetched.new > 200
    assert outcome.report.is_file()
    again = steps.run_all(job)
    assert (again.fetched.new, again.fetched.changed, again.labelled) == (0, 0, 0)
    _check_folder(outcome.report.parent)
    for path in sample_home.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert SECRET.encode() not in held, path.name
            assert EMAIL.encode() not in held or path.suffix.startswith(".sqlite"), path.name


def _check_folder(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    assert "No medical advice" in page
    assert "digest" in page
    verdicts = json.loads((folder / "judgement.json").read_text("utf-8"))["verdicts"]
    assert all(entry["reason"] for entry in verdicts)
    assert {entry["verdict"] for entry in verdicts} - {"insufficient"}
    files = {path.name for path in folder.iterdir()}
    assert {"articles.csv", "trends.parquet", "verdicts.csv", "evidence.ris", "provenance.json"} <= files


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(600)
def test_run_is_a_flow_that_leaves_no_server_behind(sample_home: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "msminer", "run", "--source", "sample"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("report: ")
    assert Path(last.removeprefix("report: ")).is_file()
    assert "write report" in done.stderr
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(sample_home) not in left


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(600)
def test_a_broken_prefect_does_not_stop_the_job(
    sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    done = subprocess.run(
        [sys.executable, "-m", "msminer", "run", "--source", "sample"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "without it" in done.stderr
    assert "report: " in done.stdout


@pytest.fixture(scope="module")
def real(corpus: Path) -> Iterator[Sandbox]:
    """All real records behind the E-utilities on loopback."""
    with Sandbox(sorted((corpus / "pubmed").glob("*.xml.gz")), rate=False) as server:
        yield server


@pytest.mark.slow
@pytest.mark.corpus
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("query", "least"),
    [
        (None, 100),
        ('"stem cell*"[tiab] OR "stromal cell*"[tiab] OR "progenitor cell*"[tiab]', 600),
        ('"multiple sclerosis"[tiab]', 2_000),
    ],
    ids=["default", "stem cells", "multiple sclerosis"],
)
def test_real_records_come_whole_and_once(
    real: Sandbox, sample_home: Path, monkeypatch: pytest.MonkeyPatch, query: str | None, least: int
) -> None:
    monkeypatch.setenv("MSMINER_ENTREZ_URL", real.url)
    monkeypatch.setenv("MSMINER_API_KEY", SECRET)
    job = steps.Job.plan(source="entrez", query=query)
    outcome = steps.run_all(job)
    assert outcome.fetched.new >= least
    assert outcome.labelled == outcome.fetched.new
    assert outcome.report.is_file()
    asked = [request for request in real.log if request.call == "efetch"]
    again = steps.run_all(job)
    assert (again.fetched.new, again.fetched.changed, again.labelled) == (0, 0, 0)
    assert [request for request in real.log if request.call == "efetch"] == asked, "a record was fetched twice"
    with open_store(job.url, create=False) as store:
        articles = store.articles()
    assert articles["pmid"].is_unique
    if query is None:
        assert any(line.startswith("recall: ") for line in outcome.fetched.lines())
    if query is None or "sclerosis" in query:
        # Nine in ten MS records here are of one year: such a corpus shows no trend by year.
        page = outcome.report.read_text("utf-8")
        assert "dated papers are of" in page or "have no known year" in page
