"""Abstracts a second of `label-file`, from text to labels with findings; reads files named on the command line."""

import sys
import tempfile
import time
from pathlib import Path

from msminer.classify.files import label_files


def main() -> None:
    paths = [Path(name) for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        summary = label_files(paths, Path(folder) / "out.jsonl", processes=2)
        taken = time.perf_counter() - start
    print(f"{summary.records} records, {taken:.1f} s, {summary.records / taken:.0f} a second, {summary.model}")


if __name__ == "__main__":
    main()
