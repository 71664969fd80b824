"""python -m msminer.sandbox: the sandbox as a process of its own; its first line of output is the base address."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from msminer.errors import MsminerError
from msminer.sandbox.connection import Logged
from msminer.sandbox.server import Sandbox

_PARENT_SECONDS = 0.5
_KEY = re.compile(r"(\bapi_key=)[^&]*")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m msminer.sandbox", description="E-utilities on loopback, over PubMed XML files."
    )
    parser.add_argument(
        "--records", nargs="+", required=True, type=Path, metavar="FILE", help="PubMed XML, plain or gzip"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--window", type=int, default=9_999, help="most records of one search that can be reached")
    parser.add_argument("--faults", type=Path, metavar="PLAN.json", help="a fault plan")
    parser.add_argument("--log", type=Path, metavar="REQUESTS.jsonl", help="one line a request; keys are left out")
    parser.add_argument("--no-rate", action="store_true", help="no rate limit")
    return parser.parse_args()


def _line(entry: Logged) -> str:
    row = asdict(entry)
    if "api_key" in row["params"]:
        row["params"]["api_key"] = "[key]"
    row["body"], row["path"] = (_KEY.sub(r"\1[key]", row[name]) for name in ("body", "path"))
    return json.dumps(row)


def _writer(log: TextIO | None) -> Callable[[Logged], None] | None:
    if log is None:
        return None
    lock = threading.Lock()

    def write(entry: Logged) -> None:
        with lock:
            log.write(_line(entry) + "\n")
            log.flush()

    return write


def _serve(server: Sandbox, parent: int) -> None:
    """Serve until told to stop or left by the parent."""
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with server:
        print(server.url, flush=True)
        while not done.wait(_PARENT_SECONDS):
            if os.getppid() != parent:
                return


def main() -> int:
    """Start, print the address, serve; 1 with a message when the records or the plan cannot be read."""
    parent = os.getppid()
    options = _arguments()
    try:
        plan = json.loads(options.faults.read_text()) if options.faults else ()
        log = options.log.open("a") if options.log else None
        server = Sandbox(
            options.records,
            faults=plan,
            window=options.window,
            rate=not options.no_rate,
            port=options.port,
            on_request=_writer(log),
        )
        _serve(server, parent)
    except (MsminerError, OSError, json.JSONDecodeError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
