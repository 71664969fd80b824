"""The folder of one annotation round: queue.jsonl (PMIDs, no text), readings/NAME.jsonl and decisions/NAME.jsonl."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from msminer.annotate import journal
from msminer.errors import DataError, UsageError

Draw = Literal["narrowing", "rare", "random"]
_READER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class Proposal(BaseModel):
    """One record to read.

    draw: narrowing (its labels narrow the intervals most), rare (labels with few examples), random.
    score: summed narrowing of the 95% intervals in points of share (0 to 100 each), rare: expected examples weighted
    by their rarity, random: 0. why: the largest parts of the score; never shown to readers, since it tells what the
    model thinks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pmid: str
    draw: Draw
    score: float
    why: str


@dataclass(frozen=True)
class Project:
    """One round's folder."""

    folder: Path

    @property
    def queue_file(self) -> Path:
        """The records to read, in order."""
        return self.folder / "queue.jsonl"

    def reading_file(self, reader: str) -> Path:
        """The journal of a reader; raises UsageError for a name that cannot be a file's."""
        return self.folder / "readings" / f"{checked_reader(reader)}.jsonl"

    def decision_file(self, reader: str) -> Path:
        """The journal of an adjudicator; raises UsageError for a name that cannot be a file's."""
        return self.folder / "decisions" / f"{checked_reader(reader)}.jsonl"

    def queue(self) -> list[Proposal]:
        """The proposals in order; empty where there is no queue yet. Raises DataError naming the line."""
        lines = self.queue_file.read_text(encoding="utf-8").splitlines() if self.queue_file.exists() else []
        return [_proposal(line, number) for number, line in enumerate(lines, start=1) if line]

    def add(self, proposals: Sequence[Proposal]) -> int:
        """Add new proposals behind the others, which keep their places; returns how many were new."""
        known = {proposal.pmid for proposal in self.queue()}
        new = [proposal for proposal in proposals if proposal.pmid not in known]
        if new:
            self.folder.mkdir(parents=True, exist_ok=True)
            text = "".join(proposal.model_dump_json() + "\n" for proposal in new)
            journal.append_line(self.queue_file, text.encode())
        return len(new)

    def readings(self) -> dict[str, journal.Contents]:
        """Reader → contents, by name."""
        return _all(self.folder / "readings")

    def decisions(self) -> dict[str, journal.Contents]:
        """Adjudicator → contents, by name."""
        return _all(self.folder / "decisions")


def checked_reader(name: str) -> str:
    """The name, if it can name a file: 1 to 40 letters, digits, _ or -; raises UsageError."""
    if not _READER.fullmatch(name):
        raise UsageError("a reader's name has 1 to 40 letters, digits, _ or -", reader=name)
    return name


def _proposal(line: str, number: int) -> Proposal:
    try:
        return Proposal.model_validate(json.loads(line))
    except (ValueError, ValidationError) as error:
        raise DataError(f"line {number} of queue.jsonl is no proposal", why=str(error).splitlines()[0]) from None


def _all(folder: Path) -> dict[str, journal.Contents]:
    return {path.stem: journal.read(path) for path in sorted(folder.glob("*.jsonl"))}
