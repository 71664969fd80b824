"""Whether the last report was made from the very same: then it stands, and nothing is computed again.

Studies, trends, verdicts and report are functions of what is stored, of the register and the searches, of this program
and its data, and of the month. A checksum of all these stands in each report's provenance.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from msminer import __version__
from msminer.errors import StoreDamaged
from msminer.resources import shipped
from msminer.steps.job import Job
from msminer.steps.notify import watch_of
from msminer.steps.session import note, store_of

_PACKAGE = Path(__file__).resolve().parent.parent
# Of data/ only these are read after the labels; data/local is made by runs.
_DATA = ("claims.yaml", "vocabulary.yaml", "queries", "model", "gold")


@dataclass(frozen=True)
class Standing:
    """The last report: its page, when it was made (ISO 8601), and the verdicts in it, as `judge` gives them."""

    page: Path
    made_at: str
    verdicts: dict[str, Any]


def standing(job: Job) -> Standing | None:
    """The newest report, if it was made from what holds now and its notices were kept; else None."""
    folder = job.settings.home / "reports" / "latest"
    try:
        made = json.loads((folder / "provenance.json").read_text("utf-8"))
        verdicts = json.loads((folder / "judgement.json").read_text("utf-8"))
        page, made_at, inputs = folder.resolve(strict=True) / "index.html", str(made["made_at"]), made["inputs"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not page.is_file() or inputs != checksum(job, datetime.now(UTC)) or not _compared(job, made_at):
        return None
    note(standing=made_at)
    return Standing(page, made_at, verdicts)


def _compared(job: Job, made_at: str) -> bool:
    """Whether the report was compared with the run before it: a run killed in between has told nobody yet."""
    try:
        last = watch_of(job).last()
    except StoreDamaged:
        return False
    return last is not None and datetime.fromisoformat(last.made_at) >= datetime.fromisoformat(made_at)


def checksum(job: Job, now: datetime) -> str:
    """SHA-256 over all that studies, trends, verdicts and report are made from; of the time, the month."""
    digest = hashlib.sha256()
    for part in _parts(job, now):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _parts(job: Job, now: datetime) -> Iterator[bytes]:
    facts = {"source": job.source, "month": f"{now:%Y-%m}", "queries": [[q.name, q.term] for q in job.queries]}
    yield json.dumps(facts | {"versions": versions()}).encode()
    yield job.claims.read_bytes() if job.claims else b""
    for path in program():
        yield path.name.encode() + path.read_bytes()
    with store_of(job) as store:
        yield from (json.dumps(row).encode() for row in store.contents())


def program() -> list[Path]:
    """The files of this program and of its data, in order."""
    own = [path for path in _PACKAGE.rglob("*") if path.relative_to(_PACKAGE).parts[0] not in {"data", "flows"}]
    data = [path for name in _DATA for path in (shipped("data", name), *shipped("data", name).rglob("*"))]
    return sorted(path for path in (*own, *data) if path.is_file() and path.suffix != ".pyc")


def versions() -> dict[str, str]:
    """Versions of this program, of Python and of the libraries that results depend on."""
    libraries = ("scikit-learn", "pandas", "lxml", "biopython", "statsmodels")
    own = {"msminer": __version__, "python": platform.python_version()}
    return own | {name: metadata.version(name) for name in libraries}
