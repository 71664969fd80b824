"""Run the refresh flow; where Prefect is broken or absent, the same steps run plainly and say so."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from pathlib import Path
from types import ModuleType

from msminer import steps
from msminer.cli.progress import progress
from msminer.errors import MsminerError
from msminer.resources import shipped

# Prefect 3.8: the first stops the library's telemetry, the second the server's heartbeat; neither does both.
QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "msminer",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # A server that cannot start says so in one line of ours, not in pages of its own.
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # A first start in a fresh home took 10 to 13 s on two cores, more on a busy machine; the default is 20 s.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "60",
}


def run_refresh(
    *, source: str, paths: list[Path], query: str | None, query_file: Path | None, claims: Path | None
) -> steps.Outcome:
    """Run flows/refresh.py, or its steps plainly if Prefect fails before the first step; returns the outcome."""
    job = steps.Job.plan(source=source, paths=tuple(paths), query=query, query_file=query_file, claims=claims)
    with progress() as begun:
        try:
            flow = _load_flow(job).refresh
            return flow(source=source, paths=paths or None, query=query, query_file=query_file, claims=claims)  # type: ignore[no-any-return]
        except MsminerError:
            raise
        except Exception as error:
            if begun():
                raise
            logging.getLogger("msminer").warning(
                "Prefect did not start (%s): running the same steps without it", type(error).__name__
            )
        return steps.run_all(job)


def _load_flow(job: steps.Job) -> ModuleType:
    home = job.settings.home / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    # On a terminal the bars speak; in a log Prefect's lines do.
    level = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING"} if sys.stderr.isatty() else {}
    for name, value in {**QUIET, **level, "PREFECT_HOME": str(home)}.items():
        os.environ.setdefault(name, value)
    spec = importlib.util.spec_from_file_location("msminer_refresh", shipped("flows", "refresh.py"))
    if spec is None or spec.loader is None:
        raise ImportError("flows/refresh.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
