"""The next pieces of a file are cut and checked by a thread while those before are read.

Unpacking and checking are the work of C libraries that let go of the interpreter, so both go on at once.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msminer.pubmed.window import Piece

# Pieces asked for beforehand: one in hand and one in work; more made nothing faster (2026-11).
_AHEAD = 2


@contextlib.contextmanager
def read_ahead(pieces: Iterator[Piece]) -> Iterator[Iterator[Piece]]:
    """The same pieces in the same order, with the same error at the same place.

    Their stream may be closed behind the block: the thread has ended by then, also after an error.
    """
    with ThreadPoolExecutor(1, "pieces") as worker:
        yield _in_order(worker, pieces)


def _in_order(worker: ThreadPoolExecutor, pieces: Iterator[Piece]) -> Iterator[Piece]:
    waiting: deque[Future[Piece | None]] = deque()
    for _ in range(_AHEAD):
        waiting.append(worker.submit(next, pieces, None))
    while (piece := waiting.popleft().result()) is not None:
        waiting.append(worker.submit(next, pieces, None))
        yield piece
