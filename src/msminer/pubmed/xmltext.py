"""Element text as plain Unicode: inline tags vanish without losing or joining words, formulas stay readable."""

from __future__ import annotations

import re
from typing import Any

# XML white space only: a no-break or thin space is part of the text as PubMed serves it.
_BLANKS = re.compile(r"[ \t\r\n]{2,}|[\t\r\n]")
# Elements that stand on a line of their own; a blank keeps the words around them apart. i, b, u, sub and sup do not.
_BLOCKS = frozenset(
    {"DispFormula", "br", "break", "p", "sec", "title", "list", "list-item", "li", "ul", "ol", "td", "tr"}
)
_MATH_BLOCKS = frozenset({"mtd", "mtr", "matrixrow", "cn", "mtable", "matrix"})
# A formula may carry its own source (TeX, content MathML) beside what is shown; it would repeat it.
_MATH_UNSEEN = frozenset({"annotation", "annotation-xml", "mphantom"})
_ROOTS = {"msqrt": "√", "mroot": "√"}


def squeeze(text: str) -> str:
    """Text with runs of blanks, tabs and line ends as one blank, trimmed."""
    # Looking first is ten times as fast as the pattern, and most texts need nothing.
    if "  " in text or "\n" in text or "\t" in text or "\r" in text:
        text = _BLANKS.sub(" ", text)
    return text.strip(" \t\r\n")


def plain(element: Any) -> str:
    """Text of an lxml element and all below it, flattened and squeezed."""
    if len(element) == 0:
        return squeeze(element.text or "")
    pieces: list[str] = []
    _flatten(element, pieces)
    return squeeze("".join(pieces))


def _flatten(element: Any, pieces: list[str]) -> None:
    pieces.append(element.text or "")
    for child in element:
        name = _local(child)
        if name == "math":
            pieces.append(_formula(child))
        elif name in _BLOCKS:
            pieces.append(" ")
            _flatten(child, pieces)
            pieces.append(" ")
        else:
            _flatten(child, pieces)
        pieces.append(child.tail or "")


def _local(element: Any) -> str:
    """Tag without namespace; an entity or comment node has none."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _formula(math: Any) -> str:
    text = squeeze(_math(math))
    return f" {text} " if math.get("display") == "block" else text


def _math(element: Any) -> str:
    """A formula on one line: layout blanks mean nothing, a fraction keeps its bar, a fence its marks."""
    name = _local(element)
    if name in _MATH_UNSEEN:
        return ""
    if len(element) == 0:
        text = element.text or ""
        return f" {text} " if name in _MATH_BLOCKS else text if name == "mtext" else text.strip()
    parts = [_math(child) + (child.tail or "").strip() for child in element]
    if name == "mfrac" and len(parts) == 2:
        return "/".join(_grouped(part) for part in parts)
    if name == "mfenced":
        return _fenced(element, parts)
    text = (element.text or "").strip() + "".join(parts)
    if name in _ROOTS:
        return _ROOTS[name] + _grouped(text)
    return f" {text} " if name in _MATH_BLOCKS else text


def _grouped(text: str) -> str:
    """Brackets around what is more than one word or number, so that (a+1)/b does not become a+1/b."""
    return text if re.fullmatch(r"[\w.]*", text) else f"({text})"


def _fenced(element: Any, parts: list[str]) -> str:
    """MathML 3, section 3.3.8: brackets and commas unless the element says otherwise."""
    mark: str = element.get("separators", ",").strip()[:1]
    return f"{element.get('open', '(')}{mark.join(parts)}{element.get('close', ')')}"
