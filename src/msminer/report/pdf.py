"""The report on paper: headless Chromium prints the page."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from msminer.errors import ReportError

# Names under which distributions install it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# No call leaves the machine: without these the browser looks up its maker's hosts at every start.
QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A page of 5,000 publications took 9 s on two busy cores (2026-11).
PATIENCE = 180


def find_browser() -> Path:
    """Path of an installed Chromium; raises ReportError saying what to install."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise ReportError(
        "a PDF needs Chromium or Chrome on the PATH; print the page from any browser instead", looked_for=NAMES
    )


def print_pdf(page: Path) -> Path:
    """Print index.html to report.pdf beside it; raises ReportError without a browser or if printing fails."""
    browser = find_browser()
    target = page.with_name("report.pdf")
    with tempfile.TemporaryDirectory() as profile:
        # Root may not use Chromium's sandbox; the page is our own and runs under a strict policy.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        fresh = Path(profile) / "report.pdf"
        options = [*QUIET, *sandbox, f"--user-data-dir={profile}", "--no-pdf-header-footer", f"--print-to-pdf={fresh}"]
        try:
            done = subprocess.run(  # noqa: S603
                [browser, *options, page.resolve().as_uri()], capture_output=True, timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReportError("the browser could not print the report", browser=browser.name) from error
        if done.returncode or not fresh.is_file() or not fresh.read_bytes().startswith(b"%PDF"):
            raise ReportError("the browser could not print the report", browser=browser.name, exit=done.returncode)
        shutil.move(fresh, target)
    return target
