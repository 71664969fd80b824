"""The rate gate: never more than the limit in a window, whatever threads, processes, clocks and crashes do."""

# ruff: noqa: E501  (records and tables of answers are easier to compare one a line)

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorkit import articles, write_records
from msminer.errors import SettingsError
from msminer.pubmed.gate import LONGEST_CLOSING, LONGEST_SPACE, LOST_SLOT, WINDOW, Gate
from msminer.sandbox import Sandbox


class Clock:
    """A clock that only sleeping and working move."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def gate_at(folder: Path, clock: Clock, limit: int = 3) -> Gate:
    return Gate(folder, limit, clock=clock, sleep=clock.sleep)


def state(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "rate-gate.json").read_bytes()))


def most_in_a_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max(sum(start <= t < start + 1.0 for t in ordered) for start in ordered)


def test_the_first_request_does_not_wait(tmp_path: Path) -> None:
    clock = Clock()
    with gate_at(tmp_path, clock).request():
        assert clock.now == 1_000.0


def test_starts_are_spaced_and_the_window_holds(tmp_path: Path) -> None:
    clock, starts = Clock(), []
    gate = gate_at(tmp_path, clock)
    for _ in range(7):
        with gate.request():
            starts.append(clock.now)
            clock.now += 0.01
    gaps = [late - early for early, late in pairwise(starts)]
    assert min(gaps) >= 1 / 3 - 1e-9
    assert most_in_a_second(starts) == 3


@given(st.lists(st.floats(0, 3), min_size=5, max_size=25), st.integers(1, 10))
def test_no_window_holds_more_than_the_limit_wherever_arrivals_lie(
    tmp_path_factory: pytest.TempPathFactory, durations: list[float], limit: int
) -> None:
    """Each request arrives at its very end or its very start: the worst that delays can do."""
    folder, clock, arrivals = tmp_path_factory.mktemp("gate"), Clock(), []
    gate = gate_at(folder, clock, limit)
    for number, seconds in enumerate(durations):
        with gate.request():
            began = clock.now
            clock.now += seconds
            arrivals.append(clock.now if number % 2 else began)
    assert most_in_a_second(arrivals) <= limit


def test_overlapping_requests_count_until_a_window_after_their_end(tmp_path: Path) -> None:
    clock = Clock()
    gate = gate_at(tmp_path, clock, 2)
    first = gate._enter()
    second = gate._enter()
    clock.now += 10
    gate._leave(first)
    ended = clock.now
    third = gate._enter()
    assert clock.now >= ended + WINDOW - 1e-9
    for slot in (second, third):
        gate._leave(slot)


def test_a_closed_gate_opens_after_the_time_and_not_before(tmp_path: Path) -> None:
    clock = Clock()
    gate = gate_at(tmp_path, clock)
    gate.close_for(20)
    gate.close_for(5)
    with gate_at(tmp_path, clock).request():
        assert clock.now >= 1_020.0


def test_closing_has_a_limit(tmp_path: Path) -> None:
    clock = Clock()
    gate_at(tmp_path, clock).close_for(1e9)
    with gate_at(tmp_path, clock).request():
        assert 1_000 + LONGEST_CLOSING <= clock.now <= 1_001 + LONGEST_CLOSING


def test_each_refusal_halves_the_rate_and_ten_good_replies_win_a_step_back(tmp_path: Path) -> None:
    clock = Clock()
    gate = gate_at(tmp_path, clock)
    for steps in (1, 2):
        gate.close_for(0)
        assert state(tmp_path)["steps"] == steps
    with gate.request():
        began = clock.now
    with gate.request():
        assert clock.now - began >= 4 / 3 - 1e-9
    for _ in range(9):
        gate.praise()
    assert state(tmp_path)["steps"] == 2
    gate.praise()
    assert (state(tmp_path)["steps"], state(tmp_path)["good"]) == (1, 0)


def test_the_rate_never_falls_below_one_in_30_seconds(tmp_path: Path) -> None:
    clock = Clock()
    gate = gate_at(tmp_path, clock)
    for _ in range(40):
        gate.close_for(0)
    with gate.request():
        began = clock.now
    with gate.request():
        assert clock.now - began <= LONGEST_SPACE + 0.01


def test_praise_without_a_refusal_changes_nothing(tmp_path: Path) -> None:
    gate = gate_at(tmp_path, Clock())
    gate.praise()
    assert state(tmp_path)["good"] == 0


def test_a_request_of_a_dead_process_ends_when_that_is_noticed(tmp_path: Path) -> None:
    code = f"from msminer.pubmed.gate import Gate; import pathlib, os; g = Gate(pathlib.Path({str(tmp_path)!r}), 1); g._enter(); os._exit(9)"
    subprocess.run([sys.executable, "-c", code], check=False)
    clock = Clock(float(state(tmp_path)["last"]))  # type: ignore[arg-type]
    began = clock.now
    with gate_at(tmp_path, clock, 1).request():
        assert WINDOW - 1e-6 <= clock.now - began < WINDOW + 0.1  # a sum of floats, whatever the clock shows


def test_a_slot_that_outlived_every_deadline_is_dropped(tmp_path: Path) -> None:
    clock = Clock()
    gate = gate_at(tmp_path, clock, 1)
    gate._enter()
    clock.now += LOST_SLOT + 1
    with gate.request():
        assert clock.now <= 1_000 + LOST_SLOT + 1 + WINDOW + 0.01


@pytest.mark.parametrize("rubbish", [b"{", b"null", b"[]", b'{"boot": "x"}', b"\x00" * 40])
def test_a_torn_file_counts_as_a_full_second(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "rate-gate.json").write_bytes(rubbish)
    clock = Clock()
    with gate_at(tmp_path, clock).request():
        assert clock.now >= 1_000 + WINDOW - 1e-9


def test_a_new_boot_starts_the_clock_anew(tmp_path: Path) -> None:
    clock = Clock(9_000_000.0)
    gate = gate_at(tmp_path, clock)
    gate.close_for(300)
    saved = state(tmp_path) | {"boot": "another"}
    (tmp_path / "rate-gate.json").write_text(json.dumps(saved))
    early = Clock(10.0)
    with gate_at(tmp_path, early).request():
        assert early.now == 10.0


def test_times_from_an_impossible_future_are_put_right(tmp_path: Path) -> None:
    clock = Clock()
    gate_at(tmp_path, clock).close_for(1)
    saved = state(tmp_path) | {
        "closed": 1e9,
        "last": 1e9,
        "slots": [{"pid": os.getpid(), "id": 0, "start": 1e9, "end": 1e9}],
    }
    (tmp_path / "rate-gate.json").write_text(json.dumps(saved))
    with gate_at(tmp_path, clock).request():
        assert clock.now <= 1_000 + 2 * WINDOW


def test_a_failing_request_still_ends(tmp_path: Path) -> None:
    clock = Clock()
    gate = gate_at(tmp_path, clock)
    with pytest.raises(RuntimeError), gate.request():
        raise RuntimeError
    assert all(slot["end"] is not None for slot in state(tmp_path)["slots"])  # type: ignore[attr-defined]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match="MSMINER_HOME"), Gate(tmp_path / "file" / "home", 3).request():
        pass


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(SettingsError, match="make room"), Gate(tmp_path, 3).request():
        pass


def test_threads_share_the_gate(tmp_path: Path) -> None:
    gate, inside, most = Gate(tmp_path, 5), [0], [0]
    lock = threading.Lock()

    def work() -> None:
        with gate.request():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most[0] <= 5


WORKER = """
import sys, threading
from itertools import pairwise
from pathlib import Path
from msminer.pubmed.entrez import open_client
from msminer.settings import Settings
url, home, key, each = sys.argv[1], Path(sys.argv[2]), sys.argv[3] or None, int(sys.argv[4])
with open_client(Settings(entrez_url=url, home=home, api_key=key), tries=1) as client:
    threads = [threading.Thread(target=lambda: [client.search("sclerosis[tiab]") for _ in range(each)]) for _ in range(int(sys.argv[5]))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""


def prove_rate(folder: Path, *, processes: int, threads: int, each: int, key: str) -> tuple[int, int, int]:
    """(requests, refused, most in any second) as the server saw them."""
    path = write_records(folder / "records.xml", articles(5).values())
    with Sandbox([path]) as server:
        command = [sys.executable, "-c", WORKER, server.url, str(folder / "home"), key, str(each), str(threads)]
        running = [subprocess.Popen(command) for _ in range(processes)]
        assert [process.wait(timeout=250) for process in running] == [0] * processes
        log = list(server.log)
    return len(log), sum(entry.status == 429 for entry in log), most_in_a_second([entry.time for entry in log])


def test_two_processes_stay_under_the_rate(tmp_path: Path) -> None:
    requests, refused, most = prove_rate(tmp_path, processes=2, threads=3, each=1, key="")
    assert (requests, refused) == (6, 0)
    assert most <= 3


@pytest.mark.slow
@pytest.mark.parametrize(("key", "limit"), [("", 3), ("canary-key", 10)])
def test_eight_threads_in_four_processes_stay_under_the_rate(tmp_path: Path, key: str, limit: int) -> None:
    requests, refused, most = prove_rate(tmp_path, processes=4, threads=8, each=3, key=key)
    assert (requests, refused) == (96, 0)
    assert most <= limit
