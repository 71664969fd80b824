"""Provenance that may be passed on: no address, no key, no path of the machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

# Names of entries that tell about the person or machine, whatever their value.
_PRIVATE = re.compile(
    r"(^|_)(e_?mail|api_?key|key|password|secret|token|home|host|hostname|user|store_url|store)$", re.IGNORECASE
)
_EMAIL = re.compile(r"[\w.+%-]+(@|%40)[\w-]+(\.[\w-]+)+")
# NCBI's API keys are 36 hexadecimal digits; checksums are 32, 40 or 64 long.
_KEY = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{36}(?![0-9a-fA-F])")
_PATH = re.compile(r"(?<![\w:/.])(?:/[\w.@+ -]+){2,}/?|[A-Za-z]:\\[^\s\"']+")


def clean(value: Any) -> Any:
    """The value as JSON-ready data without private entries; addresses, keys and paths inside texts are replaced."""
    if isinstance(value, Mapping):
        return {str(k): clean(v) for k, v in value.items() if not _PRIVATE.search(str(k))}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(v) for v in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """The text with e-mail addresses, API keys and absolute paths replaced; of a path its last name stays."""
    text = _EMAIL.sub("[address removed]", text)
    text = _KEY.sub("[key removed]", text)
    return _PATH.sub(lambda m: re.split(r"[/\\]", m.group().rstrip("/\\"))[-1], text)
