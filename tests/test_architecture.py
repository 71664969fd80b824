"""The way of the data never runs backwards: a room imports only its own group or the groups before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src" / "msminer"

BASE, PURE, DOOR, TOP = 0, 1, 2, 3
# The longest matching prefix decides; a module that no line names fails the test.
GROUPS = {
    "msminer": BASE,
    "msminer.errors": BASE,
    "msminer.resources": BASE,
    "msminer.settings": BASE,
    "msminer.schema": BASE,
    "msminer.vocabulary": BASE,
    "msminer.logs": BASE,
    "msminer.strictyaml": BASE,
    "msminer.pubmed": PURE,
    "msminer.classify": PURE,
    "msminer.evidence": PURE,
    "msminer.report": PURE,
    "msminer.report.pdf": DOOR,
    "msminer.pubmed.entrez": DOOR,
    "msminer.pubmed.gate": DOOR,
    "msminer.pubmed.harvest": DOOR,
    "msminer.store": DOOR,
    "msminer.sandbox": DOOR,
    "msminer.annotate": TOP,
    "msminer.claimtools": TOP,
    "msminer.bulk": DOOR,
    "msminer.watch": DOOR,
    "msminer.status": TOP,
    "msminer.metrics": TOP,
    "msminer.doctor": TOP,
    "msminer.api": TOP,
    "msminer.steps": TOP,
    "msminer.cli": TOP,
    "msminer.__main__": TOP,
}
# What reads a clock or opens a socket has no place in a pure room.
IMPURE_MODULES = {"socket", "httpx", "urllib.request", "requests", "sqlalchemy", "smtplib", "subprocess"}
IMPURE_CALLS = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "time.monotonic", "datetime.today"}


def modules() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = ("msminer", *path.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def group_of(module: str) -> int | None:
    parts = module.split(".")
    for length in range(len(parts), 1, -1):
        found = GROUPS.get(".".join(parts[:length]))
        if found is not None:
            return found
    return GROUPS["msminer"] if module == "msminer" else None


def imports_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_run_forwards(path: Path) -> None:
    own = group_of(name_of(path))
    assert own is not None, f"{name_of(path)} belongs to no group: name it in GROUPS"
    if name_of(path) == "msminer":
        return  # the public face re-exports lazily
    late = []
    for target, line in imports_of(ast.parse(path.read_text("utf-8"))):
        if target.startswith("msminer."):
            other = group_of(target)
            if other is not None and other > own:
                late.append(f"line {line}: {target}")
    assert not late, f"{name_of(path)} imports from a later group: {late}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_nothing_in_src_imports_prefect(path: Path) -> None:
    found = [(t, n) for t, n in imports_of(ast.parse(path.read_text("utf-8"))) if t.split(".")[0].startswith("prefect")]
    assert not found


@pytest.mark.parametrize("path", [p for p in modules() if group_of(name_of(p)) == PURE], ids=name_of)
def test_pure_rooms_open_no_socket_and_read_no_clock(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    sockets = [t for t, _ in imports_of(tree) if t in IMPURE_MODULES or t.split(".")[0] in IMPURE_MODULES]
    clocks = [
        ast.unparse(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(ast.unparse(node.func).endswith(call) for call in IMPURE_CALLS)
    ]
    assert not sockets
    assert not clocks
