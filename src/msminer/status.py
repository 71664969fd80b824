"""How the watch is doing: last runs, freshness, store, model, report, next schedule; as text and JSON."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msminer.errors import ModelError
from msminer.settings import Settings
from msminer.watch.channels import channels
from msminer.watch.job import Watch

if TYPE_CHECKING:
    from msminer.store import Store

# How many runs a reader wants to see; all are in the store.
_RUNS = 5
_API_SECONDS = 3.0
# Of a run's summary, in the order in which a reader asks for them.
_COUNTS = ("new", "changed", "labelled", "requests", "retries", "notices")


@dataclass(frozen=True)
class RunLine:
    """One run: what, when, how it ended. status `stale` is a run that says it is running and gives no sign of life."""

    number: int
    what: str
    status: str
    started: str
    finished: str | None
    seconds: float | None
    summary: Mapping[str, Any]

    def did(self) -> str:
        """What it did, as far as it said: where it failed, records, requests, whether the report stood."""
        facts = self.summary
        said = [f"failed in {facts['failed_in']} ({facts.get('error', 'no reason')})"] if "failed_in" in facts else []
        said += [f"{facts[name]} {name}" for name in _COUNTS if name in facts]
        said += [f"the report of {facts['standing']} stands"] if "standing" in facts else []
        return ", ".join(said)


@dataclass(frozen=True)
class Freshness:
    """When a query was last asked to its end, how many records it had then, and how old that is in days."""

    query: str
    asked: str
    count: int
    days: float


@dataclass(frozen=True)
class Scheduled:
    """A deployment: whether its schedule is on, and its next run."""

    deployment: str
    on: bool
    next: str | None


@dataclass(frozen=True)
class Status:
    """All that `msminer status` tells; missing parts are said in `notes`, never left out in silence."""

    origin: str
    store: str
    counts: Mapping[str, int]
    store_bytes: int | None
    free_bytes: int
    runs: Sequence[RunLine]
    queries: Sequence[Freshness]
    model: str | None
    report: str | None
    watched: str | None
    waiting: Mapping[str, int]
    schedules: Sequence[Scheduled]
    notes: Sequence[str]

    @property
    def last_good(self) -> RunLine | None:
        """The newest run that ended well."""
        return next((run for run in self.runs if run.status == "done"), None)

    def as_json(self) -> str:
        """JSON of everything."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    def lines(self) -> list[str]:
        """For a terminal."""
        return list(_lines(self))


def examine(
    settings: Settings, origin: str, *, now: datetime, prefect_api: str | None = None, quick: bool = False
) -> Status:
    """The status of an origin's store.

    prefect_api: PREFECT_API_URL, or None where no server runs; then no schedule fires, and the notes say so.
    quick: neither load the model, which takes seconds, nor look for the report, nor ask the server.
    Raises StoreError where there is no store yet.
    """
    from msminer.store import open_store

    notes: list[str] = []
    with open_store(settings.database_url(origin), create=False) as store:
        runs = [_run(row, now) for row in store.runs()[::-1]]
        queries, counts, where = _freshness(store, now), store.counts(), store.url.render_as_string(hide_password=True)
        size = _bytes(store)
    watch = Watch(settings.home / "watch" / origin)
    last = watch.last()
    return Status(
        origin=origin,
        store=where,
        counts=counts,
        store_bytes=size,
        free_bytes=shutil.disk_usage(settings.home).free,
        runs=_shown_runs(runs),
        queries=queries,
        model=None if quick else _model(notes),
        report=None if quick else _report(settings, origin),
        watched=last.made_at if last else None,
        waiting={channel.name: len(watch.outbox.waiting(channel.name)) for channel in channels(settings)},
        schedules=[] if quick else _schedules(prefect_api, notes),
        notes=notes,
    )


def _shown_runs(runs: Sequence[RunLine]) -> list[RunLine]:
    shown = list(runs[:_RUNS])
    good = next((run for run in runs if run.status == "done"), None)
    return shown if good is None or good in shown else [*shown, good]


def _run(row: Mapping[str, Any], now: datetime) -> RunLine:
    begun, ended = moment(row["started_at"]), row["finished_at"] and moment(row["finished_at"])
    status = "stale" if row["status"] == "running" and not _alive(row, now) else str(row["status"])
    summary = row["summary"] or {}
    what = str(summary.get("what") or row["owner"])
    seconds = (ended - begun).total_seconds() if ended else None
    return RunLine(row["id"], what, status, row["started_at"], row["finished_at"], seconds, summary)


