"""The sandbox: the service on a loopback port, with a request log, a rate limit and a fault plan."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from msminer.sandbox.connection import BASE_PATH, Connection, Listener, Logged
from msminer.sandbox.faults import Plan
from msminer.sandbox.limits import RateLimit
from msminer.sandbox.records import load
from msminer.sandbox.service import Service


class Sandbox:
    """An E-utilities server on loopback over PubMed XML files.

    paths: PubMed XML files, plain or gzip. faults: entries of a fault plan (docs/sandbox.md). window: most records of
    one search that can be reached. rate: whether the rate limit holds. clock: seconds since 1970 for dates, history and
    rate; without one the system's. on_request: called with each log entry. Raises DataError for a file that cannot be
    read.
    """

    def __init__(
        self,
        paths: Iterable[Path | str],
        *,
        faults: Sequence[Mapping[str, Any]] = (),
        window: int = 9_999,
        rate: bool = True,
        clock: Callable[[], float] | None = None,
        port: int = 0,
        on_request: Callable[[Logged], None] | None = None,
    ) -> None:
        self._offset = 0.0
        self._wall = clock or time.time
        self.service = Service(load(paths), window, self.now)
        self.plan = Plan(faults)
        self.limit = RateLimit(clock or time.monotonic) if rate else None
        self.log: list[Logged] = []
        self.on_request = on_request
        self.closing = threading.Event()
        self.lock = threading.RLock()
        self.connections = itertools.count(1)
        self._port = port
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None
        self._back: threading.Timer | None = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base address, for MSMINER_ENTREZ_URL."""
        return f"http://127.0.0.1:{self._port}{BASE_PATH}"

    def now(self) -> float:
        """The service's time, seconds since 1970."""
        return self._wall() + self._offset

    def set_clock(self, moment: datetime) -> None:
        """Make it another time; dates without a zone are UTC."""
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self._offset = aware.timestamp() - self._wall()

    def start(self) -> None:
        """Listen; after `stop` the same port is used again, so that a server can go away and come back."""
        self.closing.clear()
        handler = type("Handler", (Connection,), {"sandbox": self})
        self._server = Listener(("127.0.0.1", self._port), handler)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on; replies under way are cut."""
        with self.lock:
            if self._back is not None:
                self._back.cancel()
                self._back = None
            self._stop_listening()

    def go_away(self, seconds: float) -> None:
        """Refuse connections for a time, unless stopped meanwhile."""
        with self.lock:
            self._stop_listening()
            self._back = threading.Timer(seconds, self._come_back)
            self._back.daemon = True
            self._back.start()

    def _come_back(self) -> None:
        with self.lock:
            if self._back is not None:
                self._back = None
                self.start()

    def _stop_listening(self) -> None:
        self.closing.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None
