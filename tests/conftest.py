"""Shared by all tests: no socket beyond loopback, and where the corpus lies."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import postgres

ROOT = Path(__file__).resolve().parent.parent
_LOOPBACK = {"127.0.0.1", "::1", "localhost", "", "0.0.0.0", None}

# How fast examples are made and run says something of the machine, not of the program.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same code meets the same examples, here and in CI; `make explore` looks for others.
settings.register_profile("repeatable", settings.get_profile("explore"), derandomize=True)
settings.load_profile("repeatable")


def corpus_folder() -> Path | None:
    """The PubMed records for tests, or None where there are none."""
    named = os.environ.get("MSMINER_CORPUS")
    folder = Path(named) if named else ROOT.parent / "shared" / "corpus"
    return folder if (folder / "pubmed").is_dir() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if corpus_folder() is None:
        skip = pytest.mark.skip(reason="no corpus: put it at ../shared/corpus or name it in MSMINER_CORPUS")
        for item in items:
            if item.get_closest_marker("corpus"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Folder with pubmed/ and xml-as-served/; skips where there is none."""
    folder = corpus_folder()
    if folder is None:
        pytest.skip("no corpus: put it at ../shared/corpus or name it in MSMINER_CORPUS")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a private PostgreSQL server; what asks for it carries the marks of postgres.NEEDED."""
    with postgres.server() as url:
        yield url


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail any test that connects beyond loopback."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if self.family in {socket.AF_INET, socket.AF_INET6} and host not in _LOOPBACK:
            pytest.fail(f"a test opened a socket to {host}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No MSMINER_ variable but MSMINER_HOME, which is a fresh folder; returns it."""
    for name in list(os.environ):
        if name.startswith("MSMINER_") and name != "MSMINER_CORPUS":
            monkeypatch.delenv(name)
    monkeypatch.setenv("MSMINER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"
