"""The third and fourth step: tables from the store, verdicts from the tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msminer.resources import shipped
from msminer.steps.job import Job, register_of
from msminer.steps.session import store_of, timed
from msminer.steps.standing import checksum

if TYPE_CHECKING:
    import pandas as pd

    from msminer.evidence.publications import Kind, Publication


@dataclass(frozen=True)
class Tables:
    """All tables of one evaluation, as declared in msminer.schema, and the publications they were made from.

    inputs: checksum of all that they are made from.
    """

    articles: pd.DataFrame
    labels: pd.DataFrame
    findings: pd.DataFrame
    studies: pd.DataFrame
    trends: pd.DataFrame
    trend_tests: pd.DataFrame
    denominators: pd.DataFrame
    publications: Sequence[Publication]
    searches: Sequence[Mapping[str, Any]]
    inputs: str


@timed("tabulate")
def tabulate(job: Job) -> Tables:
    """Studies, trends and denominators from the store as it is."""
    from msminer.evidence.studies import find_studies, studies_table
    from msminer.evidence.trends import trend_table

    register, now = register_of(job.claims), datetime.now(UTC)
    # Taken first: should the store change under a reader, the next run finds other inputs and makes all anew.
    inputs = checksum(job, now)
    with store_of(job) as store:
        articles, labels, findings = store.articles(), store.labels(), store.findings()
        denominators, searches = store.denominators(), store.searches()
    found = _publications(job, articles, labels, findings)
    studies = find_studies(found, register.vocabulary)
    trends, tests = trend_table(found, denominators, register, errors=classifier_errors(), now=now)
    return Tables(
        articles=articles,
        labels=labels,
        findings=findings,
        studies=studies_table(studies, register.rules),
        trends=trends,
        trend_tests=tests,
        denominators=denominators,
        publications=found,
        searches=searches,
        inputs=inputs,
    )


def publications(job: Job) -> list[Publication]:
    """The stored articles with what they report, as the verdicts read them."""
    with store_of(job) as store:
        return _publications(job, store.articles(), store.labels(), store.findings())


def _publications(job: Job, articles: pd.DataFrame, labels: pd.DataFrame, findings: pd.DataFrame) -> list[Publication]:
    from msminer.evidence.stored import publications_from_labels

    kind: Kind = "digest" if job.source == "sample" else "quote"
    return publications_from_labels(articles, labels, findings, kind=kind)


@timed("judge")
def judge(job: Job, tables: Tables) -> dict[str, Any]:
    """The verdict of every claim on the stored articles; files serve every claim, a search those that name it."""
    from msminer.evidence.references import found_by
    from msminer.evidence.verdicts import judge as judged

    searched = None if job.source == "files" else frozenset(str(row["query"]) for row in tables.searches)

    return judged(
        register_of(job.claims),
        tables.publications,
        queries_searched=searched,
        errors=classifier_errors(),
        citation_lookup=found_by(tables.publications),
    )


def judge_table(evidence: Path, claims: Path | None = None) -> dict[str, Any]:
    """The verdict of every claim on an evidence table, whoever labelled it; raises RowError for the first bad row."""
    from msminer.evidence.reader import read_evidence
    from msminer.evidence.verdicts import judge as judged

    return judged(register_of(claims), read_evidence(evidence))


def verdict_rows(verdicts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Verdicts as plain rows: claim, verdict, reason, deciding studies."""
    return [
        {"claim": v["claim_id"], "verdict": v["verdict"], "reason": v["reason"], "deciding": len(v["deciding"])}
        for v in verdicts["verdicts"]
    ]


def counts(verdicts: Mapping[str, Any]) -> dict[str, int]:
    """How many claims got each verdict."""
    return dict(Counter(v["verdict"] for v in verdicts["verdicts"]))


def classifier_errors() -> dict[str, Any]:
    """The classifier's measured error, out of fold on the gold."""
    return cast("dict[str, Any]", json.loads(shipped("data", "model", "errors.json").read_text("utf-8")))


def write_trends(tables: Tables, folder: Path) -> list[Path]:
    """Write trends and trend tests as CSV and Parquet into a folder; returns the paths."""
    from msminer import schema
    from msminer.report.exports import write_csv, write_parquet

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for frame, table in ((tables.trends, schema.TRENDS), (tables.trend_tests, schema.TREND_TESTS)):
        write_csv(schema.check(frame, table), folder / f"{table.name}.csv")
        write_parquet(frame, table, folder / f"{table.name}.parquet")
        paths += [folder / f"{table.name}.csv", folder / f"{table.name}.parquet"]
    return paths
