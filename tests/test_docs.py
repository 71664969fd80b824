"""The documents cannot lie: links lead somewhere, commands exist and run, settings and commands are all described."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from msminer.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")

# Commands that wait for a person, a server or another machine are run by the test named here, not by this one.
RUN_ELSEWHERE = {
    "make": "tests/test_docs.py::test_make_targets_exist; .ci/run runs them",
    "msminer annotate": "tests/test_annotate_browser.py",
    "msminer train": "tests/test_classify_train.py",
    "msminer evaluate": "tests/test_classify_train.py",
    "msminer claims": "tests/test_claimtools.py",
    "python -m msminer.sandbox": "tests/test_sandbox.py",
    "prefect": "tests/test_deployments.py",
    "pip": ".ci/run installs the wheel",
    "docker": "docs/deploy is read, not run: no container engine in the tests",
    "systemctl": "docs/deploy is read, not run",
}
# Shell that only prepares what follows.
SETTING_UP = (
    "export ",
    "cd ",
    "git clone",
    "mkdir ",
    "cp ",
    "createdb",
    "pg_dump",
    "pg_restore",
    "psql",
    "sqlite3 ",
    "curl ",
    "sudo ",
)


def commands(page: Path) -> Iterator[str]:
    """Commands of the sh blocks, and of plain blocks where a line begins with msminer; continued lines are joined."""
    for language, body in _FENCE.findall(page.read_text("utf-8")):
        for line in body.replace("\\\n", " ").splitlines():
            plain = re.split(r"\s{2,}", line.strip().removeprefix("$ "))[0]
            shell = language in {"sh", "bash", "console"} and plain and not plain.startswith("#")
            if shell or (language == "" and plain.startswith("msminer ")):
                yield plain


ALL = [
    pytest.param(page, line, id=f"{page.relative_to(ROOT)}:{line[:60]}") for page in PAGES for line in commands(page)
]


def test_the_readme_shows_the_two_commands() -> None:
    assert {"make run", "make test"} <= set(commands(ROOT / "README.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    local = [target for target, _ in _LINK.findall(page.read_text("utf-8")) if "://" not in target]
    gone = [target for target in local if not (page.parent / target).exists()]
    assert not gone


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = {word for page in PAGES for line in commands(page) if line.startswith("make ") for word in line.split()[1:]}
    targets = {word for word in named if "=" not in word}
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


@pytest.mark.parametrize(("page", "line"), ALL)
def test_every_command_is_one_that_a_test_runs(page: Path, line: str) -> None:
    known = (*RUN_ELSEWHERE, *SETTING_UP, *RUN_HERE)
    assert line.startswith(known), f"{page.name} shows a command that no test runs: {line}"


RUN_HERE = (
    "msminer run", "msminer fetch", "msminer label", "msminer trends", "msminer verdicts", "msminer report",
    "msminer parse", "msminer doctor", "msminer status", "msminer notices", "msminer --help", "msminer --version",
)  # fmt: skip


def shown_commands() -> list[str]:
    """The distinct msminer commands of all pages that run here, in the order of the pages."""
    lines = dict.fromkeys(line for page in PAGES for line in commands(page) if line.startswith(RUN_HERE))
    return list(lines)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_shown_commands_run(tmp_path: Path) -> None:
    """Every shown command ends well in one home, against a sandbox that stands in for PubMed."""
    from msminer.sandbox import Sandbox

    sample = ROOT / "data" / "sample"
    for name, source in {"records.xml.gz": "sample.xml.gz", "evidence.jsonl": "evidence.jsonl"}.items():
        (tmp_path / name).write_bytes((sample / source).read_bytes())
    shown = dict(_FENCE.findall((ROOT / "docs" / "claims.md").read_text("utf-8")))["yaml"]
    (tmp_path / "mine.yaml").write_text(shown, encoding="utf-8")
    binaries = Path(sys.executable).parent
    with Sandbox([sample / "sample.xml.gz"], rate=False) as server:
        environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MSMINER_")},
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "MSMINER_HOME": str(tmp_path / "home"),
            "MSMINER_ENTREZ_URL": server.url,
            "MSMINER_EMAIL": "tests@example.org",
        }
        ready = ["msminer run --source sample", "msminer run", "msminer parse records.xml.gz -o records.jsonl"]
        failed = []
        for line in dict.fromkeys([*ready, *shown_commands()]):
            done = subprocess.run(
                shlex.split(line), cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
            )
            if done.returncode not in {0, 3}:
                failed.append((line, done.returncode, done.stderr[-500:]))
    assert not failed


def test_every_setting_is_described() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    assert [name for name in Settings.model_fields if f"MSMINER_{name.upper()}" not in text] == []


def test_every_command_is_described() -> None:
    done = subprocess.run([sys.executable, "-m", "msminer", "--help"], capture_output=True, text=True, check=True)
    names = re.findall(r"^  ([a-z][a-z-]+)\s{2,}", done.stdout.split("Commands:")[1], re.MULTILINE)
    readme = (ROOT / "README.md").read_text("utf-8")
    assert names
    assert [name for name in names if name not in readme] == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    hosts = re.compile("py" + r"pi\.org|python" + r"hosted|registry\.npm" + r"js|deb" + r"ian\.org")
    paths = re.compile(r"(?<![\w.}])/(?:home|work|root)/[a-z]")
    texts = {".py", ".md", ".toml", ".lock", ".yaml", ".yml", ".txt", ".json", ".ipynb", ""}
    named = []
    for path in (ROOT / name for name in tracked):
        if path.is_file() and path.suffix in texts:
            text = path.read_text("utf-8", errors="ignore")
            # Tests invent homes to prove that they are left out of reports.
            found = hosts.search(text) or (None if "tests" in path.parts else paths.search(text))
            named += [(path.name, found.group())] if found else []
    assert not named
