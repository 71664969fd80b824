"""A report of N invented articles: CPU time to make it, its size, and how fast it opens and filters in Chromium.

python benchmarks/report.py [PAGE.html]; without a page, 5,000 articles are invented.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from msminer.report.folder import write_report
from msminer.report.pdf import QUIET

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from report_fixture import make_bundle

ARTICLES = 5_000
LOADS = 5
_LOAD = "(() => { const n = performance.getEntriesByType('navigation')[0]; return [n.loadEventEnd, n.responseEnd]; })()"
# The page puts charts and evidence in once it is open: what there was before is counted at the event itself.
_COUNT = """addEventListener("load", () => { window.elements = document.querySelectorAll("*").length; });"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_FILTER = """(text) => new Promise((done) => {
  const start = performance.now(), field = document.getElementById("f-text");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""


def invented(folder: str) -> Path:
    bundle = make_bundle(ARTICLES)
    start = time.process_time()
    index = write_report(bundle, Path(folder))
    print(f"made in {time.process_time() - start:.1f} s of CPU time")
    return index


def visit(browser: Any, index: Path) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(_COUNT)
    page.goto(index.as_uri())
    load, response = page.evaluate(_LOAD)
    busy = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    page.wait_for_timeout(100)
    told = {
        "load event, ms": load,
        "read, ms": response,
        "first paint, ms": page.evaluate(_PAINT),
        "main thread busy (some of it after the load event), ms of CPU": 1000 * busy["TaskDuration"],
        "elements at the load event": page.evaluate("window.elements"),
        "first filter, ms": page.evaluate(_FILTER, "study 4"),
        "next filter, ms": page.evaluate(_FILTER, "study 44"),
    }
    context.close()
    return told


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        index = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else invented(folder)
        print(f"{index.stat().st_size / 1e6:.2f} MB")
        options = [part for part in QUIET if part != "--headless"] + ["--no-sandbox"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        visit(browser, index)
        visits = [visit(browser, index) for _ in range(LOADS)]
        browser.close()
    figures = {name: [round(one[name]) for one in visits] for name in visits[0]}
    for name, values in figures.items():
        print(f"{name}: median {statistics.median(values):,.0f} of {json.dumps(values)}")


if __name__ == "__main__":
    main()
