"""What the steps of one run share: the store they hold, and whom they tell of progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msminer.steps.job import Job
    from msminer.store import Store

Tell = Callable[[str, int, int], None]


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


@contextmanager
def running(job: Job, what: str = "run") -> Iterator[None]:
    """Hold the store's single-run lock for a job; raises StoreLocked when another run is alive."""
    from msminer.store import open_store

    job.settings.home.mkdir(parents=True, exist_ok=True)
    with open_store(job.url, origin=job.source) as store, store.run(what) as run:
        run.summary = {"what": what, "source": job.source, "queries": [query.name for query in job.queries]}
        token = _OPEN.set(store)
        try:
            yield
        finally:
            _OPEN.reset(token)


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
