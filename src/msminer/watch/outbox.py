"""Notices on disk, and who has been told: a notice waits until each channel has taken it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from msminer.errors import NotSent, StoreDamaged
from msminer.watch.channels import Channel
from msminer.watch.notices import Notice
from msminer.watch.snapshot import write_whole


@dataclass(frozen=True)
class Outbox:
    """A folder with one file a notice: {"notice", "sent": {channel: when}}."""

    folder: Path

    def add(self, notices: Iterable[Notice]) -> list[Notice]:
        """Keep the notices; returns those not kept before."""
        fresh = [notice for notice in notices if not self._path(notice).exists()]
        for notice in fresh:
            self._write(notice, {})
        return fresh

    def all(self) -> list[Notice]:
        """All notices, oldest first; raises StoreDamaged for a file that cannot be read."""
        return [notice for notice, _ in self._read()]

    def waiting(self, channel: str) -> list[Notice]:
        """Notices that a channel has not taken yet, oldest first."""
        return [notice for notice, sent in self._read() if channel not in sent]

    def mark(self, notices: Sequence[Notice], channel: str, at: datetime) -> None:
        """Note that a channel took them."""
        told = {notice.id: sent for notice, sent in self._read()}
        for notice in notices:
            self._write(notice, told[notice.id] | {channel: at.isoformat()})

    def _path(self, notice: Notice) -> Path:
        return self.folder / f"{notice.id}.json"

    def _write(self, notice: Notice, sent: dict[str, str]) -> None:
        facts = {"notice": notice.as_dict(), "sent": sent}
        write_whole(self._path(notice), json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True))

    def _read(self) -> list[tuple[Notice, dict[str, str]]]:
        found = [_read_one(path) for path in self.folder.glob("*.json")]
        return sorted(found, key=lambda item: (item[0].at, item[0].id))


def _read_one(path: Path) -> tuple[Notice, dict[str, str]]:
    try:
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
        given = {key: value for key, value in facts["notice"].items() if key != "id"}
        return Notice(**given), dict(facts["sent"])
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreDamaged("a notice cannot be read; move it away", file=path.name, why=repr(error)) from None


def deliver(outbox: Outbox, channels: Sequence[Channel], at: datetime) -> list[NotSent]:
    """Offer each channel what it has not taken; returns what went wrong, for the run's warnings.

    A channel that fails keeps its notices waiting for the next run. A kill between sending and marking sends them twice
    rather than not at all.
    """
    troubles = []
    for channel in channels:
        waiting = outbox.waiting(channel.name)
        try:
            if waiting:
                channel.send(waiting, at)
                outbox.mark(waiting, channel.name, at)
        except NotSent as error:
            troubles.append(error)
    return troubles
