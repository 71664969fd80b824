"""A claim added to a user's file: behind its last claim, every other byte as it was."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from msminer.claimtools.document import Document, data_of, parse, read
from msminer.claimtools.register import merged
from msminer.errors import ClaimError
from msminer.evidence.claims import Claim, parse_register
from msminer.resources import shipped
from msminer.vocabulary import Vocabulary, load_vocabulary

HEADER = """\
# Claims of our own, judged with the shipped register and its rules. docs/claims.md tells how to write one.
# Paraphrase; never quote the article. Check with: msminer claims check THIS_FILE
"""


@dataclass(frozen=True)
class Question:
    """One thing to ask for a new claim. many: several words, divided by commas; needed: may not stay empty."""

    field: str
    text: str
    choices: tuple[str, ...] = ()
    default: str = ""
    many: bool = False
    needed: bool = True


def questions(vocabulary: Vocabulary | None = None) -> tuple[Question, ...]:
    """What to ask for a claim of effect or of mention; figures and references are written in the file."""
    words = vocabulary or load_vocabulary()
    cells, populations = ("any", *words.ids("cell_types")), ("any", *words.ids("populations"))
    return (
        Question("source", "Source id, such as S5 for your first article", default="S5"),
        Question("says", "What the article claims, in your own words"),
        Question("topic", "A word to group it by"),
        Question("about", "people: of treating people; biology: of how things work", ("people", "biology"), "people"),
        Question("strength", "How hard it asserts it", ("asserts", "suggests", "hopes"), "asserts"),
        Question("check", "direction: an effect; comparison: better than; mention: it is described at all",
                 ("direction", "comparison", "mention"), "direction"),
        Question("cell_types", "Cell types", cells, "any", many=True),
        Question("outcome", "Outcomes, any of which counts", words.ids("outcomes"), many=True, needed=False),
        Question("expect", "What it expects", ("benefit", "no_effect", "harm", "present"), "benefit"),
        Question("against", "Compared with (only for check comparison)", ("drug_arm", *cells), many=True, needed=False),
        Question("population", "In whom", populations, "ms", many=True),
        Question("min_design", "Weakest study design that counts", words.designs, "case_report"),
        Question("keywords", "Words that the sentence must hold (any of them)", many=True, needed=False),
    )  # fmt: skip


def ask_all(ask: Callable[[Question], str], vocabulary: Vocabulary | None = None) -> dict[str, Any]:
    """The fields of a claim from the answers; an empty answer takes the default, or leaves out what is not needed.

    `ask` is called again for an answer that is not one of the choices, or is empty where it may not be.
    """
    out: dict[str, Any] = {}
    for question in questions(vocabulary):
        if question.field == "against" and out["check"] != "comparison":
            continue
        answer = _answer(question, ask)
        if answer:
            out[question.field] = answer
    return out


def _answer(question: Question, ask: Callable[[Question], str]) -> str | list[str]:
    while True:
        text = ask(question).strip() or question.default
        words = [word.strip() for word in (text.split(",") if question.many else [text]) if word.strip()]
        known = not question.choices or set(words) <= set(question.choices)
        if known and (words or not question.needed):
            return words if question.many else "".join(words)


def add(path: Path, fields: Mapping[str, Any], *, kind: str = "", vocabulary: Vocabulary | None = None) -> Claim:
    """Add one claim to a file, which is made where it is not there; returns the claim as the register reads it.

    fields: those of a claim; without `id` the next free one of its source is given. kind: what the source is, needed
    for a new source. The file is replaced at once or not at all. Raises ClaimError naming the field and the rule, and
    leaves the file as it was.
    """
    words = vocabulary or load_vocabulary()
    own = data_of(shipped("data", "claims.yaml"))
    document = read(path) if path.exists() else parse(HEADER + "\nclaims:\n")
    before = document.data if isinstance(document.data, dict) else {}
    entry = {"id": _next_id(str(fields.get("source", "")), [own, before]), **fields}
    text = _with_claim(document, entry)
    if not _has_source(str(entry.get("source")), [own, before]):
        text = _with_source(parse(text), str(entry.get("source")), kind)
    register = parse_register(merged(own, _same(text, before, entry)), words)
    _replace(path, text)
    return register.claim(str(entry["id"]))


def _next_id(source: str, registers: Sequence[Mapping[str, Any]]) -> str:
    taken = [str(claim.get("id", "")) for register in registers for claim in register.get("claims") or []]
    numbers = [int(found[1]) for one in taken if (found := re.fullmatch(rf"{re.escape(source)}-(\d+)", one))]
    return f"{source}-{max(numbers, default=0) + 1:02d}"


def _has_source(source: str, registers: Sequence[Mapping[str, Any]]) -> bool:
    return any(str(entry["id"]) == source for register in registers for entry in register.get("sources") or [])


def _with_claim(document: Document, entry: Mapping[str, Any]) -> str:
    return _appended(document, "claims", entry)


def _with_source(document: Document, source: str, kind: str) -> str:
    if not kind:
        raise ClaimError("a new source needs a word on what it is", source=source)
    entry = {"id": source, "kind": kind}
    if "sources" in document.data:
        return _appended(document, "sources", entry)
    lines = document.text.splitlines(keepends=True)
    at = document.lines[("claims",)] - 1
    return "".join([*lines[:at], "sources:\n", _block(entry, 2), "\n", *lines[at:]])


def _appended(document: Document, key: str, entry: Mapping[str, Any]) -> str:
    """The text with one more item behind the last one of a block list."""
    lines = (document.text if document.text.endswith("\n") else document.text + "\n").splitlines(keepends=True)
    root = yaml.compose("".join(lines), Loader=yaml.SafeLoader)
    pairs = {name.value: (name, value) for name, value in root.value} if isinstance(root, yaml.MappingNode) else {}
    if key not in pairs:
        raise ClaimError("a claims file needs a list named claims", key=key)
    name, node = pairs[key]
    if isinstance(node, yaml.SequenceNode) and node.flow_style:
        raise ClaimError(f"write {key} as a list with one dash a line, then add to it", line=node.start_mark.line + 1)
    last, column = name.start_mark.line, 2
    if isinstance(node, yaml.SequenceNode):
        last, column = _last_line(lines, node), node.start_mark.column
    return "".join([*lines[: last + 1], _block(entry, column), *lines[last + 1 :]])


def _last_line(lines: Sequence[str], node: yaml.SequenceNode) -> int:
    """The line that the last item ends on, comments and empty lines behind it left aside."""
    end = node.value[-1].end_mark
    last: int = end.line if end.column else end.line - 1
    while lines[last].strip() == "" or lines[last].lstrip().startswith("#"):
        last -= 1
    return last


def _block(entry: Mapping[str, Any], column: int) -> str:
    text = yaml.safe_dump(dict(entry), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    first, *rest = text.splitlines()
    pad = " " * column
    return "".join([f"{pad}- {first}\n", *(f"{pad}  {line}\n" for line in rest)])


def _same(text: str, before: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """The data of the new text, once it is shown that nothing but the entry came in."""
    data: dict[str, Any] = parse(text).data
    if data["claims"] != [*(before.get("claims") or []), dict(entry)]:
        raise ClaimError("the file's layout does not let a claim be added; add it by hand", claim=entry.get("id"))
    return data


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
