"""The annotation page in a real browser, by keys alone."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from msminer.annotate.export import export_gold
from msminer.annotate.project import Project, Proposal
from msminer.annotate.rules import text_hash
from msminer.annotate.serve import make_session, server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser: install chromium (apt install chromium)"),
]

# Without the last five, a headless Chromium asks its maker's hosts at start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Invented records.
TEXTS = {
    "990000001": (
        "Marrow-derived cells in forty people with a relapsing illness: an open-label trial",
        "Twelve people were asked. We gave cells from the patients' own marrow into the spinal fluid. "
        "Disability scores fell from 5.0 to 4.0. Two people had a fever. No other event was seen.",
    ),
    "990000002": (
        "<script>alert('x')</script> & <b>bold</b> claims",
        "One sentence alone with a verylongword" + "x" * 300 + ".",
    ),
    "990000003": ("A third record", "Cells were given to mice. The mice walked no better than the others."),
}


@contextmanager
def page_of(browser: Any, folder: Path, reader: str, *, adjudicate: bool = False) -> Iterator[Any]:
    """The page of a reader, its server running; no other host is asked and no console error is allowed."""
    clock = iter(range(10_000))
    session = make_session(
        folder,
        TEXTS,
        reader,
        adjudicate=adjudicate,
        now=lambda: datetime.fromtimestamp(1_800_000_000 + next(clock), UTC),
    )
    with server(session, reader) as (running, listener, address):
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.01)
        context = browser.new_context(viewport={"width": 1366, "height": 800})
        page = context.new_page()
        strangers: list[str] = []
        page.on("request", lambda request: None if request.url.startswith(address) else strangers.append(request.url))
        page.on("console", lambda message: strangers.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: strangers.append(str(error)))
        page.goto(address)
        try:
            yield page
        finally:
            context.close()
            running.should_exit = True
            thread.join(timeout=10)
        assert strangers == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Project(tmp_path).add([Proposal(pmid=pmid, draw="random", score=0, why="") for pmid in TEXTS])
    return tmp_path


def press(page: Any, keys: str) -> None:
    """Press keys, given with blanks between, and wait until what they changed is saved."""
    for key in keys.split():
        page.keyboard.press(key)
    page.locator("#saved", has_text="Saving").wait_for(state="detached")


def at(page: Any, pmid: str) -> None:
    page.wait_for_url(f"**/record/{pmid}")


def label_first(page: Any, direction: str = "b") -> None:
    """Marrow cells, uncontrolled trial, relapsing MS, into the spinal fluid, disability, from sentence 3."""
    press(page, "1 b Enter u Enter r Enter t")
    press(page, f"5 3 Enter d {direction} b")


def test_keyboard_only_from_reading_to_gold(browser: Any, folder: Path) -> None:
    with page_of(browser, folder, "ada") as page:
        at(page, "990000001")
        label_first(page)
        press(page, "7 s")
        at(page, "990000002")
        press(page, "1 x 2 o 3 x 7 u")
        at(page, "990000003")
        press(page, "7 k")
        page.wait_for_url("**/list")
        assert page.locator(".state").all_inner_texts() == ["done", "uncertain", "skipped"]
    with page_of(browser, folder, "bob") as page:
        at(page, "990000001")
        assert page.locator("input:checked").count() == 0
        assert "ada" not in page.content()
        label_first(page, direction="m")
        press(page, "7 s")
        at(page, "990000002")
        press(page, "1 x 2 o 3 x 7 s")
        at(page, "990000003")
        press(page, "1 m 2 a 3 a")
        press(page, "5 ArrowDown ArrowDown ArrowDown Enter d n m 7 s")
        page.wait_for_url("**/list")
    with page_of(browser, folder, "eva", adjudicate=True) as page:
        at(page, "990000001")
        assert page.locator("tr.differs").count() == 1
        press(page, "8 b 7 s")
        at(page, "990000002")
        press(page, "7 s")
        page.wait_for_url("**/list")
    result = export_gold(folder, folder / "gold.jsonl")
    rows = [json.loads(line) for line in (folder / "gold.jsonl").read_text().splitlines()]
    title, abstract = TEXTS["990000001"]
    sentence = "Disability scores fell from 5.0 to 4.0."
    start = f"{title}\n{abstract}".index(sentence)
    assert result.rows == {"adjudicated": 2, "one reader": 1}
    assert rows[0] == {
        "pmid": "990000001",
        "cell_types": ["MSC", "MSC-BM"],
        "study_design": "trial_uncontrolled",
        "populations": ["rrms", "ms"],
        "routes": ["intrathecal"],
        "findings": [
            {
                "outcome": "disability",
                "direction": "mixed",
                "cell_type": "MSC-BM",
                "start": start,
                "end": start + len(sentence),
            }
        ],
        "how": "adjudicated",
        "text_sha256": text_hash(title, abstract),
    }
    assert rows[2]["findings"][0]["direction"] == "no_effect"
