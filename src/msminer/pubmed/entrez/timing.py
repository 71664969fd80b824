"""How long a request may take, how often it is tried, and how long the pauses are."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

# Largest unpacked answer taken: 200 records of the biggest size seen (188 kB) are 38 MB.
LARGEST_BODY = 256 * 2**20


@dataclass(frozen=True)
class Timing:
    """Limits in seconds, the number of tries, and the clock, sleep and chance they use; tests pass short ones."""

    connect: float = 20.0
    read: float = 30.0
    deadline: float = 120.0
    tries: int = 6
    shortest: float = 1.0
    longest: float = 30.0
    largest: int = LARGEST_BODY
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def pause(self, failed: int, *, slowly: bool) -> float:
        """Seconds before the next try after so many failed ones: full jitter from the shortest to a doubling limit."""
        top = self.longest if slowly else min(self.longest, self.shortest * 2.0**failed)
        return self.uniform(min(top, self.shortest * 8.0) if slowly else self.shortest, top)
