"""The command line as a user meets it: exit codes, messages that say what to do, nothing lost."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from msminer.cli import main
from msminer.sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data" / "sample" / "sample.xml.gz"


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(clean_environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `msminer ARGUMENTS` in this process, in a fresh home."""

    def call(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["msminer", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return call


@pytest.fixture
def pubmed(clean_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that stands in for PubMed."""
    with Sandbox([SAMPLE], rate=False) as server:
        monkeypatch.setenv("MSMINER_ENTREZ_URL", server.url)
        monkeypatch.setenv("MSMINER_API_KEY", "0" * 36)
        yield server


def test_help_is_quick_and_names_every_step() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "msminer", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("run", "fetch", "label", "trends", "verdicts", "report", "doctor"))
    slow = ("pandas", "sklearn", "prefect", "altair", "sqlalchemy", "numba")
    assert [name for name in slow if f" {name}\n" in done.stderr] == [], (
        "the command line imports what help does not need"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("run", "--source", "entrez"), 1, "MSMINER_EMAIL"),
        (("run", "--source", "web"), 2, "--source is sample, entrez or files"),
        (("run", "--source", "files"), 2, "files are named with --source files"),
        (("fetch", "--source", "sample", "--query", "asthma[tiabb]"), 2, "tiab"),
        (("label", "--source", "sample"), 1, "no store"),
        (("verdicts", "--source", "sample"), 1, "no store"),
        (("verdicts", "--evidence", "nowhere.jsonl"), 2, "nowhere.jsonl"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_wrong_use_is_named(run: Run, arguments: tuple[str, ...], code: int, says: str) -> None:
    ended = run(*arguments)
    assert ended.code == code
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_an_unreachable_server_is_no_empty_result(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSMINER_ENTREZ_URL", "http://127.0.0.1:9/entrez/eutils/")
    monkeypatch.setattr("msminer.pubmed.entrez.Timing.pause", lambda *_, **__: 0.0)
    ended = run("fetch", "--query", "stem cells[tiab]")
    assert ended.code == 1
    assert "127.0.0.1" in ended.err or "reach" in ended.err


@pytest.mark.usefixtures("pubmed")
def test_an_empty_result_is_told(run: Run) -> None:
    ended = run("fetch", "--query", "qzxwvunonsense[tiab]")
    assert ended.code == 1
    assert "finds nothing" in ended.err


@pytest.mark.usefixtures("pubmed")
def test_a_second_fetch_gets_nothing_twice(run: Run) -> None:
    first = run("fetch", "--query", "mesenchymal[tiab]")
    assert first.code == 0
    again = run("fetch", "--query", "mesenchymal[tiab]")
    assert again.code == 0
    assert "nothing new" in again.out


def test_a_damaged_store_is_named_and_left(run: Run, clean_environment: Path) -> None:
    clean_environment.mkdir(parents=True)
    store = clean_environment / "msminer-sample.sqlite"
    store.write_bytes(b"this is no database" * 1000)
    before = store.read_bytes()
    ended = run("fetch", "--source", "sample")
    assert ended.code == 1
    assert "damaged" in ended.err or "no SQLite" in ended.err
    assert store.read_bytes() == before


def test_parse_names_what_is_no_pubmed_xml(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.xml").write_text("<html><body>busy</body></html>")
    out = tmp_path / "out.jsonl"
    mixed = run("parse", str(SAMPLE), str(tmp_path / "page.xml"), "-o", str(out))
    assert mixed.code == 3
    assert "page.xml" in mixed.err
    assert len(out.read_text("utf-8").splitlines()) == 230
    alone = run("parse", str(tmp_path / "page.xml"), "-o", str(tmp_path / "none.jsonl"))
    assert alone.code == 1


def test_label_file_writes_one_line_a_record(run: Run, tmp_path: Path) -> None:
    lines = [
        {"pmid": "1", "title": "Mesenchymal stem cells in multiple sclerosis", "abstract": "We treated ten patients."},
        {"pmid": "2", "title": "", "abstract": ""},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = run("label-file", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out.jsonl"))
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [row["pmid"] for row in rows] == ["1", "2"]
    assert {label["label"] for label in rows[0]["cell_types"]} == {"MSC"}
    assert rows[1]["cell_types"] == []
    assert set(rows[0]) == {
        "pmid", "model", "cell_types", "study_design", "populations", "routes", "findings", "abstained",
    }  # fmt: skip


def test_verdicts_on_an_evidence_table_print_json(run: Run) -> None:
    ended = run("verdicts", "--evidence", str(ROOT / "data" / "sample" / "evidence.jsonl"), "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert len(told["verdicts"]) == 80
    needed = {"claim_id", "verdict", "reason", "tiers", "deciding", "sentences", "as_of", "without_most_influential"}
    assert all(needed <= set(entry) for entry in told["verdicts"])


def test_a_bad_evidence_row_is_named(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    good = (ROOT / "data" / "sample" / "evidence.jsonl").read_text("utf-8").splitlines()
    bad = json.loads(good[1]) | {"study_design": "blog"}
    table.write_text("\n".join([good[0], json.dumps(bad)]) + "\n", encoding="utf-8")
    ended = run("verdicts", "--evidence", str(table), "--json")
    assert ended.code == 1
    assert all(part in ended.err for part in ("row 2", "study_design", "blog"))


def test_source_files_takes_a_compressed_file(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "mine.xml"
    copy.write_bytes(gzip.decompress(SAMPLE.read_bytes()))
    ended = run("fetch", "--source", "files", str(copy))
    assert ended.code == 0, ended.err
    assert "230 new" in ended.out


def test_doctor_says_what_is_missing(run: Run) -> None:
    ended = run("doctor", "--offline")
    assert ended.code == 0, ended.out
    assert "MSMINER_EMAIL is not set" in ended.out
    assert "golden predictions hold" in ended.out
