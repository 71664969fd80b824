"""A claims file as data, with the line of every entry, so that a mistake can be shown where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from msminer.errors import ClaimError

Where = tuple[str | int, ...]
# libyaml where it is built in: ten times as fast on the register.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """A YAML file: its data, path of keys → line (from 1), the keys given twice, and its text."""

    data: Any
    lines: Mapping[Where, int]
    twice: tuple[Where, ...]
    text: str

    def line(self, *where: str | int) -> int | None:
        """The line of an entry, or of the nearest entry around it."""
        return next((self.lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in self.lines), None)


@dataclass
class _Walk:
    lines: dict[Where, int] = field(default_factory=dict)
    twice: list[Where] = field(default_factory=list)

    def visit(self, node: yaml.Node | None, where: Where) -> None:
        for key, child, line in _children(node):
            here = (*where, key)
            if here in self.lines:
                self.twice.append(here)
            self.lines[here] = line
            self.visit(child, here)


def _children(node: yaml.Node | None) -> Iterator[tuple[str | int, yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield number, item, item.start_mark.line + 1


def data_of(path: Path) -> dict[str, Any]:
    """The data alone of a shipped file, which is known to be a mapping."""
    data: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    return data


def read(path: Path) -> Document:
    """The document of a file; raises ClaimError with the line where it is no YAML, or when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClaimError("the claims file cannot be read", path=path.name, why=str(error)) from error
    return parse(text)


def parse(text: str) -> Document:
    """The document of a text; raises ClaimError with the line where it is no YAML."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ClaimError("this is no YAML", line=_line_of(error), why=_why(error)) from None
    walk = _Walk()
    walk.visit(node, ())
    return Document(data, walk.lines, tuple(walk.twice), text)


def _line_of(error: yaml.YAMLError) -> int | None:
    mark = getattr(error, "problem_mark", None)
    return None if mark is None else mark.line + 1


def _why(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error)
