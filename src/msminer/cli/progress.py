"""Progress: a bar on a terminal, one log line a stage elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msminer.logs import set_up
from msminer.settings import load_settings
from msminer.steps import watching


@contextmanager
def progress() -> Iterator[Callable[[], bool]]:
    """Show the steps' progress while open: bars with rich on a terminal, one log line a stage elsewhere.

    Gives a function that says whether any step has begun.
    """
    set_up(load_settings())
    seen: set[str] = set()
    with _shown() as show:

        def tell(stage: str, done: int, total: int) -> None:
            seen.add(stage)
            show(stage, done, total)

        with watching(tell):
            yield lambda: bool(seen)


@contextmanager
def _shown() -> Iterator[Callable[[str, int, int], None]]:
    if not sys.stderr.isatty():
        yield _log
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield show


def _log(stage: str, done: int, total: int) -> None:
    if done >= total:
        logging.getLogger("msminer").info("%s: %d of %d", stage, done, total)
