"""Mutation score of the retry and split code: small changes to the source that the tests must notice.

    .venv/bin/python benchmarks/mutants.py [--each N] [--seed N]

Each mutant is one change in a copy of src/: a comparison, operator, number, condition or boolean becomes another.
It counts as killed when a test fails or takes over two minutes. Sampled with a seed, N a module (default 20).
Equivalent mutants are not sorted out, so the score is a lower limit.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx  # noqa: F401  (imported once, for all forks)
import hypothesis  # noqa: F401
import pandas as pd  # noqa: F401
import pytest
import sqlalchemy  # noqa: F401
from lxml import etree  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent
# Seconds; the tests of a module take under ten.
LONGEST = 120.0
# The imports were done before pytest began.
QUIET = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
_PAGES = "page or bad or dtd or missing or foreign or 07 or 08 or 19 or 35 or 37"
# Module -> the tests that are to notice.
TARGETS = {
    "pubmed/entrez/client.py": ["tests/test_entrez.py"],
    "pubmed/entrez/timing.py": ["tests/test_entrez.py"],
    "pubmed/entrez/transport.py": ["tests/test_entrez.py"],
    "pubmed/replies.py": ["tests/test_replies.py"],
    "pubmed/gate.py": ["tests/test_gate.py", "-k", "not processes"],
    "pubmed/slices.py": ["tests/test_harvest.py", "-k", "halves or slices or window or day"],
    "pubmed/harvest/find.py": ["tests/test_harvest.py", "-k", "window or slices or pmid or sum"],
    "pubmed/harvest/pages.py": ["tests/test_harvest.py", "tests/test_faults.py", "-k", _PAGES],
}  # fmt: skip
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip


def annotated(tree: ast.AST) -> set[int]:
    """Nodes inside annotations: changing them changes nothing."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if part is not None:
                skipped |= {id(inner) for inner in ast.walk(part)}
    return skipped


def changes(tree: ast.Module) -> Iterator[tuple[ast.Module, str]]:
    """All mutants of a module, each with what was changed and where."""
    skipped = annotated(tree)
    nodes = [node for node in ast.walk(tree) if id(node) not in skipped]
    for node in nodes:
        line = getattr(node, "lineno", 0)
        for field, value in list(ast.iter_fields(node)):
            single = isinstance(value, ast.AST) and type(value) in SWAPS
            if single or (field == "ops" and type(value[0]) in SWAPS):
                old = value if single else value[0]
                new = SWAPS[type(old)]()
                setattr(node, field, new if single else [new, *value[1:]])
                yield copy.deepcopy(tree), f"line {line}: {type(old).__name__} -> {type(new).__name__}"
                setattr(node, field, value)
        yield from constants(tree, node, line)
        if isinstance(node, (ast.If, ast.While, ast.IfExp)):
            test = node.test
            node.test = ast.UnaryOp(ast.Not(), test)
            yield copy.deepcopy(tree), f"line {line}: condition negated"
            node.test = test


def constants(tree: ast.Module, node: ast.AST, line: int) -> Iterator[tuple[ast.Module, str]]:
    """Numbers by one more, booleans by the other."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        old = node.value
        node.value = (not old) if isinstance(old, bool) else old + 1
        yield copy.deepcopy(tree), f"line {line}: {old} -> {node.value}"
        node.value = old


def killed(source: Path, tests: list[str]) -> bool:
    """Whether the tests fail on this copy of the source, in a fork that has all imports but msminer's done."""
    child = os.fork()
    if child == 0:
        os._exit(run_tests(source, tests))
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def run_tests(source: Path, tests: list[str]) -> int:
    """Pytest's exit code, with msminer imported from the copy."""
    for name in [name for name in sys.modules if name.split(".")[0] == "msminer"]:
        del sys.modules[name]
    sys.path.insert(0, str(source))
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = str(source)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    return int(pytest.main([*tests, "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--no-header", *QUIET]))


def main() -> None:
    """Print the score of each module and the mutants that lived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    total = dead = 0
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        for part in ("src", "tests"):
            shutil.copytree(ROOT / part, Path(folder) / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        os.chdir(folder)
        for name, tests in TARGETS.items():
            if options.only not in name:
                continue
            path = source / "msminer" / name
            original = path.read_text("utf-8")
            if killed(source, tests):
                raise SystemExit(f"the tests of {name} fail without any change")
            mutants = list(changes(ast.parse(original)))
            chosen = random.Random(options.seed).sample(mutants, min(options.each, len(mutants)))
            lived = []
            for tree, what in chosen:
                path.write_text(ast.unparse(ast.fix_missing_locations(tree)), "utf-8")
                if not killed(source, tests):
                    lived.append(what)
            path.write_text(original, "utf-8")
            total, dead = total + len(chosen), dead + len(chosen) - len(lived)
            print(f"{name}: {len(chosen) - len(lived)} of {len(chosen)} killed ({len(mutants)} possible)", flush=True)
            for what in sorted(lived):
                print(f"    lived: {what}", flush=True)
    print(f"mutation score {dead / total:.0%} ({dead} of {total})")


if __name__ == "__main__":
    main()
