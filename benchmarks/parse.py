"""Parsing side by side: msminer, pubmed_parser and EDirect's xtract on the same files.

python benchmarks/parse.py CORPUS [--records 30000] [--repeat 3]

CORPUS holds xml-as-served/ and pubmed/. The large file is made at run time from the records of xml-as-served, shuffled
(seed 1), each under a PMID of its own. Every run is a process of its own; runs of the peers alternate, and the least
of each is kept, because other work on the machine can only add. The times of runs after imports are taken inside the
process; those of the whole command have the imports in them, down to a written JSON-lines file. `seven fields` reads
what all peers read (PMID, title, abstract, year, journal, headings, publication types); pubmed_parser cannot read less
than it does, which is some more.

msminer reads a file with two threads of one process: one unpacks and checks, the other reads. So two ratios are
printed: by the clock, which says how long one waits and gains from a second free core, and by the processor time of
all threads, which says what the work costs and does not. On a machine with no free core both are about the same.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

CHILDREN = {
    "msminer": """
from msminer.pubmed.parse import iter_file
start, cpu = time.perf_counter(), time.process_time()
count = sum(len(part.records) for path in paths for part in iter_file(Path(path)))
""",
    "msminer, seven fields": """
from msminer.pubmed.parse import iter_file
fields = ("pmid", "title", "abstract", "year", "journal", "mesh", "publication_types")
start, cpu = time.perf_counter(), time.process_time()
count = sum(len(part.records) for path in paths for part in iter_file(Path(path), fields))
""",
    "pubmed_parser": """
import pubmed_parser
start, cpu = time.perf_counter(), time.process_time()
count = sum(1 for path in paths for _ in pubmed_parser.parse_medline_xml(path))
""",
    "msminer, whole command": """
start, cpu = time.perf_counter(), 0.0
from msminer.pubmed.output import parse_files
count = parse_files([Path(path) for path in paths], Path(out)).records
""",
    "pubmed_parser, whole command": """
start, cpu = time.perf_counter(), 0.0
import json, pubmed_parser
count = 0
with open(out, "w", encoding="utf-8") as stream:
    for path in paths:
        for record in pubmed_parser.parse_medline_xml(path):
            stream.write(json.dumps(record, ensure_ascii=False) + "\\n")
            count += 1
""",
}
HEAD = "import json, resource, sys, time\nfrom pathlib import Path\nout, *paths = sys.argv[1:]\n"
TAIL = """
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"count": count, "wall": time.perf_counter() - start, "cpu": time.process_time() - cpu,
                  "memory": usage.ru_maxrss / 1024}))
"""
XTRACT = (
    "-mixed -pattern PubmedArticle -element MedlineCitation/PMID ArticleTitle AbstractText Journal/Title "
    "-block PubDate -element Year -block MeshHeading -element DescriptorName "
    "-block PublicationType -element PublicationType"
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("corpus", type=Path)
    options.add_argument("--records", type=int, default=30_000)
    options.add_argument("--repeat", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        large, out = Path(folder) / "large.xml.gz", str(Path(folder) / "out.jsonl")
        distinct, size = make_large(given.corpus / "xml-as-served", large, given.records)
        small = [str(path) for path in sorted((given.corpus / "pubmed").glob("*.xml.gz"))]
        print(f"pubmed_parser {version('pubmed-parser')}, lxml {version('lxml')}, Python {sys.version.split()[0]}")
        print(f"large: {given.records} records, {distinct} distinct, {size / given.records:.0f} bytes each")
        names = ("msminer, seven fields", "msminer", "pubmed_parser")
        report("large file, after imports", compare(names, [str(large)], out, given.repeat))
        whole = ("msminer, whole command", "pubmed_parser, whole command")
        report("small records, whole command", compare(whole, small, out, given.repeat))
        report("small records, after imports", compare(names, small, out, given.repeat))
        idle = run("msminer", [str(given.corpus / "xml-as-served" / first(given.corpus))], out)["memory"]
        print(f"extra memory for the large file: {run('msminer', [str(large)], out)['memory'] - idle:.0f} MB")
        if shutil.which("xtract"):
            print(f"\nEDirect {xtract_version()}, seven fields, unpacking included: ", end="")
            print(f"{xtract(large, given.records, given.repeat):.0f} us of processor a record")


def first(corpus: Path) -> str:
    return min(path.name for path in (corpus / "xml-as-served").glob("metapub*.xml.gz"))


def make_large(folder: Path, target: Path, count: int) -> tuple[int, int]:
    """Write the file; returns the number of distinct records and the unpacked bytes."""
    found: dict[bytes, None] = {}
    for path in sorted(folder.glob("*.xml.gz")):
        data = gzip.decompress(path.read_bytes())
        found.update(dict.fromkeys(re.findall(rb"<PubmedArticle>.*?</PubmedArticle>", data, re.DOTALL)))
    records = [record for record in found if re.search(rb"<PMID[^>]*>\s*\d+", record)]
    order = [records[index % len(records)] for index in range(count)]
    random.Random(1).shuffle(order)
    size = 0
    with gzip.open(target, "wb", compresslevel=6) as stream:
        stream.write(b'<?xml version="1.0" ?>\n<PubmedArticleSet>\n')
        for number, record in enumerate(order, 50_000_000):
            size += stream.write(re.sub(rb"(<PMID[^>]*>\s*)\d+", rb"\g<1>%d" % number, record, count=1) + b"\n")
        stream.write(b"</PubmedArticleSet>\n")
    return len(records), size


def run(name: str, paths: list[str], out: str) -> dict[str, float]:
    """One run; its wall time is the whole command's where the name says so."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HEAD + CHILDREN[name] + TAIL, out, *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if "whole" in name:
        result["wall"] = time.perf_counter() - start
    return result


def compare(names: tuple[str, ...], paths: list[str], out: str, repeat: int) -> dict[str, dict[str, float]]:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            runs[name].append(run(name, paths, out))
    return {name: {key: min(r[key] for r in found) for key in found[0]} for name, found in runs.items()}


def report(title: str, best: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}")
    for name, found in best.items():
        print(
            f"  {name}: {found['count']:.0f} records, {found['wall']:.2f} s ({found['count'] / found['wall']:.0f}/s), "
            f"processor {found['cpu']:.2f} s, most memory {found['memory']:.0f} MB"
        )
    *_, theirs = best.values()
    for name, ours in list(best.items())[:-1]:
        clock, processor = theirs["wall"] / ours["wall"], theirs["cpu"] / ours["cpu"]
        print(f"  {name}: {clock:.2f} times as fast by the clock, {processor:.2f} by processor time")


def xtract_version() -> str:
    return subprocess.run(["xtract", "-version"], capture_output=True, text=True, check=True).stdout.strip()


def xtract(large: Path, count: int, repeat: int) -> float:
    """Least processor time in microseconds a record of `xtract` on one core, unpacking (zcat) included."""
    times = []
    core = f"taskset -c {min(os.sched_getaffinity(0))}" if shutil.which("taskset") else ""
    for _ in range(repeat):
        before = os.times()
        subprocess.run(["sh", "-c", f"zcat {large} | {core} xtract {XTRACT} > /dev/null 2>&1"], check=True)
        after = os.times()
        used = after.children_user - before.children_user + after.children_system - before.children_system
        times.append(used / count * 1e6)
    return min(times)


if __name__ == "__main__":
    main()
