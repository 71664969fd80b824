"""A refresh measured against the sandbox at NCBI's rate: nothing new, 200 new among 5,000, a month later.

    python benchmarks/refresh.py make FOLDER             write base.xml.gz (5,000 records) and more.xml.gz (200)
    python benchmarks/refresh.py measure FOLDER          fetch the base, then each kind of refresh; prints one line each

The records are real ones that the shipped searches find in the tests' corpus (MSMINER_CORPUS), under new PMIDs;
what is written is never to be published. The sandbox is a process of its own and allows 3 requests a second.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Python puts this folder first, where coverage.py would be taken for the package that numba looks for.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "benchmarks"]
BASE, MORE = 5_000, 200
_ARTICLE = re.compile(rb"<PubmedArticle>.*?</PubmedArticle>", re.DOTALL)
_PMID = re.compile(rb"(<PMID[^>]*>)(\d+)(</PMID>)")
_ARTICLE_ID = re.compile(rb'(<ArticleId IdType="pubmed">)\d+(</ArticleId>)')
_HEAD, _TAIL = b'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n', b"\n</PubmedArticleSet>\n"
# The one word that a shipped search may not lose.
_WORD = b"euregulin"
# A run of the plain steps, and a fetch whose clock is so many days back.
_PLAIN = "from msminer import steps; print(steps.run_all(steps.Job.plan(source='entrez')).fetched.says[-1])"
_EARLIER = """
from datetime import timedelta
from msminer import steps
from msminer.steps import fetching
real = fetching._now
fetching._now = lambda: real() - timedelta(days={days})
job = steps.Job.plan(source="entrez")
with steps.running(job):
    print(steps.fetch(job).says[-1]); steps.label(job)
"""


def corpus() -> list[Path]:
    """The files of real records."""
    folder = Path(os.environ.get("MSMINER_CORPUS", ROOT.parent / "shared" / "corpus"))
    return sorted((folder / "pubmed").glob("*.xml.gz"))


def found(folder: Path) -> set[bytes]:
    """PMIDs that the shipped searches find in the corpus."""
    from msminer.pubmed.entrez import open_client
    from msminer.sandbox import Sandbox
    from msminer.settings import Settings
    from msminer.steps import Job

    os.environ.update(MSMINER_HOME=str(folder), MSMINER_ENTREZ_URL="http://127.0.0.1:9/")
    terms = [query.term for query in Job.plan(source="entrez").queries]
    with Sandbox(corpus(), rate=False) as server, open_client(Settings(entrez_url=server.url, home=folder)) as client:
        return {pmid.encode() for term in terms for pmid in client.search(term).pmids}


def make(folder: Path) -> None:
    """Write the two files; PMIDs count up from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = found(folder)
    real = [xml for path in corpus() for xml in _ARTICLE.findall(gzip.decompress(path.read_bytes()))]
    real = [xml for xml in real if ((match := _PMID.search(xml)) and match[2] in wanted) or _WORD in xml]
    many = [_renamed(real[number % len(real)], number + 1) for number in range(BASE + MORE)]
    for name, part in (("base", many[:BASE]), ("more", many[BASE:])):
        (folder / f"{name}.xml.gz").write_bytes(gzip.compress(_HEAD + b"\n".join(part) + _TAIL, mtime=0))
    print(json.dumps({"real_records": len(real), "base": BASE, "more": MORE}))


def _renamed(article: bytes, pmid: int) -> bytes:
    article = _PMID.sub(rb"\g<1>%d\g<3>" % pmid, article, count=1)
    return _ARTICLE_ID.sub(rb"\g<1>%d\g<2>" % pmid, article, count=1)


@contextlib.contextmanager
def sandbox(folder: Path, names: list[str], log: Path) -> Iterator[str]:
    """The address of a sandbox over some of the files, with its rate limit."""
    files = [str(folder / f"{name}.xml.gz") for name in names]
    command = [sys.executable, "-m", "msminer.sandbox", "--log", str(log), "--records", *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield (process.stdout.readline() if process.stdout else "").strip()
        finally:
            process.terminate()


def timed(what: str, command: list[str], home: Path, url: str, log: Path) -> None:
    """Run one command and print its figures; refused are requests that came too fast."""
    environment = {**os.environ, "MSMINER_HOME": str(home), "MSMINER_ENTREZ_URL": url, "MSMINER_EMAIL": "a@example.org"}
    environment.pop("MSMINER_API_KEY", None)
    before, cpu, began = _lines(log), _cpu(), time.perf_counter()
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)
    wall, rows = time.perf_counter() - began, [json.loads(line) for line in _lines(log)[len(before) :]]
    facts: dict[str, Any] = {
        "what": what, "seconds": round(wall, 1), "cpu_seconds": round(_cpu() - cpu, 1), "requests": len(rows),
        "searches": sum(row["call"] == "esearch" for row in rows), "refused": sum(row["status"] == 429 for row in rows),
        "exit": done.returncode, "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    said = [line for line in done.stdout.splitlines() if "requests" in line]
    print(json.dumps(facts | {"says": said[-1:] or done.stderr.splitlines()[-1:]}), flush=True)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(folder: Path) -> None:
    """Fetch the base, then refresh it in each way, every figure from processes of their own."""
    plain, run, fetch = ["-c", _PLAIN], ["-m", "msminer", "run"], ["-m", "msminer", "fetch"]
    with tempfile.TemporaryDirectory() as name:
        home, old, log = Path(name, "home"), Path(name, "old"), Path(name, "log")
        with sandbox(folder, ["base"], log) as url:
            timed("a month ago: the base, fetch and label", ["-c", _EARLIER.format(days=31)], old, url, log)
            timed("a month later, nothing new: the whole job", plain, old, url, log)
            timed("first run: the whole job on the base", plain, home, url, log)
            for _ in range(2):
                timed("nothing new: fetch alone", fetch, home, url, log)
                timed("nothing new: the whole job without Prefect", plain, home, url, log)
                timed("nothing new: the whole job with Prefect", run, home, url, log)
            shutil.copytree(home, Path(name, "copy"), symlinks=True)
        with sandbox(folder, ["base", "more"], log) as url:
            timed("200 new among 5,000: the whole job without Prefect", plain, home, url, log)
            timed("200 new among 5,000: the whole job with Prefect", run, Path(name, "copy"), url, log)


def main() -> None:
    """Do what the first word says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["make", "measure"])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    {"make": make, "measure": measure}[options.what](options.folder)


if __name__ == "__main__":
    main()
