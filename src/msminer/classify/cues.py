"""The cues beside this module: words by which abstracts tell who was studied, what was done and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msminer.errors import VocabularyError
from msminer.strictyaml import load_strictly

Cues = Mapping[str, Mapping[str, str]]


def load_cues(path: Path | None = None) -> Cues:
    """Groups of cues: group → name → phrases divided by commas, from cues.yaml.

    Raises VocabularyError where a group or a name is given twice: the phrases of the first would be lost.
    """
    source = path or Path(__file__).with_name("cues.yaml")
    return dict(load_strictly(source.read_text(encoding="utf-8"), VocabularyError))
