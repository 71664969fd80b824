"""The report in a real browser: reading, filtering, printing, keyboard, accessibility, and no request leaves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from msminer.report.folder import write_report
from report_fixture import make_articles, make_bundle

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: install the dev dependencies")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: apt-get install chromium"),
]
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = Path(__file__).parent / "axe" / "axe.min.js"
COUNT = "addEventListener('load', () => { window.elements = document.querySelectorAll('*').length; })"
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_bundle(260, origin="sample", predicted_share=0.0), tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any, index: Path) -> Iterator[Any]:
    """Open the report with context options; at the end nothing may have been logged, asked for or run."""
    contexts, logged, asked = [], [], []

    def open_page(anchor: str = "", *, busy: bool = False, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": LAPTOP, **options})
        contexts.append(context)
        page = context.new_page()
        if busy:  # a browser that is never idle: what waits is put in for nothing but a reader's wish
            page.add_init_script("window.requestIdleCallback = () => 0")
        page.on("console", lambda message: logged.append(message.text))
        page.on("pageerror", lambda error: logged.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(index.as_uri() + anchor)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert logged == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def rows(page: Any) -> int:
    return int(page.locator("#table tbody tr").count())


def settled(page: Any) -> None:
    """Wait until charts and evidence are put in; the page's policy forbids to ask it by a script's text."""
    playwright.expect(page.locator(".waits, .claim noscript, figure noscript")).to_have_count(0)


def bottom(page: Any, selector: str) -> float:
    box = page.locator(selector).last.bounding_box()
    return float(box["y"] + box["height"])


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE])
def test_first_screen_answers_without_scrolling(visit: Any, viewport: dict[str, int]) -> None:
    page = visit(viewport=viewport)
    for selector in (".kicker strong", ".answer", ".advice", ".ledger li"):
        assert bottom(page, selector) <= viewport["height"], selector


def test_nothing_is_wider_than_the_phone(visit: Any) -> None:
    page = visit(viewport=PHONE)
    for summary in page.locator(".claim summary").all()[:3]:
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_hostile_titles_do_nothing(visit: Any) -> None:
    page = visit()
    page.fill("#f-text", "script")
    page.wait_for_timeout(100)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#table tbody").inner_text().count("<script>") >= 1


def test_search_by_pmid_leaves_its_row_with_its_link(visit: Any) -> None:
    page = visit()
    page.fill("#f-text", "PMID 20000200")
    assert rows(page) == 1
    assert page.locator("#table tbody a").get_attribute("href") == "https://pubmed.ncbi.nlm.nih.gov/20000200/"
    assert page.locator("#f-status").inner_text().startswith("1 of 260")


def test_titles_are_searched_as_they_are_read(visit: Any) -> None:
    page = visit()
    page.fill("#f-text", '"&quot;">cd34</i>&#43;')
    assert rows(page) == 1
    page.fill("#f-text", "&amp;")
    assert rows(page) == 0


def test_closed_tables_come_when_they_are_opened(visit: Any) -> None:
    page = visit()
    parts = page.locator("details.later")
    assert parts.count() >= 3
    settled(page)
    assert parts.locator("table, dl").count() == 0
    for part in parts.all():
        part.locator("summary").click()
        part.locator("table, dl").first.wait_for()
    assert page.locator("details.later noscript").count() == 0


def test_waiting_rows_are_searched_in_letters_of_any_alphabet(visit: Any) -> None:
    known = [row for row in make_articles(260)[150:] if row["journal"] == "Ann Zürich" and row["pmid"] < "990000000"]
    page = visit()
    page.fill("#f-text", f"{known[0]['pmid']} zürich")
    assert rows(page) == 1
    assert "Ann Zürich" in page.locator("#table tbody").inner_text()


def test_charts_and_evidence_are_put_in_when_the_browser_is_idle(visit: Any) -> None:
    page = visit()
    settled(page)
    whole = visit(java_script_enabled=False)
    for selector in (".claim table.tiers tbody tr", ".claim blockquote", ".claim .notes dt", "#trends figure svg path"):
        assert page.locator(selector).count() == whole.locator(selector).count() > 0, selector


def test_frames_that_wait_are_as_large_as_their_charts_and_say_what_comes(visit: Any) -> None:
    waiting, drawn = visit(busy=True), visit()
    settled(drawn)
    measure = """() => [...document.querySelectorAll("#trends figure svg[role=img]")].map(
        (svg) => [svg.getAttribute("aria-label"), svg.clientWidth, svg.clientHeight])"""
    assert waiting.locator("#trends .waits").count() == len(drawn.evaluate(measure)) > 0
    assert waiting.evaluate(measure) == drawn.evaluate(measure)


def test_evidence_that_waits_comes_when_it_is_opened_or_linked(visit: Any) -> None:
    page = visit(busy=True)
    assert page.locator(".claim blockquote").count() == 0
    page.click("#S0-02 summary")
    page.locator("#S0-02 blockquote").first.wait_for()
    target = page.locator("#S0-01 figcaption a").get_attribute("href")
    page.click("#S0-01 figcaption a")
    page.locator(target).wait_for()
    assert page.locator(target).is_visible()
    assert visit(target, busy=True).locator(target).is_visible()


def test_paper_shows_what_waits(visit: Any) -> None:
    page = visit(busy=True)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".waits, .claim noscript, figure noscript").count() == 0
    assert page.locator(".claim blockquote").count() > 0
    assert page.locator("#rest").count() == 1  # on paper the first hundred


def test_filters_narrow_together_and_clear(visit: Any) -> None:
    page = visit()
    page.select_option("#f-cell", "HSC")
    page.select_option("#f-outcome", "Disability")
    page.select_option("#f-direction", "benefit")
    page.fill("#f-from", "2010")
    page.fill("#f-to", "2020")
    found = page.locator("#table tbody tr").all()
    assert found
    for row in found:
        cells = row.locator("td").all_inner_texts()
        assert 2010 <= int(cells[0]) <= 2020
        assert "HSC" in cells[3]
        assert "Disability: benefit" in cells[5]
    page.click("#filters button[type=reset]")
    page.wait_for_timeout(50)
    assert page.locator("#f-status").inner_text().startswith("260 of 260")


def test_sorting_tells_its_order_and_keeps_undated_rows_last(visit: Any) -> None:
    page = visit()
    head = page.locator("#table thead th").first
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator("#table tbody td").first.inner_text() == "2026"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.locator("#table tbody td").first.inner_text() == "2005"
    while page.locator("#f-more").is_visible():
        page.click("#f-more")
    assert rows(page) == 260
    assert page.locator("#table tbody tr").last.locator("td").first.inner_text() == ""


def test_link_to_a_row_beyond_the_first_shows_it(visit: Any) -> None:
    page = visit("#r255")
    assert page.locator("#r255").is_visible()
    page = visit()
    count = page.locator("#S0-01 figcaption a")
    target = count.get_attribute("href")
    count.click()
    assert page.locator(target).is_visible()  # opened although it stands in a closed part


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE])
def test_a_link_to_a_part_lands_on_its_heading(visit: Any, viewport: dict[str, int]) -> None:
    page = visit(viewport=viewport)
    for part in ("Method", "Evidence", "Claims", "Trends"):
        page.click(f".bar a:text-is('{part}')")
        page.wait_for_timeout(200)
        top = page.locator(f"#{part.lower()}").bounding_box()["y"]
        assert -5 <= top <= 100, (part, top)


def test_verdict_buttons_hide_and_a_link_brings_back(visit: Any) -> None:
    page = visit()
    page.click("[data-show=backed]")
    assert page.locator(".claim[data-verdict=backed]:visible").count() == 0
    page.evaluate("location.hash = document.querySelector('.claim[data-verdict=backed]').id")
    page.wait_for_timeout(50)
    assert page.locator(".claim[data-verdict=backed]").first.is_visible()


def test_keyboard_alone_reaches_answer_evidence_and_filters(visit: Any) -> None:
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    page.keyboard.press("Enter")
    seen = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.localName"))
        if page.evaluate("document.activeElement.matches('#S0-01 summary')"):
            page.keyboard.press("Enter")
            break
    assert page.locator("#S0-01 details").get_attribute("open") is not None
    page.focus("#f-text")
    page.keyboard.type("invented")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "f-cell"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert float(outline.removesuffix("px")) >= 2


def test_print_view_opens_evidence_and_leaves_out_controls(visit: Any, tmp_path: Path) -> None:
    page = visit()
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".bar").is_visible()
    assert not page.locator("#filters").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".claim details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator(".claim details[open]").count() == 0


def test_dark_mode_is_dark(visit: Any) -> None:
    light, dark = (visit(color_scheme=scheme) for scheme in ("light", "dark"))
    background = "getComputedStyle(document.body).backgroundColor"
    assert light.evaluate(background) != dark.evaluate(background)


def test_everything_can_be_read_without_scripts(visit: Any) -> None:
    page = visit(java_script_enabled=False)
    assert page.locator("table.evidence tbody tr").count() == 260
    assert page.locator(".claim").count() == 80
    page.locator("details.later summary").first.click()
    assert page.locator("details.later table").first.is_visible()
    assert not page.locator("#filters").is_visible()


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [
        ("light", LAPTOP),
        ("dark", PHONE),
        pytest.param("dark", LAPTOP, marks=pytest.mark.slow),
        pytest.param("light", PHONE, marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_against_wcag_22_aa(visit: Any, scheme: str, viewport: dict[str, int]) -> None:
    page = visit(color_scheme=scheme, viewport=viewport, bypass_csp=True)
    settled(page)
    page.add_style_tag(content="main>section,.claim,.trend{content-visibility:visible!important}")
    page.evaluate(
        "document.querySelectorAll('#S0-01 details, #S1-04 details, .index details').forEach(d => d.open = true)"
    )
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    assert [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in found["violations"]] == []


@pytest.mark.slow
def test_five_thousand_wait_as_text_until_they_are_asked_for(browser: Any, tmp_path: Path) -> None:
    """What keeps the page quick; benchmarks/report.py takes the times."""
    big = write_report(make_bundle(5000), tmp_path)
    context = browser.new_context(viewport=LAPTOP)
    page = context.new_page()
    page.add_init_script(COUNT)
    page.goto(big.as_uri())
    assert rows(page) == 100
    # 4,300 with 80 claims and charts of three cell types (2026-11); 16,000 if evidence and charts did not wait.
    assert page.evaluate("window.elements") < 6_000
    page.fill("#f-text", "study 44")
    # Numbers below 5,000 with 44 in them: 100 + 50 + 50, less 16 counted twice, and 4444, which then is gone, again.
    assert page.locator("#f-status").inner_text().startswith("185 of 5,000 publications")
    assert rows(page) == 100
    context.close()
