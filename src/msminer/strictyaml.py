"""YAML whose keys are given once: plain YAML lets the last of two win, and a rule or a word would be lost unseen."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from msminer.errors import DataError


def load_strictly(text: str, error: type[DataError]) -> Any:
    """What a YAML text holds.

    Raises `error` with key and line where a mapping gives a key twice or one that is no word; yaml.YAMLError where the
    text is no YAML.
    """

    class Loader(yaml.SafeLoader):
        """One class a call, so that no other text is read with this error."""

    def mapping(loader: Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
        seen: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in seen:
                raise error("a key is given twice, or is no word", key=key, line=key_node.start_mark.line + 1)
            seen[key] = loader.construct_object(value_node, deep=True)
        return seen

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader
