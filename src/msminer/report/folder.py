"""Reports on disk: reports/STAMP/ with the page and its files, reports/latest pointing to the newest."""

from __future__ import annotations

import os
import shutil
from datetime import UTC
from pathlib import Path

from msminer.errors import ReportError
from msminer.report import citations
from msminer.report.bundle import ReportBundle, check_bundle
from msminer.report.claimreview import claim_reviews
from msminer.report.crate import write_crate
from msminer.report.diff import diff, read_report
from msminer.report.exports import tables_of, write_json, write_tables
from msminer.report.provenance import clean
from msminer.report.render import render


def write_report(bundle: ReportBundle, folder: Path) -> Path:
    """Write folder/reports/STAMP/ whole, then point folder/reports/latest to it; returns the path of its index.html.

    A half-written report is never seen under its name. Raises ReportError for a bundle that does not fit together,
    a folder that is taken, or a disk that refuses.
    """
    check_bundle(bundle)
    reports = folder / "reports"
    target = reports / bundle.stamp
    if target.exists():
        raise ReportError("a report of this time is already there", folder=bundle.stamp)
    draft = reports / f".{bundle.stamp}-{os.getpid()}"
    try:
        draft.mkdir(parents=True)
        _fill(bundle, draft)
        draft.rename(target)
        _point(reports / "latest", bundle.stamp)
    except OSError as error:
        raise ReportError(
            "the report could not be written; free space or choose another folder", why=error.strerror
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target / "index.html"


def _fill(bundle: ReportBundle, draft: Path) -> None:
    changes = diff(bundle, bundle.previous) if bundle.previous else None
    (draft / "index.html").write_text(render(bundle, changes), encoding="utf-8")
    write_tables(tables_of(bundle), draft, bundle.origin)
    write_json({"origin": bundle.origin, **clean(bundle.verdicts)}, draft / "judgement.json")
    write_json({"origin": bundle.origin, **clean(bundle.provenance)}, draft / "provenance.json")
    write_json(clean(bundle.card), draft / "model_card.json")
    write_json({"@graph": claim_reviews(bundle)}, draft / "claimreview.jsonld")
    write_json({"origin": bundle.origin, **(changes or {"previous": None})}, draft / "diff.json")
    write_json(
        {"origin": bundle.origin, "generated_at": bundle.generated_at.astimezone(UTC).isoformat()},
        draft / "report.json",
    )
    (draft / "evidence.ris").write_text(citations.ris(bundle.articles, bundle.origin), encoding="utf-8")
    (draft / "evidence.bib").write_text(citations.bibtex(bundle.articles, bundle.origin), encoding="utf-8")
    write_crate(bundle, draft)


def _point(link: Path, stamp: str) -> None:
    """Make `link` a symbolic link to the stamp, in one step: readers see the old report or the new one."""
    if link.is_dir() and not link.is_symlink():
        # A copy of the home that followed links holds a folder of this name: put aside, it may be the only one left.
        link.rename(link.with_name(f"before-{stamp}-latest"))
    fresh = link.with_name(f".latest-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(stamp, target_is_directory=True)
    fresh.replace(link)


def latest_report(folder: Path, origin: str | None = None) -> Path | None:
    """The newest whole report under folder/reports, for `ReportBundle.previous`; None where there is none.

    origin: only reports of that source. Damaged folders are passed over: they must not stop the next report.
    """
    reports = folder / "reports"
    stamps = sorted((p for p in reports.glob("*Z") if p.is_dir()), reverse=True)
    return next((path for path in stamps if _whole(path, origin)), None)


def _whole(path: Path, origin: str | None) -> bool:
    try:
        found = read_report(path)["origin"]
    except ReportError:
        return False
    return origin in {None, found}
