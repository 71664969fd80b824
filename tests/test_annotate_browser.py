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
        page.strangers = strangers
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
        mixed = 2 if "mixed" in page.locator("tr.differs td").nth(1).inner_text() else 1
        assert "ada" not in page.content()
        press(page, f"8 {'ab'[mixed - 1]} 7 s")
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


def test_rules_speak_at_once_and_stop_the_finish(browser: Any, folder: Path) -> None:
    with page_of(browser, folder, "ada") as page:
        at(page, "990000001")
        press(page, "1 x h")
        assert page.locator("#problems .fresh").all_inner_texts() == ["none stands alone: take away none, or HSC."]
        press(page, "x 2 c 3 r")
        assert page.locator("#status").inner_text() == "ms is set too: rrms is a kind of ms."
        press(page, "5 1 Enter s h h")
        assert page.locator("#findings li").all_inner_texts() == ["a Remove safety, harm, HSC, sentence 1"]
        press(page, "1 h e")
        assert "is about HSC, which is not chosen above" in page.locator("#problems").inner_text()
        press(page, "6 a 1 e 7 s")
        assert "Choose at least one cell type" in page.locator("#error").inner_text()
        assert page.url.endswith("990000001")
        page.strangers.clear()  # the browser's own word on the refusal


def test_fast_keys_lose_nothing(browser: Any, folder: Path) -> None:
    with page_of(browser, folder, "ada") as page:
        at(page, "990000001")
        press(page, "1 h b u i 2 a 3 r s e 4 v t")
        page.reload()
        values = [box.input_value() for box in page.locator("input:checked").all()]
        cells = ["HSC", "MSC", "MSC-BM", "MSC-UC", "iPSC"]
        populations = ["rrms", "spms", "ms", "eae", "animal_model"]
        assert values == [*cells, "animal", *populations, "intravenous", "intrathecal"]


def test_single_keys_can_be_turned_off_and_tab_goes_everywhere(browser: Any, folder: Path) -> None:
    with page_of(browser, folder, "ada") as page:
        at(page, "990000001")
        page.locator("#keys").focus()
        page.keyboard.press("Enter")
        page.reload()
        press(page, "1 h b")
        assert page.locator("input:checked").count() == 0
        reached = set()
        for _ in range(80):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.dataset.finish ?? document.activeElement.id"))
        assert {"done", "uncertain", "skipped", "sentence", "add", "keys", "open-guide"} <= reached


def test_the_guide_opens_scrolls_and_closes_by_keys(browser: Any, folder: Path) -> None:
    with page_of(browser, folder, "ada") as page:
        at(page, "990000001")
        page.keyboard.press("0")
        assert page.evaluate("document.activeElement.tagName") == "ARTICLE"
        page.keyboard.press("?")
        assert "A cell mentioned only in passing does not count" in page.locator("dialog[open]").inner_text()
        page.keyboard.press("h")  # no label behind the guide
        page.keyboard.press("PageDown")
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        assert page.locator("input:checked").count() == 0


def test_a_change_that_is_not_saved_is_told(browser: Any, folder: Path) -> None:
    with page_of(browser, folder, "ada") as page:
        at(page, "990000001")
        page.route("**/record/**", lambda route: route.abort())
        page.keyboard.press("h")
        page.locator("#error", has_text="Not saved: the program does not answer").wait_for()
        page.unroute("**/record/**")
        press(page, "h m")
        page.locator("#saved", has_text="Saved").wait_for()
        page.strangers.clear()  # the browser's own word on the cut request


def test_the_text_is_shown_as_text(browser: Any, folder: Path) -> None:
    with page_of(browser, folder, "ada") as page:
        page.goto(page.url.replace("990000001", "990000002"))
        assert "<script>alert('x')</script> & <b>bold</b> claims" in page.locator("#s0").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


AXE = Path(__file__).parent / "browser" / "axe" / "axe.min.js"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_pages_are_accessible(browser: Any, folder: Path, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe is not there: tests/browser/axe/axe.min.js")
    with page_of(browser, folder, "ada") as page:
        page.emulate_media(color_scheme=scheme)
        at(page, "990000001")
        label_first(page)
        assert broken_rules(page) == []
        page.keyboard.press("?")
        assert broken_rules(page) == []
        page.keyboard.press("Escape")
        press(page, "7 s")
        at(page, "990000002")
        page.keyboard.press("7")
        page.keyboard.press("l")
        page.wait_for_url("**/list")
        assert broken_rules(page) == []
    with page_of(browser, folder, "bob") as page:
        label_first(page, direction="m")
        press(page, "7 s")
        at(page, "990000002")
    with page_of(browser, folder, "eva", adjudicate=True) as page:
        page.emulate_media(color_scheme=scheme)
        at(page, "990000001")
        assert broken_rules(page) == []


def broken_rules(page: Any) -> list[str]:
    """WCAG 2.2 A and AA rules that axe finds broken, with the first element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    return [
        f"{one['id']}: {one['nodes'][0]['html']} {one['nodes'][0]['failureSummary']}" for one in found["violations"]
    ]
