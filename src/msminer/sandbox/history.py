"""The history server: lists of identifiers kept under WebEnv and query_key for a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

# No promise is written down; about eight hours is what users report.
LIFETIME_SECONDS = 8 * 3600.0


@dataclass
class _Session:
    born: float
    keys: dict[int, list[int]] = field(default_factory=dict)


class History:
    """Sessions by WebEnv; one that is too old is forgotten."""

    def __init__(self, clock: Callable[[], float], lifetime: float = LIFETIME_SECONDS) -> None:
        self._clock, self.lifetime = clock, lifetime
        self._sessions: dict[str, _Session] = {}
        self._made = 0

    def save(self, pmids: list[int], webenv: str = "") -> tuple[str, int]:
        """Keep a list; returns WebEnv and query key."""
        session = self._living(webenv)
        if session is None:
            self._made += 1
            webenv = "MCID_" + hashlib.sha256(str(self._made).encode()).hexdigest()[:24]
            session = self._sessions[webenv] = _Session(self._clock())
        key = len(session.keys) + 1
        session.keys[key] = list(pmids)
        return webenv, key

    def get(self, webenv: str, key: int) -> list[int] | None:
        """The list of a key, None when it is not there or no longer."""
        session = self._living(webenv)
        return None if session is None else session.keys.get(key)

    def all_keys(self, webenv: str) -> dict[int, list[int]]:
        """All lists of a WebEnv, for #1 in a term."""
        session = self._living(webenv)
        return {} if session is None else session.keys

    def expire(self) -> None:
        """Forget everything."""
        self._sessions.clear()

    def _living(self, webenv: str) -> _Session | None:
        session = self._sessions.get(webenv)
        if session is not None and self._clock() - session.born > self.lifetime:
            del self._sessions[webenv]
            return None
        return session
