"""The plain steps of the main job; the flow and the commands call them in the same order.

fetch → label → tabulate → judge → report. Where nothing has moved that the last three are made from, the last report
stands. Each opens the store by itself unless `running` holds it, so that each can be run alone and resumed; the last
three only read.
"""

from __future__ import annotations

from msminer.steps.fetching import FetchResult, fetch
from msminer.steps.job import Job
from msminer.steps.judging import Tables, counts, judge, judge_table, publications, tabulate, verdict_rows, write_trends
from msminer.steps.labelling import label
from msminer.steps.notify import Told, alarmed, notify, still
from msminer.steps.reporting import Outcome, report
from msminer.steps.session import running, watching
from msminer.steps.standing import Standing, standing

__all__ = [
    "FetchResult",
    "Job",
    "Outcome",
    "Standing",
    "Tables",
    "Told",
    "alarmed",
    "counts",
    "fetch",
    "judge",
    "judge_table",
    "label",
    "notify",
    "publications",
    "report",
    "run_all",
    "running",
    "standing",
    "still",
    "tabulate",
    "verdict_rows",
    "watching",
    "write_trends",
]


def run_all(job: Job) -> Outcome:
    """The whole job without Prefect."""
    with alarmed(job), running(job):
        fetched, labelled = fetch(job), label(job)
        stands = standing(job)
        if stands is not None:
            return Outcome(fetched, labelled, counts(stands.verdicts), stands.page, still(job), stands=stands.made_at)
        tables = tabulate(job)
        verdicts = judge(job, tables)
        page = report(job, tables, verdicts)
        return Outcome(fetched, labelled, counts(verdicts), page, notify(job, tables, verdicts))
