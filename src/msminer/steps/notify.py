"""After the verdicts: tell people what moved since the last good run, or that this run failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msminer.errors import MsminerError, StoreLocked
from msminer.resources import shipped
from msminer.steps.job import Job, register_of
from msminer.steps.session import note, stage_of, timed

if TYPE_CHECKING:
    from msminer.errors import NotSent
    from msminer.steps.judging import Tables
    from msminer.watch.channels import Channel
    from msminer.watch.job import Watch
    from msminer.watch.notices import Notice
    from msminer.watch.snapshot import Snapshot


@dataclass(frozen=True)
class Told:
    """Notices of a run, what could not be sent, and a text for a reader."""

    notices: tuple[Notice, ...]
    warnings: tuple[str, ...]
    says: str


@timed("notify")
def notify(job: Job, tables: Tables, verdicts: Mapping[str, Any], *, dry_run: bool = False) -> Told:
    """Compare with the last good run and tell what matters; a dry run tells nobody and remembers nothing.

    A channel that fails is a warning: its notices wait for the next run. Raises StoreDamaged for an unreadable past.
    """
    from msminer.watch.job import shown

    watch, now = watch_of(job), datetime.now(UTC)
    last, rules = watch.last(), register_of(job.claims).rules
    limits = (rules.block.support_share, round(1 - rules.block.support_share, 6))
    taken = _snapshot(job, tables, verdicts, last, now)
    notices = watch.seen(taken, thresholds=limits)
    troubles: list[NotSent] = []
    text = shown(notices, last.made_at if last else None)
    if not dry_run:
        notices, troubles = watch.finished(taken, _channels(job), thresholds=limits, now=now)
        note(notices=len(notices))
    return Told(tuple(notices), tuple(map(str, troubles)), text)


@timed("notify")
def still(job: Job) -> Told:
    """After a run whose report stands: remember that it ended well, and offer the channels what waits for them."""
    from msminer.watch.job import shown

    watch = watch_of(job)
    last = watch.last()
    troubles = watch.still(_channels(job), now=datetime.now(UTC))
    note(notices=0)
    return Told((), tuple(map(str, troubles)), shown([], last.made_at if last else None))


def alarm(job: Job, error: Exception, stage: str) -> Told:
    """Tell that a run failed while it was at a stage, once for each kind of error until a run succeeds."""
    from msminer.watch.channels import digest

    notices, troubles = watch_of(job).broke(error, _channels(job), stage=stage, now=datetime.now(UTC))
    return Told(tuple(notices), tuple(map(str, troubles)), digest(notices) if notices else "")


@contextmanager
def alarmed(job: Job) -> Iterator[None]:
    """Tell people when the block fails, and let the error go on; a store that another run holds is no failure.

    However it ends, the metrics are written: a run that fails must show there too.
    """
    try:
        yield
    except StoreLocked:
        raise
    except Exception as error:
        # Whatever is wrong with the memory or a channel must not hide what went wrong first.
        with suppress(MsminerError):
            alarm(job, error, stage_of(error))
        raise
    finally:
        # Where the disk is full or the store is damaged the error itself says so.
        with suppress(MsminerError):
            _write_metrics(job)


def _write_metrics(job: Job) -> None:
    from msminer.metrics import write_metrics

    write_metrics(job.settings, job.source, now=datetime.now(UTC))


def _channels(job: Job) -> list[Channel]:
    from msminer.watch.channels import channels

    # The sample shows how the job works; nobody needs to be told of it.
    return channels(job.settings) if job.source != "sample" else []


def watch_of(job: Job) -> Watch:
    """The memory of a source's watch, in MSMINER_HOME; a register or search of the user's own has one of its own."""
    from msminer.watch.job import Watch

    name = str(job.source)
    if job.claims is not None or any(query.name == "custom" for query in job.queries):
        name += "-" + _key(job)
    return Watch(job.settings.home / "watch" / name)


def _key(job: Job) -> str:
    import hashlib

    custom = "".join(query.term for query in job.queries if query.name == "custom")
    return hashlib.sha256(f"{job.claims}\n{custom}".encode()).hexdigest()[:8]


def _snapshot(job: Job, tables: Tables, verdicts: Mapping[str, Any], last: Snapshot | None, now: datetime) -> Snapshot:
    from msminer.pubmed.recall import is_relevant, read_gold
    from msminer.watch.snapshot import take

    gold = read_gold(shipped("data", "gold", "gold.jsonl"))
    return take(
        made_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        origin=job.source,
        verdicts=verdicts,
        articles=tables.articles,
        labels=tables.labels,
        studies=tables.studies,
        searches=tables.searches,
        landmarks=frozenset(str(row["pmid"]) for row in gold if is_relevant(row)),
        previous=last,
    )
