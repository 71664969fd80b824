"""Dates as the search language writes them, as numbers yyyymmdd."""

from __future__ import annotations

import re
from datetime import date, timedelta

_DATE = re.compile(r"(\d{4})(?:[/-](\d{1,2}))?(?:[/-](\d{1,2}))?$")
_LAST = re.compile(r"last (\d+) (day|month|year)s?$", re.IGNORECASE)
_DAYS = {"day": 1, "month": 30, "year": 365}


def bounds(text: str) -> tuple[int, int] | None:
    """First and last day that a year, month or day names; None when it is no date.

    A month or day that does not exist is clipped only by comparison: 2021/02 runs to 20210231.
    """
    found = _DATE.match(text.strip())
    if not found:
        return None
    year, month, day = found.groups()
    low = int(year) * 10000 + int(month or 1) * 100 + int(day or 1)
    high = int(year) * 10000 + int(month or 12) * 100 + int(day or 31)
    return low, high


def last(text: str, today: date) -> tuple[int, int] | None:
    """The days that "last 5 days" names, up to today; None when it is nothing of the kind."""
    found = _LAST.match(text.strip())
    if not found:
        return None
    start = today - timedelta(days=int(found.group(1)) * _DAYS[found.group(2).lower()])
    return number(start), number(today)


def number(day: date) -> int:
    """A day as yyyymmdd."""
    return day.year * 10000 + day.month * 100 + day.day


def written(value: int) -> str:
    """A number yyyymmdd as yyyy/mm/dd."""
    return f"{value // 10000:04d}/{value // 100 % 100:02d}/{value % 100:02d}"
