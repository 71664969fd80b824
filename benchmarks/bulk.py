"""Bulk labelling measured: records a second, memory a worker, scaling, and what Prefect and Dask add.

    python benchmarks/bulk.py make FOLDER --files 10      write files of 30,000 records, real ones under new PMIDs
    python benchmarks/bulk.py run FOLDER --workers 2      label them in plain processes
    python benchmarks/bulk.py flow FOLDER --workers 2     label them by the flow
    python benchmarks/bulk.py overhead FOLDER             seconds that Prefect and Dask add to a task

The records come from the folder of the tests' corpus (MSMINER_CORPUS); what is written is never to be published.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import multiprocessing
import os
import re
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Python puts this folder first, where coverage.py would be taken for the package that numba looks for.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "benchmarks"]
A_FILE = 30_000
_TASKS, _TURNS = 8, 240_000_000
_ARTICLE = re.compile(rb"<PubmedArticle>.*?</PubmedArticle>", re.DOTALL)
_PMID = re.compile(rb"(<PMID[^>]*>)\d+(</PMID>)")
_ARTICLE_ID = re.compile(rb'(<ArticleId IdType="pubmed">)\d+(</ArticleId>)')
_HEAD, _TAIL = b'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n', b"\n</PubmedArticleSet>\n"


def corpus() -> Path:
    """The folder of real records."""
    return Path(os.environ.get("MSMINER_CORPUS", ROOT.parent / "shared" / "corpus"))


def articles() -> Iterator[bytes]:
    """The real records, over and over."""
    files = sorted((corpus() / "pubmed").glob("*.xml.gz"))
    texts = [_ARTICLE.findall(gzip.decompress(path.read_bytes())) for path in files]
    return itertools.cycle(itertools.chain.from_iterable(texts))


def renamed(article: bytes, pmid: int) -> bytes:
    """The record under another PMID; the PMIDs of its corrections stay."""
    new = rb"\g<1>%d\g<2>" % pmid
    return _ARTICLE_ID.sub(new, _PMID.sub(new, article, count=1), count=1)


def make(folder: Path, files: int) -> None:
    """Write the files; PMIDs count up from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    source, pmids = articles(), itertools.count(1)
    for number in range(1, files + 1):
        body = b"\n".join(renamed(next(source), next(pmids)) for _ in range(A_FILE))
        path = folder / f"pubmed26n{number:04}.xml.gz"
        path.write_bytes(gzip.compress(_HEAD + body + _TAIL, compresslevel=6, mtime=0))


def _label(path: Path, shards: str) -> dict[str, Any]:
    from msminer.bulk.label import label_shard

    began, cpu = time.perf_counter(), time.process_time()
    shard = label_shard(path, shards)
    used = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    return {"records": shard.records, "pid": os.getpid(), "peak_mb": _peak()} | used


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _warm(_: int) -> int:
    from msminer.bulk.label import model_id

    model_id()
    time.sleep(1)  # so that each worker takes one of these
    return os.getpid()


def run(folder: Path, workers: int, shards: Path) -> dict[str, Any]:
    """Label in plain processes, once their model is loaded."""
    files = sorted(folder.glob("pubmed*.xml.gz"))
    shutil.rmtree(shards, ignore_errors=True)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_warm, range(workers)))
        began = time.perf_counter()
        done = list(pool.map(_label, files, [str(shards)] * len(files)))
        wall = time.perf_counter() - began
    records = sum(one["records"] for one in done)
    return {
        "way": "plain",
        "workers": workers,
        "records": records,
        "seconds": round(wall, 1),
        "records_a_second": round(records / wall),
        "records_a_cpu_second": round(records / sum(one["cpu_seconds"] for one in done)),
        "peak_mb_a_worker": round(max(one["peak_mb"] for one in done)),
        "shard_mb": round(sum(path.stat().st_size for path in shards.glob("*.parquet")) / 2**20, 1),
    }


def flow(folder: Path, workers: int, shards: Path) -> dict[str, Any]:
    """Label by the flow; task_seconds are those inside the tasks, the rest of a task is Prefect's and Dask's."""
    sys.path.insert(0, str(ROOT / "flows"))
    import bulk

    shutil.rmtree(shards, ignore_errors=True)
    began = time.perf_counter()
    manifest = bulk.bulk(folder=folder, shards=str(shards), workers=workers, synced=True)
    wall = time.perf_counter() - began
    return {"way": "flow", "workers": workers, "records": manifest.records, "seconds": round(wall, 1)}


def _busy(_: int) -> int:
    """Work on one core for about as long as a file takes, always the same."""
    return sum(i * i % 7 for i in range(_TURNS))


def overhead(_folder: Path, workers: int, _shards: Path) -> dict[str, Any]:
    """What a task of the flow takes beyond the same work in plain processes, with every core busy as in a real run."""
    sys.path.insert(0, str(ROOT / "flows"))
    from prefect import flow, task

    import bulk

    busy = task(cache_policy=bulk.NO_CACHE, persist_result=False)(_busy)

    @flow(persist_result=False)
    def many(tasks: int) -> float:
        [future.wait() for future in [busy.submit(i) for i in range(workers)]]
        began = time.perf_counter()
        [future.wait() for future in [busy.submit(i) for i in range(tasks)]]
        return time.perf_counter() - began

    @flow(persist_result=False)
    def measured() -> float:
        with bulk.task_runner(workers) as runner:
            return float(many.with_options(task_runner=runner)(_TASKS))

    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_warm, range(workers)))
        began = time.perf_counter()
        list(pool.map(_busy, range(_TASKS)))
        plain = time.perf_counter() - began
    added = (measured() - plain) * workers / _TASKS
    each = plain * workers / _TASKS
    return {"way": "overhead", "workers": workers, "tasks": _TASKS, "task": round(each, 3), "added": round(added, 3)}


def main() -> None:
    """Run one of the commands and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make", "run", "flow", "overhead"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    if args.command == "make":
        make(args.folder, args.files)
        return
    measure = {"run": run, "flow": flow, "overhead": overhead}[args.command]
    print(json.dumps(measure(args.folder, args.workers, args.folder / "shards")))


if __name__ == "__main__":
    main()
