"""Make the README's pictures from a report of the sample: python docs/pictures/make.py [FOLDER OF A REPORT].

Without a folder it takes the newest report. Refuses anything but the sample: pictures show no published abstract.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from msminer.report.pdf import QUIET, find_browser
from msminer.settings import load_settings

HERE = Path(__file__).parent
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


def main() -> None:
    """Write answer.png, answer-dark.png, phone.png, claim.png, trends.png and evidence.png beside this file."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else load_settings().home / "reports" / "latest"
    if json.loads((folder / "report.json").read_text(encoding="utf-8"))["origin"] != "sample":
        sys.exit("pictures are made from the sample alone: run msminer run --source sample")
    page_url = (folder.resolve() / "index.html").as_uri()
    with sync_playwright() as driver:
        args = [*QUIET[1:], "--no-sandbox", "--force-color-profile=srgb"]
        browser = driver.chromium.launch(executable_path=find_browser(), args=args)
        for name, size, scheme, anchor in (
            ("answer", LAPTOP, "light", ""),
            ("answer-dark", LAPTOP, "dark", ""),
            ("phone", PHONE, "light", ""),
            ("claim", LAPTOP, "light", "#S0-18"),
            ("trends", LAPTOP, "light", "#t-HSC"),
            ("evidence", LAPTOP, "light", "#evidence"),
        ):
            page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(page_url + anchor)
            shoot(page, name)
            page.close()
        browser.close()


def shoot(page: Page, name: str) -> None:
    """One picture; the claim's evidence is opened first."""
    if name == "claim":
        page.click("#S0-18 summary")
        page.locator("#S0-18").scroll_into_view_if_needed()
        page.evaluate("document.getElementById('S0-18').scrollIntoView()")
    page.wait_for_timeout(400)
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