def _alive(row: Mapping[str, Any], now: datetime) -> bool:
    from msminer.store import lock

    if row["host"] == socket.gethostname() and lock.start_of(row["pid"]) is None:
        return False
    return (now - moment(row["heartbeat_at"])).total_seconds() <= lock.LEASE


def moment(stamp: str) -> datetime:
    """A time of the store."""
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(UTC)


def _freshness(store: Store, now: datetime) -> list[Freshness]:
    last = {row["query"]: row for row in store.searches() if row["finished"]}
    days = {query: (now - moment(row["asked_at"])).total_seconds() / 86_400 for query, row in last.items()}
    return [Freshness(query, row["asked_at"], row["count"], days[query]) for query, row in sorted(last.items())]


def _bytes(store: Store) -> int | None:
    if store.url.get_backend_name() != "sqlite" or not store.url.database:
        return None
    files = [Path(store.url.database + ending) for ending in ("", "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


def _report(settings: Settings, origin: str) -> str | None:
    from msminer.report.folder import latest_report

    folder = latest_report(settings.home, origin)
    return str(folder / "index.html") if folder else None


def _model(notes: list[str]) -> str | None:
    from msminer.classify import load_model

    try:
        return str(load_model().id)
    except ModelError as error:
        notes.append(f"no model: {error}")
        return None


def _schedules(api: str | None, notes: list[str]) -> list[Scheduled]:
    import httpx

    if not api:
        notes.append("PREFECT_API_URL is not set: no schedule is looked up")
        return []
    try:
        with httpx.Client(base_url=api.rstrip("/") + "/", timeout=_API_SECONDS, auth=_auth()) as client:
            deployments = client.post("deployments/filter", json={}).raise_for_status().json()
            due = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "sort": "EXPECTED_START_TIME_ASC"}
            planned = client.post("flow_runs/filter", json=due).raise_for_status().json()
        return list(_scheduled(deployments, planned))
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        notes.append(f"the Prefect server does not answer ({type(error).__name__}): no schedule fires until it does")
        return []


def _auth() -> tuple[str, str] | None:
    # The server's own basic authentication, as Prefect's client reads it.
    user, colon, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return (user, password) if colon else None


def _scheduled(deployments: list[dict[str, Any]], planned: list[dict[str, Any]]) -> Iterator[Scheduled]:
    first: dict[str, str] = {}
    for run in planned:
        first.setdefault(str(run["deployment_id"]), str(run["expected_start_time"]))
    for deployment in sorted(deployments, key=lambda deployment: str(deployment["name"])):
        on = not deployment["paused"] and any(schedule["active"] for schedule in deployment["schedules"])
        yield Scheduled(str(deployment["name"]), on, first.get(str(deployment["id"])))


def _lines(status: Status) -> Iterator[str]:
    size = "size not known" if status.store_bytes is None else f"{status.store_bytes / 2**20:.1f} MB"
    counts = ", ".join(f"{count} {name}" for name, count in status.counts.items())
    yield f"store     {status.origin}: {status.store} ({size}; {status.free_bytes / 2**30:.1f} GB free)"
    yield f"holds     {counts}"
    yield f"model     {status.model or 'none'}"
    for run in status.runs:
        took = "" if run.seconds is None else f", {run.seconds:.0f} s"
        did = run.did()
        yield f"run {run.number:<5} {run.what}: {run.status}, begun {run.started}{took}{': ' if did else ''}{did}"
    if not status.runs:
        yield "run       none yet"
    for query in status.queries:
        yield f"query     {query.query}: {query.count} records, asked {query.asked}, {query.days:.1f} days ago"
    yield f"report    {status.report or 'none yet'}"
    yield f"compared  {status.watched or 'never: the next good run is the first to compare with'}"
    for channel, waiting in status.waiting.items():
        yield f"notices   {channel}: {waiting} waiting" if waiting else f"notices   {channel}: all sent"
    for plan in status.schedules:
        yield f"schedule  {plan.deployment}: {'on' if plan.on else 'off'}, next {plan.next or 'none'}"
    yield from (f"note      {note}" for note in status.notes)
