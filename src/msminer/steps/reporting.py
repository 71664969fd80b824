"""The last step: the page, the exports, and how the job ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msminer.resources import file_sha256, shipped
from msminer.steps.fetching import FetchResult
from msminer.steps.job import Job
from msminer.steps.judging import Tables
from msminer.steps.notify import Told
from msminer.steps.session import timed
from msminer.steps.standing import versions


@dataclass(frozen=True)
class Outcome:
    """How a job ended: what was fetched and labelled, verdicts by kind, where the report is, who was told what.

    stands: when the report was made, if an earlier one stands because nothing it is made from has moved.
    """

    fetched: FetchResult
    labelled: int
    verdicts: Mapping[str, int]
    report: Path
    told: Told
    stands: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What needs a look."""
        return (*self.fetched.warnings, *self.told.warnings)

    def lines(self) -> list[str]:
        """What a terminal shows at the end; the last line is the report's path."""
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self.verdicts.items()))
        return [
            *self.fetched.lines(),
            f"{self.labelled} articles labelled",
            f"verdicts: {verdicts}",
            *(f"moved: {notice.title}" for notice in self.told.notices),
            *([f"no change since the report of {self.stands}: it stands"] if self.stands else []),
            f"report: {self.report}",
        ]

    def markdown(self) -> str:
        """The same for the run's page."""
        return "\n".join(f"- {line}" for line in self.lines())


# A corpus in which one year holds more than half of the dated papers describes how it was gathered, not the field.
_ONE_YEAR = 0.5


@timed("report")
def report(job: Job, tables: Tables, verdicts: Mapping[str, Any]) -> Path:
    """Write the page and the exports to reports/ in the job's home; returns the path of index.html."""
    from msminer.report.bundle import ReportBundle
    from msminer.report.folder import latest_report, write_report

    now = datetime.now(UTC)
    why_not = unfit_for_trends(tables)
    bundle = ReportBundle(
        origin=job.source,
        articles=tables.articles,
        labels=tables.labels,
        findings=tables.findings,
        studies=tables.studies,
        trends=tables.trends,
        trend_tests=tables.trend_tests,
        denominators=tables.denominators,
        verdicts=verdicts,
        register=_register_as_read(job),
        generated_at=now,
        card=json.loads(shipped("data", "model", "card.json").read_text("utf-8")),
        provenance=provenance(job, tables, verdicts, now),
        previous=latest_report(job.settings.home, origin=job.source),
        trends_publishable=not why_not,
        trends_reason=why_not,
        predicted_share=0.0 if job.source == "sample" else 1.0,
    )
    return write_report(bundle, job.settings.home)


def _register_as_read(job: Job) -> dict[str, Any]:
    from msminer.claimtools.document import data_of
    from msminer.claimtools.register import merged

    own = data_of(shipped("data", "claims.yaml"))
    return own if job.claims is None else merged(own, data_of(job.claims))


def unfit_for_trends(tables: Tables) -> str:
    """Why counts by year of these records say nothing about the field; empty where they may be shown.

    A single year with more than half of the dated papers, or more papers without a year than with one.
    """
    years = tables.articles["year"]
    dated = years.dropna()
    if len(dated) < len(years) - len(dated):
        return f"{len(years) - len(dated)} of {len(years)} papers have no known year"
    if dated.empty:
        return ""
    top = dated.value_counts()
    if top.iloc[0] > _ONE_YEAR * len(dated):
        return f"{int(top.iloc[0])} of {len(dated)} dated papers are of {int(top.index[0])}"
    return ""


def provenance(job: Job, tables: Tables, verdicts: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Everything needed to make the report again: searches, dates, counts, versions, checksums."""
    newest = {str(row["query"]): row for row in tables.searches}
    return {
        "made_at": now.isoformat(timespec="seconds"),
        "source": job.source,
        "service": _service(job),
        "searches": [
            {key: row.get(key) for key in ("query", "term", "asked_at", "count", "translation", "db_build")}
            for row in newest.values()
        ],
        "articles": len(tables.articles),
        "versions": versions(),
        "inputs": tables.inputs,
        "model": sorted(set(tables.labels["model"])) if len(tables.labels) else [],
        "rules": verdicts["rules_version"],
        "checksums": {name: file_sha256(shipped("data", name)) for name in ("claims.yaml", "vocabulary.yaml")},
    }


def _service(job: Job) -> str:
    if job.source == "sample":
        return "the embedded sample, served on loopback"
    if job.source == "files":
        return "files"
    return "NCBI E-utilities" if job.settings.is_ncbi else "another address than NCBI's"
