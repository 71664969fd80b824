"""Costs and times of docs/operations.md: the measured figures in one place, and what is computed from them.

    python benchmarks/costs.py          put both tables into the guide

After a new measurement change Measured and run this; tests/test_costs.py holds both together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"

# Records a page of efetch.
PAGE = 200
SIZES = (3_000, 100_000, 38_000_000)


@dataclass(frozen=True)
class Measured:
    """What was measured, on the machine and day that the guide names; CPU seconds are process time of all processes."""

    # benchmarks/bulk.py run, two workers: records parsed, labelled and written a CPU second, and a second of wall time;
    # the same second with one worker; peak of a worker; bytes of shards.
    bulk_per_cpu_second: int = 1_976
    bulk_per_second: int = 3_904
    bulk_per_second_alone: int = 2_059
    bulk_records: int = 120_000
    bulk_peak_mb: int = 440
    shard_bytes: int = 164
    # benchmarks/bulk.py overhead, five runs: seconds that Prefect and Dask added to a task of so many seconds, with
    # Prefect's server on the same two cores.
    added_seconds: tuple[float, ...] = (-0.22, -0.34, 0.11, 0.2, -0.01)
    task_seconds: float = 12.6
    # benchmarks/parse.py
    parse_per_cpu_second: int = 20_000
    # msminer run --source files on the two files of benchmarks/refresh.py.
    job_records: int = 5_200
    job_cpu_seconds: int = 49
    # Size of its store without raw pages, and of full records as PubMed sends them.
    store_kb: float = 5.4
    xml_kb: float = 9.8
    # Searches of a first run: 11 queries, one for all together, about 55 years of denominators.
    searches: int = 70
    # Files of the baseline of 2026.
    baseline_files: int = 1_274
    # benchmarks/refresh.py measure, no key: 4,975 records stored; seconds without and with Prefect, its database made.
    still_requests: int = 3
    still_seconds: tuple[float, float] = (2.0, 10.5)
    fresh_requests: int = 29
    fresh_seconds: tuple[float, float] = (27.1, 43.2)


MEASURED = Measured()


def requests(records: int, m: Measured = MEASURED) -> int:
    """Requests of a first refresh: pages, searches and denominators."""
    return ceil(records / PAGE) + m.searches


def label_seconds(records: int, cores: int, m: Measured = MEASURED) -> float:
    """Seconds to parse and label on so many cores that have nothing else to do."""
    return records / (m.bulk_per_cpu_second * cores)


def measured_table(m: Measured = MEASURED) -> str:
    """The measured figures as Markdown."""
    told = f"{2 * m.bulk_per_cpu_second:,} a second on two idle cores; {m.bulk_per_second:,} measured"
    bulk = f"{m.bulk_per_cpu_second:,} records a CPU second over {m.bulk_records:,} records, two workers: {told}"
    rows = [
        ("bulk: parse, label and write shards", bulk),
        ("the same with one worker", f"{m.bulk_per_second_alone:,} a second: two are {_times(m)} times as fast"),
        ("what Prefect and Dask add to a file, server on the same cores", _added(m)),
        ("parse alone, one core", f"{m.parse_per_cpu_second:,} records a CPU second"),
        ("memory of a bulk worker, peak", f"{m.bulk_peak_mb} MB"),
        ("shards", f"{m.shard_bytes} bytes a record"),
        (f"whole job on {m.job_records:,} records from a file", f"{m.job_cpu_seconds} CPU seconds, start included"),
        ("refresh of 5,000 records with nothing new", _refresh(m.still_requests, m.still_seconds)),
        ("refresh with 200 new records among 5,000", _refresh(m.fresh_requests, m.fresh_seconds)),
        ("store", f"{m.store_kb} kB a record, without raw pages"),
        ("full-size records as PubMed sends them", f"{m.xml_kb} kB a record of XML"),
    ]  # fmt: skip
    return _table(["measured", "figure"], rows)


def _times(m: Measured) -> str:
    return f"{m.bulk_per_second / m.bulk_per_second_alone:.2f}"


def _added(m: Measured) -> str:
    said = ", ".join(f"{seconds} s" for seconds in m.added_seconds)
    return f"{said} in five runs of tasks of {m.task_seconds} s"


def _refresh(asked: int, seconds: tuple[float, float]) -> str:
    alone, whole = seconds
    return f"{asked} requests, {alone} s; with Prefect's start {whole} s"


def computed_table(m: Measured = MEASURED) -> str:
    """What follows for three sizes as Markdown; the largest is labelled from files, without requests."""
    small, middle, all_of_it = SIZES
    rows = [
        ("way", "refresh", "refresh", "bulk"),
        ("requests of the first refresh", *(f"{requests(size, m):,}" for size in (small, middle)), "none: files"),
        ("least time at 3 (10) requests a second", *(_polite(requests(size, m)) for size in (small, middle)),
         "download at your line's speed"),
        ("received", *(_bytes(size * m.xml_kb * 1e3) for size in (small, middle)),
         f"{m.baseline_files:,} baseline files and the updates"),
        ("parse and label on 2 cores", *(_time(label_seconds(size, 2, m)) for size in SIZES)),
        ("the same on 32 cores, if the disk keeps up and cores share no speed", "", "",
         _time(label_seconds(all_of_it, 32, m))),
        ("store, without raw pages, or shards", *(_bytes(size * m.store_kb * 1e3) for size in (small, middle)),
         _bytes(all_of_it * m.shard_bytes)),
    ]  # fmt: skip
    return _table(["computed", *(f"{size:,} records" for size in SIZES)], rows)


def _table(head: list[str], rows: list[tuple[str, ...]]) -> str:
    line = "|" + "---|" * len(head)
    return "\n".join([_line(head), line, *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _polite(count: int) -> str:
    return f"{_time(count / 3)} ({_time(count / 10)})"


def _time(seconds: float) -> str:
    if seconds < 300:
        return f"{ceil(seconds)} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3_600:.1f} hours"


def _bytes(size: float) -> str:
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def filled(guide: str) -> str:
    """The guide with both tables as they are now."""
    for table in (measured_table(), computed_table()):
        first = table.split(" ", 2)[1]
        guide = re.sub(rf"^\| {first} \|(.*\n\|)*.*$", lambda _, new=table: new, guide, count=1, flags=re.MULTILINE)
    return guide


if __name__ == "__main__":
    GUIDE.write_text(filled(GUIDE.read_text("utf-8")), "utf-8")
