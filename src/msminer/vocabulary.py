"""The labels: ids, definitions, synonyms, MeSH descriptors, parents; read from data/vocabulary.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from msminer.errors import VocabularyError
from msminer.resources import shipped
from msminer.strictyaml import load_strictly

AXES = ("cell_types", "outcomes", "directions", "study_design", "populations", "routes")
NONE = "none"
ANY = "any"
_ENTRY_KEYS = frozenset({"definition", "mesh", "synonyms"})


@dataclass(frozen=True)
class Label:
    """One label: id, definition, synonyms (MeSH entry terms, usage, abbreviations), MeSH descriptors."""

    id: str
    definition: str
    synonyms: tuple[str, ...]
    mesh: tuple[str, ...]

    @property
    def name(self) -> str:
        """The definition; the name a reader sees."""
        return self.definition


@dataclass(frozen=True)
class Vocabulary:
    """All labels.

    axes: axis → labels in file order; designs stand weakest first.
    parents: label → the broader label it also counts as.
    claim_populations: name used by the claims → population ids; `any` holds all of them.
    """

    axes: Mapping[str, tuple[Label, ...]]
    parents: Mapping[str, str]
    claim_populations: Mapping[str, frozenset[str]]

    @property
    def designs(self) -> tuple[str, ...]:
        """Study designs, weakest first."""
        return self.ids("study_design")

    def ids(self, axis: str) -> tuple[str, ...]:
        """Label ids of an axis in file order; raises VocabularyError for an unknown axis."""
        if axis not in self.axes:
            raise VocabularyError("there is no such axis", axis=axis, known=list(self.axes))
        return tuple(label.id for label in self.axes[axis])

    def label(self, axis: str, label: str) -> Label:
        """The label of an axis; raises VocabularyError when there is none."""
        for candidate in self.axes.get(axis, ()):
            if candidate.id == label:
                return candidate
        raise VocabularyError("the vocabulary has no such label", axis=axis, label=label)

    def with_parents(self, labels: Iterable[str]) -> frozenset[str]:
        """The labels and every broader label they count as."""
        out: set[str] = set()
        for label in labels:
            current: str | None = label
            while current is not None and current not in out:
                out.add(current)
                current = self.parents.get(current)
        return frozenset(out)


def load_vocabulary(path: Path | None = None) -> Vocabulary:
    """The vocabulary of a YAML file, the shipped one by default.

    Raises VocabularyError naming the entry: an axis is missing or unknown, an entry is given twice or has a wrong
    shape, a parent or a claim population names no label, parents run in a circle.
    """
    source = path or shipped("data", "vocabulary.yaml")
    data = _read(source)
    unknown = data.keys() - {*AXES, "parents", "claim_populations"}
    missing = {*AXES, "parents", "claim_populations"} - data.keys()
    if unknown or missing:
        raise VocabularyError("the vocabulary's parts are wrong", missing=sorted(missing), unknown=sorted(unknown))
    axes = {axis: _axis(axis, data[axis]) for axis in AXES}
    parents = _parents(data["parents"], axes)
    groups = _groups(data["claim_populations"], tuple(label.id for label in axes["populations"]))
    return Vocabulary(MappingProxyType(axes), MappingProxyType(parents), MappingProxyType(groups))


def _read(path: Path) -> dict[str, Any]:
    try:
        data = load_strictly(path.read_text(encoding="utf-8"), VocabularyError)
    except OSError as error:
        raise VocabularyError("the vocabulary cannot be read", path=path.name, why=error.strerror) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VocabularyError("the vocabulary is no YAML", path=path.name, why=str(error)) from error
    if not isinstance(data, dict):
        raise VocabularyError("the vocabulary must map axes to labels", path=path.name)
    return data


def _axis(axis: str, entries: object) -> tuple[Label, ...]:
    if not isinstance(entries, dict) or not entries:
        raise VocabularyError("an axis must map labels to entries", axis=axis)
    return tuple(_label(axis, name, entry) for name, entry in entries.items())


def _label(axis: str, name: object, entry: object) -> Label:
    where = f"{axis}.{name}"
    if not isinstance(name, str) or not name.strip():
        raise VocabularyError("a label must be text", entry=where)
    if not isinstance(entry, dict) or entry.keys() - _ENTRY_KEYS or not isinstance(entry.get("definition"), str):
        raise VocabularyError("an entry needs a definition, and may have mesh and synonyms", entry=where)
    synonyms = _texts(where, "synonyms", entry.get("synonyms"))
    return Label(name, entry["definition"], synonyms, _texts(where, "mesh", entry.get("mesh")))


def _texts(where: str, field: str, values: object) -> tuple[str, ...]:
    items = [] if values is None else values
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
        raise VocabularyError(f"{field} must be a list of texts", entry=where)
    if len(set(items)) != len(items):
        twice = sorted({item for item in items if items.count(item) > 1})
        raise VocabularyError(f"{field} holds an item twice", entry=where, items=twice)
    return tuple(items)


def _parents(parents: object, axes: Mapping[str, tuple[Label, ...]]) -> dict[str, str]:
    if not isinstance(parents, dict):
        raise VocabularyError("parents must map a label to a label")
    of = {label.id: axis for axis in ("cell_types", "populations") for label in axes[axis] if label.id != NONE}
    for child, parent in parents.items():
        if of.get(child) is None or of.get(child) != of.get(parent):
            raise VocabularyError("a parent and its child must be labels of one axis", entry=child, parent=parent)
        seen = {child}
        while (child := parents.get(child)) is not None:
            if child in seen:
                raise VocabularyError("parents run in a circle", entry=child)
            seen.add(child)
    return dict(parents)


def _groups(groups: object, populations: tuple[str, ...]) -> dict[str, frozenset[str]]:
    if not isinstance(groups, dict):
        raise VocabularyError("claim_populations must map a name to populations")
    out: dict[str, frozenset[str]] = {}
    for name, members in groups.items():
        if name == ANY:
            out[name] = frozenset(populations)
            continue
        if not isinstance(members, list) or not members or set(members) - set(populations):
            raise VocabularyError("a claim population must list populations", entry=name, value=members)
        out[name] = frozenset(members)
    return out
