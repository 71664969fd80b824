"""Changes of state that a fault plan makes before a request is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msminer.sandbox.server import Sandbox

StateChange = Callable[["Sandbox", Mapping[str, Any]], None]
_NOTICE = 89_999_999


def _day(options: Mapping[str, Any]) -> date | None:
    return date.fromisoformat(options["day"]) if "day" in options else None


def revise(sandbox: Sandbox, options: Mapping[str, Any]) -> None:
    """Replace text in a record and set its DateRevised."""
    sandbox.service.revise(int(options["pmid"]), options.get("find", ""), options.get("replace", ""), _day(options))


def retract(sandbox: Sandbox, options: Mapping[str, Any]) -> None:
    """Retract a record."""
    sandbox.service.retract(int(options["pmid"]), int(options.get("notice", _NOTICE)), _day(options))


def concern(sandbox: Sandbox, options: Mapping[str, Any]) -> None:
    """Put an expression of concern on a record."""
    sandbox.service.concern(int(options["pmid"]), int(options.get("notice", _NOTICE)), _day(options))


def add(sandbox: Sandbox, options: Mapping[str, Any]) -> None:
    """Add a record."""
    sandbox.service.add(options["xml"])


def delete(sandbox: Sandbox, options: Mapping[str, Any]) -> None:
    """Delete a record."""
    sandbox.service.delete(int(options["pmid"]))


def expire_history(sandbox: Sandbox, _options: Mapping[str, Any]) -> None:
    """Forget every WebEnv."""
    sandbox.service.history.expire()


def set_clock(sandbox: Sandbox, options: Mapping[str, Any]) -> None:
    """Make it another time."""
    sandbox.set_clock(datetime.fromisoformat(options["to"]))


def go_away(sandbox: Sandbox, options: Mapping[str, Any]) -> None:
    """Stop listening for a time."""
    sandbox.go_away(float(options.get("seconds", 1)))
