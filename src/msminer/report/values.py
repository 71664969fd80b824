"""Numbers and missing values as the page prints them."""

from __future__ import annotations

import math
from typing import Any


def present(value: Any) -> Any:
    """The value, or None for what pandas calls missing."""
    if value is None:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if type(value).__name__ in {"NAType", "NaTType"} else value


def whole(value: Any) -> int | None:
    """A whole number, or None where it is missing."""
    value = present(value)
    return None if value is None else int(value)


def percent(value: float | None) -> str:
    """A share as whole percent; small and large ones are never rounded to none or all."""
    if value is None:
        return "not known"
    if 0 < value < 0.005:
        return "<1%"
    if 0.995 <= value < 1:
        return ">99%"
    return f"{value:.0%}"


def interval(low: float | None, high: float | None) -> str:
    """An interval of shares, e.g. 5 to 70%."""
    if low is None or high is None:
        return "interval not known"
    return f"{percent(low).rstrip('%')} to {percent(high)}"


def count(number: int, one: str, many: str | None = None) -> str:
    """A counted noun: 1 study, 2 studies."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
