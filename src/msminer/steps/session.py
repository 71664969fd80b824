"""What the steps of one run share: the store they hold, and whom they tell of progress."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from msminer.steps.job import Job
    from msminer.store import Store
    from msminer.store.runs import Run

P = ParamSpec("P")
T = TypeVar("T")
Tell = Callable[[str, int, int], None]
_LOG = logging.getLogger("msminer")
_STAGE = "msminer failed while it was to "


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


_TELL: ContextVar[Tell] = ContextVar("tell", default=_silent)


@contextmanager
def watching(tell: Tell) -> Iterator[None]:
    """Have the steps report progress as tell(stage, done, total) while the context is open."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)


def tell(stage: str, done: int, total: int) -> None:
    """Report progress to whoever watches."""
    _TELL.get()(stage, done, total)


_OPEN: ContextVar[Store | None] = ContextVar("open_store", default=None)
_RUN: ContextVar[Run | None] = ContextVar("run", default=None)


def note(**facts: Any) -> None:
    """Add facts to the summary of the run that is held; without one they are lost, as nothing keeps them."""
    run = _RUN.get()
    if run is not None:
        run.summary = {**(run.summary or {}), **facts}


def stage_of(error: BaseException) -> str:
    """The step that an error came from; "begin" where it came from none."""
    notes = [text for text in getattr(error, "__notes__", []) if text.startswith(_STAGE)]
    return notes[0].removeprefix(_STAGE) if notes else "begin"


def timed(stage: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a step: the seconds it took stand in the run's summary, and an error remembers the step it came from."""

    def wrap(step: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(step)
        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            began = time.monotonic()
            try:
                return step(*args, **kwargs)
            except Exception as error:
                note(failed_in=stage, error=type(error).__name__)
                error.add_note(_STAGE + stage)
                raise
            finally:
                held = _RUN.get()
                before = (held.summary or {}).get("seconds", {}) if held else {}
                note(seconds={**before, stage: round(time.monotonic() - began, 3)})

        return run

    return wrap


@contextmanager
def running(job: Job, what: str = "run", *, create: bool = True) -> Iterator[None]:
    """Hold the store's single-run lock for a job; raises StoreLocked when another run is alive.

    create: make the store where there is none, else raise StoreError.
    """
    from msminer.store import open_store

    if create:
        job.settings.home.mkdir(parents=True, exist_ok=True)
    with open_store(job.url, origin=job.source, create=create) as store, store.run(what) as run:
        run.summary = {"what": what, "source": job.source, "queries": [query.name for query in job.queries]}
        token, held = _OPEN.set(store), _RUN.set(run)
        try:
            yield
        finally:
            _OPEN.reset(token)
            _RUN.reset(held)
            _LOG.info("%s ended, run %d", what, run.number, extra={"summary": run.summary})


@contextmanager
def store_of(job: Job) -> Iterator[Store]:
    """The store that `running` holds, or one opened for reading; raises StoreError where there is none."""
    from msminer.store import open_store

    held = _OPEN.get()
    if held is not None:
        yield held
        return
    with open_store(job.url, origin=job.source, create=False) as store:
        yield store
