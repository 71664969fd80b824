"""Reads a skops file that holds nothing but dicts, lists, texts, numbers and arrays, as a model of msminer does.

skops itself can read it too, and a test holds both to the same result; but importing it imports every estimator of
scikit-learn, which took 3.4 of the 5.5 s that a model needed to load (2026-11). What is refused here can do no harm:
nothing is looked up by its name.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from msminer.errors import ModelRefused

Node = Mapping[str, Any]


def read_state(path: Path) -> Any:
    """What the file holds; raises ModelRefused for any other type and for a damaged file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _value(json.loads(archive.read("schema.json")), archive)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError, zipfile.BadZipFile) as error:
        raise ModelRefused("the model file cannot be read", why=repr(error)) from error


def _value(node: Node, archive: zipfile.ZipFile) -> Any:
    reader = _READERS.get(node["__loader__"])
    if reader is None:
        named = f"{node.get('__module__')}.{node.get('__class__')}"
        raise ModelRefused("the model file holds types that no model of msminer has", types=[named])
    return reader(node, archive)


def _array(node: Node, archive: zipfile.ZipFile) -> Any:
    with archive.open(node["file"]) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


_READERS: Mapping[str, Callable[[Node, zipfile.ZipFile], Any]] = {
    "DictNode": lambda node, archive: {name: _value(one, archive) for name, one in node["content"].items()},
    "ListNode": lambda node, archive: [_value(one, archive) for one in node["content"]],
    "JsonNode": lambda node, _: json.loads(node["content"]),
    "NdArrayNode": _array,
}
