"""The cues beside this module: words by which abstracts tell who was studied, what was done and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

Cues = Mapping[str, Mapping[str, str]]


def load_cues() -> Cues:
    """Groups of cues: group → name → phrases divided by commas, from cues.yaml."""
    text = Path(__file__).with_name("cues.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
