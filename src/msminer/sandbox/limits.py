"""The rate limit: at most 3 requests a second from one address, 10 with a key."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable

from msminer.sandbox.reply import Reply, Request

WITHOUT_KEY = 3
WITH_KEY = 10
_WINDOW_SECONDS = 1.0


def refusal(caller: str, count: int, limit: int, retry_after: int | None = 2, status: int = 429) -> Reply:
    """The reply to one request too many; it names the caller's key or address, as the real one does."""
    body = f'{{"error":"API rate limit exceeded","api-key":"{caller}","count":"{count}","limit":"{limit}"}}\n'
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(body.encode(), "application/json", status, headers=headers)


class RateLimit:
    """Counts requests of each key or address in a sliding second; refused ones count too."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def check(self, request: Request) -> tuple[int, int, Reply | None]:
        """Limit, what remains of it, and the refusal when there is one."""
        key = request.get("api_key")
        caller, limit = (key, WITH_KEY) if key else (request.peer, WITHOUT_KEY)
        now = self._clock()
        with self._lock:
            seen = self._seen[caller]
            while seen and now - seen[0] >= _WINDOW_SECONDS:
                seen.popleft()
            seen.append(now)
            count = len(seen)
        return limit, max(0, limit - count), refusal(caller, count, limit) if count > limit else None
