"""What one reader does with one round: which record is next, what is saved, what is still wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msminer.annotate import journal
from msminer.annotate.compare import Pair, common, open_pairs
from msminer.annotate.journal import FINISHED, Contents, Entry, State
from msminer.annotate.project import Project
from msminer.annotate.rules import Labels, Problem, complete, problems, text_hash, text_of
from msminer.errors import DataError, MsminerError
from msminer.vocabulary import Vocabulary

Splitter = Callable[[str], Sequence[tuple[int, int]]]
Texts = Mapping[str, tuple[str, str]]


class Changed(MsminerError):
    """The record was changed in another tab since this one was loaded."""


class Unfinished(MsminerError):
    """A reading that breaks a rule cannot be finished."""


@dataclass(frozen=True)
class Record:
    """One record as the page shows it; sentences are spans of text, the title first."""

    pmid: str
    text: str
    sha: str
    sentences: tuple[tuple[int, int], ...]
    labels: Labels
    state: State | None
    revision: int
    problems: tuple[Problem, ...]
    pair: Pair | None = None


@dataclass(frozen=True)
class Saved:
    """What the page learns after a change."""

    labels: Labels
    state: State
    revision: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


class Work(Protocol):
    """What a reader or an adjudicator has before them."""

    @property
    def path(self) -> Path:
        """The journal that changes go to."""

    @property
    def pmids(self) -> Sequence[str]:
        """The records in order."""

    def pair(self, pmid: str) -> Pair | None:
        """The readings to decide between, for an adjudicator."""


class Reading:
    """A reader's own way through the queue; sees nobody else's work."""

    def __init__(self, project: Project, reader: str) -> None:
        self.path = project.reading_file(reader)
        # Whoever decided on a record has seen two readings of it and can no longer read it alone.
        decided = journal.read(project.decision_file(reader)).latest
        self.pmids = [proposal.pmid for proposal in project.queue() if proposal.pmid not in decided]

    def pair(self, pmid: str) -> None:
        """Nothing: readers work alone."""


class Adjudication:
    """The records on which two others differ, or that one of them doubts."""

    def __init__(self, project: Project, reader: str) -> None:
        self.path = project.decision_file(reader)
        self._pairs = {pair.pmid: pair for pair in open_pairs(project, reader)}
        self.pmids = list(self._pairs)

    def pair(self, pmid: str) -> Pair:
        """The two readings."""
        return self._pairs[pmid]


class Session:
    """One reader at one round. `texts` maps PMIDs to (title, abstract); `now` gives the time of each change."""

    def __init__(
        self, work: Work, texts: Texts, *, vocabulary: Vocabulary, splitter: Splitter, now: Callable[[], datetime]
    ) -> None:
        self.work = work
        self.texts = texts
        self.vocabulary = vocabulary
        self.splitter = splitter
        self.now = now
        self._contents: Contents | None = None

    def contents(self) -> Contents:
        """The reader's journal, read once: nobody else writes it while the page is open."""
        if self._contents is None:
            self._contents = journal.read(self.work.path)
        return self._contents

    def states(self) -> dict[str, State | None]:
        """PMID → state of this reader's work, in the order of the queue; None where the record is untouched."""
        contents = self.contents()
        return {pmid: self._state(pmid, contents) for pmid in self.work.pmids if pmid in self.texts}

    def missing(self) -> list[str]:
        """PMIDs of the queue whose text is not at hand."""
        return [pmid for pmid in self.work.pmids if pmid not in self.texts]

    def next_after(self, pmid: str | None = None) -> str | None:
        """The first open record behind `pmid`, then from the top; None when all are finished or skipped."""
        states = self.states()
        order = list(states)
        start = order.index(pmid) + 1 if pmid in states else 0
        return next((name for name in order[start:] + order[:start] if states[name] in {None, "draft"}), None)

    def before(self, pmid: str) -> str | None:
        """The record before `pmid`, None at the top."""
        order = list(self.states())
        place = order.index(pmid)
        return order[place - 1] if place else None

    def record(self, pmid: str) -> Record:
        """The record with this reader's labels; raises DataError when it is not in the queue or has no text."""
        if pmid not in self.work.pmids or pmid not in self.texts:
            raise DataError("this record is not in the queue", pmid=pmid)
        title, abstract = self.texts[pmid]
        text, sha = text_of(title, abstract), text_hash(title, abstract)
        contents, pair = self.contents(), self.work.pair(pmid)
        entry = self._current(contents.latest.get(pmid), pmid)
        labels = entry.labels if entry else common(pair) if pair else Labels()
        spans = tuple(self.splitter(text))
        found = tuple(problems(labels, self.vocabulary, spans))
        state, revision = entry.state if entry else None, contents.revisions.get(pmid, 0)
        return Record(pmid, text, sha, spans, labels, state, revision, found, pair)

    def save(self, pmid: str, labels: Labels, state: State, revision: int) -> Saved:
        """Keep a change on the disk. Raises Changed when another tab was faster, Unfinished when a rule is broken."""
        record = self.record(pmid)
        if revision != record.revision:
            raise Changed("this record was changed in another tab; load it again")
        whole, notes = complete(labels, self.vocabulary)
        found = tuple(problems(whole, self.vocabulary, record.sentences))
        if state in FINISHED and found:
            raise Unfinished(found[0].message)
        of = record.pair.digest if record.pair else None
        at = self.now().isoformat(timespec="seconds")
        entry = Entry(pmid=pmid, state=state, labels=whole, text_sha256=record.sha, at=at, of=of)
        journal.append(self.work.path, entry)
        self._contents = self.contents().followed_by(entry)
        return Saved(whole, state, revision + 1, found, tuple(notes))

    def _state(self, pmid: str, contents: Contents) -> State | None:
        entry = self._current(contents.latest.get(pmid), pmid)
        return entry.state if entry else None

    def _current(self, entry: Entry | None, pmid: str) -> Entry | None:
        """The entry; None, to read anew, where its text or the readings it decides between have changed."""
        pair = self.work.pair(pmid)
        fresh = (
            entry is not None
            and entry.text_sha256 == text_hash(*self.texts[pmid])
            and entry.of == (pair.digest if pair else None)
        )
        return entry if fresh else None
