"""What `msminer doctor` looks at: settings, store, model, network; each finding says what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from msminer.errors import MsminerError
from msminer.settings import Settings, load_settings

State = Literal["ok", "note", "fail"]
# A report with its store of 3,000 records took under 100 MB; ten times that leaves room for pages and versions.
ENOUGH_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its name, ok, note (works, but) or fail, and what to do."""

    name: str
    state: State
    says: str


def examine(*, network: bool = True) -> list[Finding]:
    """All findings, in the order a newcomer needs them; never raises on what it examines."""
    findings = [_attempt("Python", _python)]
    try:
        settings = load_settings()
    except MsminerError as error:
        return [*findings, Finding("settings", "fail", str(error))]
    checks: list[tuple[str, Callable[[Settings], Finding]]] = [
        ("settings", _settings),
        ("folder", _folder),
        ("store", _store),
        ("register", _register),
        ("model", _model),
        ("Prefect", _prefect),
        ("browser", _browser),
    ]
    if network:
        checks.append(("network", _network))
    return [*findings, *(_attempt(name, lambda check=check: check(settings)) for name, check in checks)]  # type: ignore[misc]


def _attempt(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except (MsminerError, OSError, ImportError) as error:
        return Finding(name, "fail", str(error))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    return Finding("Python", "ok" if good else "fail", version if good else f"{version}: msminer needs 3.11 or newer")


def _settings(settings: Settings) -> Finding:
    if settings.is_ncbi and settings.email is None:
        return Finding("settings", "note", "MSMINER_EMAIL is not set: NCBI asks for it; the sample works without")
    key = "with" if settings.api_key else "without"
    rate = "10" if settings.api_key else "3"
    where = "NCBI" if settings.is_ncbi else settings.entrez_url
    return Finding("settings", "ok", f"asks {where}, {key} API key: at most {rate} requests a second")


def _folder(settings: Settings) -> Finding:
    settings.home.mkdir(parents=True, exist_ok=True)
    probe = settings.home / ".writable"
    probe.write_bytes(b"")
    probe.unlink()
    free = shutil.disk_usage(settings.home).free
    if free < ENOUGH_BYTES:
        return Finding("folder", "note", f"{settings.home}: only {free // 2**20} MB free; make room before a big fetch")
    return Finding("folder", "ok", f"{settings.home}: writable, {free // 2**30} GB free")


def _store(settings: Settings) -> Finding:
    from msminer.store import describe_store

    lines = list(_described(settings, describe_store))
    return Finding("store", "ok" if lines else "note", "; ".join(lines) or "none yet: msminer run makes one")


def _described(settings: Settings, describe: Callable[[str], str | None]) -> Iterator[str]:
    for origin in ("entrez", "sample"):
        says = describe(settings.database_url(origin))
        if says:
            yield says


def _register(_: Settings) -> Finding:
    from msminer.evidence.claims import load_register
    from msminer.pubmed.query import load_named_queries

    register = load_register()
    names = {query.name for query in load_named_queries()}
    lost = sorted({claim.query for claim in register.claims} - names)
    if lost:
        return Finding("register", "fail", f"claims name queries that data/queries/ does not hold: {lost}")
    return Finding("register", "ok", f"{len(register.claims)} claims, {len(names)} named queries")


def _model(_: Settings) -> Finding:
    from msminer.classify import load_model

    return Finding("model", "ok", f"{load_model().id}: checksum and golden predictions hold")


def _prefect(_: Settings) -> Finding:
    from importlib import metadata

    try:
        version = metadata.version("prefect")
    except metadata.PackageNotFoundError:
        return Finding("Prefect", "note", "not installed: the plain commands still work, schedules do not")
    return Finding("Prefect", "ok", version)


def _browser(_: Settings) -> Finding:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return Finding("browser", "ok" if found else "note", found or "no Chromium: report --pdf is not available")


def _network(settings: Settings) -> Finding:
    from msminer.pubmed.entrez import open_client

    if settings.is_ncbi and settings.email is None:
        return Finding("network", "note", "not asked: set MSMINER_EMAIL first")
    try:
        with open_client(settings, tries=1) as client:
            build = client.einfo().build
    except MsminerError as error:
        return Finding(
            "network", "note", f"{settings.entrez_url} does not answer: {error.message}; the sample works offline"
        )
    return Finding("network", "ok", f"{settings.entrez_url} answers, build {build}")
