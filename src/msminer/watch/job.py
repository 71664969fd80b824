"""The step after the verdicts: compare with the last good run, keep what moved, tell people, remember this run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from msminer.errors import NotSent, StoreDamaged
from msminer.watch.channels import Channel, digest
from msminer.watch.feed import atom
from msminer.watch.notices import Notice, compare, failed
from msminer.watch.outbox import Outbox, deliver
from msminer.watch.snapshot import Snapshot, load, save, write_whole


@dataclass(frozen=True)
class Watch:
    """Where the watch of one origin keeps its memory: last.json, one file a notice, and the feed.

    folder: e.g. watch/entrez in MSMINER_HOME; the sample's memory is another folder's.
    """

    folder: Path

    @property
    def feed(self) -> Path:
        """The Atom feed."""
        return self.folder / "verdicts.atom"

    @property
    def outbox(self) -> Outbox:
        """The notices kept here."""
        return Outbox(self.folder / "notices")

    def last(self) -> Snapshot | None:
        """The last good run; raises StoreDamaged."""
        return load(self.folder / "last.json")

    def seen(self, after: Snapshot, *, thresholds: tuple[float, ...]) -> list[Notice]:
        """What moved since the last good run, without keeping or telling anything: the dry run."""
        return compare(self.last(), after, thresholds=thresholds)

    def finished(
        self, after: Snapshot, channels: Sequence[Channel], *, thresholds: tuple[float, ...], now: datetime
    ) -> tuple[list[Notice], list[NotSent]]:
        """Keep and tell what moved, then remember this run; returns the notices and what could not be sent.

        In this order a kill at any moment loses no notice: the next run compares with the same past and finds the same.
        """
        notices = self.outbox.add(self.seen(after, thresholds=thresholds))
        write_whole(self.feed, atom(self.outbox.all()))
        save(after, self.folder / "last.json")
        return notices, deliver(self.outbox, channels, now)

    def still(self, channels: Sequence[Channel], *, now: datetime) -> list[NotSent]:
        """A good run that found nothing moved: remember when, offer what waits; returns what could not be sent.

        Raises StoreDamaged.
        """
        last = self.last()
        if last is not None:
            save(replace(last, made_at=now.strftime("%Y-%m-%dT%H:%M:%SZ")), self.folder / "last.json")
        return deliver(self.outbox, channels, now)

    def broke(
        self, error: Exception, channels: Sequence[Channel], *, stage: str, now: datetime
    ) -> tuple[list[Notice], list[NotSent]]:
        """Tell that a run failed, once for each kind of error until a run succeeds; the past is left as it was."""
        try:
            last = self.last()
        except StoreDamaged:
            # This may be what the run failed of; it must still be told.
            last = None
        notice = failed(error, stage=stage, at=now.strftime("%Y-%m-%dT%H:%M:%SZ"), since=last.made_at if last else "")
        notices = self.outbox.add([notice])
        return notices, deliver(self.outbox, channels, now)


def shown(notices: Sequence[Notice], since: str | None) -> str:
    """What a dry run prints: the notices, or that nothing moved and since when."""
    if notices:
        return digest(notices)
    return f"nothing that matters moved since {since}" if since else "the first run: nothing to compare with"
