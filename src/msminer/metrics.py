"""The status as Prometheus metrics, for node_exporter's textfile collector; times are seconds since 1970.

Each metric carries the origin: the collector reads all files of a folder together, and refuses the whole scrape when
two of them hold the same name with the same labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msminer.settings import Settings
from msminer.status import RunLine, Status, examine, moment
from msminer.watch.snapshot import write_whole

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def metrics(status: Status) -> str:
    """The status in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    page = _Page(registry, status.origin)
    page.many("articles", "What the store holds, by kind.", "kind", status.counts)
    found = {query.query: query.count for query in status.queries}
    page.many("query_records", "Records of a query when last asked.", "query", found)
    asked = {query.query: moment(query.asked).timestamp() for query in status.queries}
    page.many("query_asked_seconds", "When a query was last asked to its end.", "query", asked)
    page.many("notices_waiting", "Notices that a channel has not taken.", "channel", status.waiting)
    page.one("free_bytes", "Free space in MSMINER_HOME.", status.free_bytes)
    if status.store_bytes is not None:
        page.one("store_bytes", "Size of the store.", status.store_bytes)
    if status.runs:
        _newest(page, status.runs[0])
    if status.last_good is not None:
        _good(page, status.last_good)
    return str(generate_latest(registry).decode("utf-8"))


class _Page:
    """Gauges of one origin."""

    def __init__(self, registry: CollectorRegistry, origin: str) -> None:
        self.registry, self.origin = registry, origin

    def many(self, name: str, text: str, label: str, values: Mapping[str, float]) -> None:
        from prometheus_client import Gauge

        gauge = Gauge(f"msminer_{name}", text, ["origin", label], registry=self.registry)
        for key, value in values.items():
            gauge.labels(self.origin, key).set(value)

    def one(self, name: str, text: str, value: float) -> None:
        from prometheus_client import Gauge

        Gauge(f"msminer_{name}", text, ["origin"], registry=self.registry).labels(self.origin).set(value)


def _newest(page: _Page, run: RunLine) -> None:
    page.many("last_run_status", "1 for how the newest run ended.", "status", {run.status: 1})
    page.one("last_run_seconds", "When the newest run began.", moment(run.started).timestamp())


def _good(page: _Page, run: RunLine) -> None:
    page.one("last_success_seconds", "When the newest good run ended.", moment(run.finished or run.started).timestamp())
    page.one("run_seconds", "Duration of the newest good run.", run.seconds or 0.0)
    numbers = {name: value for name, value in run.summary.items() if isinstance(value, int | float)}
    page.many("run_count", "Counts of the newest good run.", "kind", numbers)
    stages = run.summary.get("seconds")
    if isinstance(stages, Mapping):
        page.many("stage_seconds", "Seconds of each stage of the newest good run.", "stage", stages)


def write_metrics(settings: Settings, origin: str, *, now: datetime) -> Path:
    """Write metrics/msminer-ORIGIN.prom in MSMINER_HOME, whole or not at all; returns its path."""
    path = settings.home / "metrics" / f"msminer-{origin}.prom"
    write_whole(path, metrics(examine(settings, origin, now=now, quick=True)))
    return path
