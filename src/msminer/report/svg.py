"""vl-convert's SVG made small: the page's colours, few nodes, one spoken label in place of many."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from typing import Any

# Stand-ins that vl-convert draws with; the page's style replaces them, in light, dark and print alike.
INK, SOFT, GRID, HUMAN, MODEL, PAPER = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
_VARIABLES = {INK: "ink", SOFT: "soft", GRID: "grid", HUMAN: "human", MODEL: "model", PAPER: "paper"}
FONT_SIZE = 11.5
_HEAD = f'font-family="system-ui, sans-serif" font-size="{FONT_SIZE}px"'
_SVG = "http://www.w3.org/2000/svg"
# What SVG assumes anyway, and what the head says.
_DEFAULTS = {
    "opacity": "1",
    "stroke-width": "1",
    "stroke-miterlimit": "10",
    "fill-opacity": "1",
    "font-weight": "400",
    "font-size": f"{FONT_SIZE}px",
    "transform": "translate(0,0)",
}
_UNSEEN = frozenset({"class", "role", "pointer-events", "font-family", "style"})
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_MOVE = re.compile(rf"translate\(({_NUMBER}),({_NUMBER})\)")
_STEP = re.compile(r"([MLHVCSQTAZmlhvcsqtaz])([^MLHVCSQTAZmlhvcsqtaz]*)")


def slim(text: str, label: str) -> str:
    """The SVG without what no reader sees, colours as the page's variables, spoken as `label`."""
    from lxml import etree

    root = etree.fromstring(text.encode())
    _strip(root)
    etree.cleanup_namespaces(root)
    width, height = root.get("width"), root.get("height")
    root.attrib.clear()
    _unwrap(root)
    _merge(root)
    body = etree.tostring(root, encoding="unicode").removeprefix(f'<svg xmlns="{_SVG}">').removesuffix("</svg>")
    # Readers' fonts differ from the one vl-convert measured: room on both sides keeps long labels whole.
    box = f'width="{int(width) + 36}" height="{height}" viewBox="-12 0 {int(width) + 36} {height}"'
    return f'<svg role="img" {box} aria-label="{escape(label)}" {_HEAD}>{_compact(body)}</svg>'


def _strip(root: Any) -> None:
    """Drop nodes that are not drawn, and attributes that change nothing."""
    for node in list(root.iter()):
        backdrop = node.get("class") in {"background", "foreground"} and node.get("stroke") is None
        empty = node.tag == f"{{{_SVG}}}path" and not node.get("d")
        if node.get("display") == "none" or backdrop or empty:
            node.getparent().remove(node)
            continue
        for name in list(node.attrib):
            if name.startswith("aria-") or name in _UNSEEN or node.get(name) == _DEFAULTS.get(name):
                del node.attrib[name]


def _unwrap(root: Any) -> None:
    """Put the children of groups without attributes in the groups' place."""
    for group in [node for node in root.iter(f"{{{_SVG}}}g") if not node.attrib]:
        parent = group.getparent()
        at = parent.index(group)
        parent[at : at + 1] = list(group)


def _merge(root: Any) -> None:
    """One path for neighbours drawn alike: a chart's points and lines are most of its nodes."""
    for parent in [node for node in root.iter() if len(node)]:
        for look, run in groupby(list(parent), key=_look):
            nodes = list(run)
            if look is None or len(nodes) < 2:
                continue
            drawn = "".join(_drawn(node) for node in nodes)
            first = nodes[0]
            first.tag = f"{{{_SVG}}}path"
            first.attrib.clear()
            first.attrib.update({"d": drawn, **dict(look)})
            for node in nodes[1:]:
                parent.remove(node)


def _look(node: Any) -> tuple[tuple[str, str], ...] | None:
    """What two marks must share to be one path; None for anything but lines and paths that are only moved."""
    placed = node.get("transform") is None or _MOVE.fullmatch(node.get("transform"))
    if node.tag not in {f"{{{_SVG}}}line", f"{{{_SVG}}}path"} or len(node) or not placed:
        return None
    return tuple(sorted((k, v) for k, v in node.attrib.items() if k not in {"d", "x2", "y2", "transform"}))


def _drawn(node: Any) -> str:
    """A mark's outline with its place in it."""
    x, y = map(float, _MOVE.fullmatch(node.get("transform", "translate(0,0)")).groups())  # type: ignore[union-attr]
    if node.tag.endswith("line"):
        across, down = float(node.get("x2", 0)), float(node.get("y2", 0))
        return f"M{_short(x)},{_short(y)}" + (f"h{_short(across)}" if not down else f"l{_short(across)},{_short(down)}")
    return "".join(_shifted(step, numbers, x, y) for step, numbers in _STEP.findall(node.get("d")))


def _shifted(step: str, numbers: str, x: float, y: float) -> str:
    """One step of an outline, moved; steps in small letters are relative and stay."""
    found = [float(n) for n in re.findall(_NUMBER, numbers)]
    every = 7 if step == "A" else 2
    if step in "HV":
        found = [n + (x if step == "H" else y) for n in found]
    elif step.isupper():  # every second number is a y; of an arc's seven only the last two are a place
        place = {every - 2: x, every - 1: y}
        found = [n + place.get(i % every, 0) for i, n in enumerate(found)]
    return step + ",".join(map(_short, found))


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _compact(body: str) -> str:
    body = body.replace(f' xmlns="{_SVG}"', "").replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    for stand_in, name in _VARIABLES.items():
        body = body.replace(f'"{stand_in}"', f'"var(--{name})"')
    return re.sub(r"-?\d+\.\d{2,}", lambda m: _short(float(m.group())), body)
