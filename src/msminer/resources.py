"""Where the shipped files lie, in the wheel or in the checkout the package runs from, and the checksum of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from msminer.errors import DataError

_PACKAGE = Path(__file__).parent


def checkout_root() -> Path | None:
    """The checkout this package runs from, or None when it is installed from a wheel."""
    root = _PACKAGE.parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "flows").is_dir() else None


def shipped(*parts: str) -> Path:
    """Path of a shipped file or folder by its parts, as "data", "claims.yaml"; raises DataError where it is missing."""
    root = checkout_root()
    path = (root or _PACKAGE).joinpath(*parts)
    if not path.exists():
        raise DataError("a shipped file is missing; install msminer again", path="/".join(parts))
    return path


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits; raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
