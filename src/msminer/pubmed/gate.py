"""The rate gate: one for all threads and processes of a machine, so that together they stay under NCBI's limit.

NCBI counts requests per address in a window of one second as they arrive (3 without a key, 10 with one; NBK25497). A
start time here is no arrival time there: a loaded machine can hold a request back. So a request counts as lying
anywhere between its start and its end. It may start only while fewer than the limit are under way or ended less than
a window ago. Whatever the delays in between, no window then holds more than the limit. Starts are spaced as well.

The state is a small file under a file lock. Times are those of the system-wide monotonic clock: a jump of the wall
clock changes nothing. A request whose process is gone counts as ended when that is noticed.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypedDict, cast

from msminer.errors import SettingsError

# One second as the server counts it, and room for its clock and for a reply that is read before it is logged.
WINDOW = 1.05
# Longest closing that is honoured, in seconds (polite_request_pacing of bmlibrarian_lite).
LONGEST_CLOSING = 300.0
# After a refusal starts are spaced twice as far, up to one in 30 s; ten good replies win one step back (same source).
LONGEST_SPACE = 30.0
GOOD_REPLIES_A_STEP = 10
# Longer than any request may last (deadline 120 s): a slot that is older was lost.
LOST_SLOT = 150.0
_POLL = 0.05


class _Slot(TypedDict):
    pid: int
    id: int
    start: float
    end: float | None


class _State(TypedDict):
    boot: str
    closed: float
    last: float
    steps: int
    good: int
    next_id: int
    slots: list[_Slot]


class Gate:
    """The gate of a folder; `limit` is the number of requests a second.

    clock and sleep are those of the machine by default; tests pass their own.
    """

    def __init__(
        self,
        folder: Path,
        limit: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.folder, self.limit, self._clock, self._sleep = folder, limit, clock, sleep
        self._thread_lock = threading.Lock()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait for a turn, hold it while the request is under way; raises SettingsError without a writable folder."""
        slot = self._enter()
        try:
            yield
        finally:
            self._leave(slot)

    def close_for(self, seconds: float) -> None:
        """Let nobody start for so many seconds from now (at most 300), and space later starts twice as far."""
        with self._state() as state:
            state["closed"] = max(state["closed"], self._clock() + min(max(seconds, 0.0), LONGEST_CLOSING))
            state["steps"] = min(state["steps"] + 1, 8)
            state["good"] = 0

    def praise(self) -> None:
        """Count a good reply; ten of them undo one step of slowing down."""
        with self._state() as state:
            if state["steps"]:
                state["good"] += 1
                if state["good"] >= GOOD_REPLIES_A_STEP:
                    state["steps"], state["good"] = state["steps"] - 1, 0

    def _enter(self) -> int:
        while True:
            with self._state() as state:
                wait = self._wait(state)
                if wait <= 0:
                    return self._take(state)
            self._sleep(wait)

    def _take(self, state: _State) -> int:
        now, number = self._clock(), state["next_id"]
        state["next_id"], state["last"] = number + 1, now
        state["slots"].append({"pid": os.getpid(), "id": number, "start": now, "end": None})
        return number

    def _leave(self, number: int) -> None:
        with self._state() as state:
            for slot in state["slots"]:
                if slot["id"] == number:
                    slot["end"] = self._clock()

    def _wait(self, state: _State) -> float:
        now = self._clock()
        waits = [state["closed"] - now, state["last"] + self._space(state) - now]
        if len(state["slots"]) >= self.limit:
            ends = sorted(slot["end"] for slot in state["slots"] if slot["end"] is not None)
            over = len(state["slots"]) - self.limit
            waits.append(ends[over] + WINDOW - now if over < len(ends) else _POLL)
        return max(waits)

    def _space(self, state: _State) -> float:
        return min(float(2 ** state["steps"]) / self.limit, LONGEST_SPACE)

    @contextmanager
    def _state(self) -> Iterator[_State]:
        with self._thread_lock, self._file() as descriptor:
            state = self._sound(_read(descriptor, self._clock()))
            yield state
            with _writable(self.folder):
                os.pwrite(descriptor, json.dumps(state).encode().ljust(os.fstat(descriptor).st_size), 0)

    @contextmanager
    def _file(self) -> Iterator[int]:
        with _writable(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "rate-gate.json", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _sound(self, state: _State | None) -> _State:
        """The state without what time has undone: another boot, lost slots, times that lie in no possible future."""
        now = self._clock()
        if state is None or state["boot"] != _boot():
            return _fresh(now, full=0 if state else self.limit)
        if state["closed"] > now + LONGEST_CLOSING:
            state["closed"] = now
        state["last"] = min(state["last"], now)
        state["slots"] = [_settled(slot, now) for slot in state["slots"]]
        state["slots"] = [slot for slot in state["slots"] if slot["end"] is None or now - slot["end"] < WINDOW]
        return state


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        says = "the rate gate needs a writable folder with room; make room or set MSMINER_HOME"
        raise SettingsError(says, folder=str(folder), reason=error.strerror) from None


def _settled(slot: _Slot, now: float) -> _Slot:
    if slot["end"] is None and (now - slot["start"] > LOST_SLOT or not _alive(slot["pid"])):
        return {**slot, "end": now}
    return {**slot, "end": min(slot["end"], now)} if slot["end"] is not None else slot


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return "unknown"


def _fresh(now: float, *, full: int) -> _State:
    slots: list[_Slot] = [{"pid": 0, "id": -1, "start": now, "end": now} for _ in range(full)]
    return {
        "boot": _boot(),
        "closed": 0.0,
        "last": now - LONGEST_SPACE,
        "steps": 0,
        "good": 0,
        "next_id": 0,
        "slots": slots,
    }


def _read(descriptor: int, now: float) -> _State | None:
    """The saved state; None for a file that a dying process left unreadable, whose last second then counts as full."""
    raw = os.pread(descriptor, 1_000_000, 0)
    if not raw:
        return _fresh(now, full=0)
    data: Any = None
    with suppress(ValueError):
        data = json.loads(raw)
    return cast(_State, data) if isinstance(data, dict) and data.keys() == _State.__annotations__.keys() else None
