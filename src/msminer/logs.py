"""Logs: plain lines, or one JSON object a line; secrets are taken out of both."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import urlsplit

from msminer.settings import Settings

LOGGER = "msminer"
_HIDDEN = "**********"
# What every log record has by itself; the rest was given by the caller as `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message, what the caller added, and error."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        facts: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        facts |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            facts["error"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False, default=str)


class Redacted(logging.Formatter):
    """Another formatter's line without the secrets of the settings."""

    def __init__(self, inner: logging.Formatter, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self.inner, self.secrets = inner, secrets

    def format(self, record: logging.LogRecord) -> str:
        """The line with each secret replaced, in the plain and in the JSON spelling."""
        line = self.inner.format(record)
        for secret in self.secrets:
            line = line.replace(secret, _HIDDEN).replace(json.dumps(secret)[1:-1], _HIDDEN)
        return line


def set_up(settings: Settings, *, level: int = logging.INFO, stream: TextIO | None = None) -> logging.Logger:
    """Send the logs of msminer to a stream (stderr) in the settings' format; a second call replaces the first."""
    plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    inner = JsonLines() if settings.log_format == "json" else plain
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Redacted(inner, tuple(_secrets(settings))))
    logger = logging.getLogger(LOGGER)
    # Prefect may have put its own handler here, which sends the lines to the run's page.
    kept = [other for other in logger.handlers if not isinstance(other.formatter, Redacted)]
    logger.handlers, logger.propagate = [*kept, handler], False
    logger.setLevel(level)
    return logger


def _secrets(settings: Settings) -> Iterator[str]:
    for secret in (settings.api_key, settings.smtp_url, settings.webhook_url):
        if secret is not None:
            yield secret.get_secret_value()
    password = urlsplit(settings.smtp_url.get_secret_value()).password if settings.smtp_url else None
    stored = urlsplit(settings.store_url).password if settings.store_url else None
    yield from filter(None, (password, stored))
