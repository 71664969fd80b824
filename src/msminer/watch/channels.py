"""Ways to tell people: e-mail and webhook, each sending one digest of notices or raising NotSent."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import SecretStr

from msminer.errors import NotSent
from msminer.settings import Settings
from msminer.watch.feed import DISCLAIMER
from msminer.watch.notices import Notice

_TIMEOUT = 30.0
# Ports by convention (RFC 8314 and RFC 6409).
_SMTPS, _SUBMISSION = 465, 587


class Channel(Protocol):
    """One way to tell people."""

    @property
    def name(self) -> str:
        """Under this name the outbox notes who has been told."""

    def send(self, notices: Sequence[Notice], at: datetime) -> None:
        """Send all notices as one message; raises NotSent."""


def digest(notices: Sequence[Notice]) -> str:
    """The notices as plain text, one paragraph each."""
    return "\n\n".join([*(f"{notice.title}\n{notice.text}" for notice in notices), DISCLAIMER])


def subject(notices: Sequence[Notice]) -> str:
    """The subject line of a digest."""
    first = " ".join(notices[0].title.split())[:100]
    return f"msminer: {first}" + (f" and {len(notices) - 1} more" if len(notices) > 1 else "")


@dataclass(frozen=True)
class Email:
    """Mail through an SMTP server: smtps://, or smtp:// with STARTTLS, without TLS to this machine only.

    url: smtp[s]://[user:password@]host[:port]; kept secret. sender and to: addresses.
    """

    url: SecretStr
    sender: str
    to: tuple[str, ...]
    name: str = "email"

    def send(self, notices: Sequence[Notice], at: datetime) -> None:
        """Send one mail to all addresses; raises NotSent when the server is away or refuses any of them."""
        message = EmailMessage()
        message["Subject"] = subject(notices)
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Date"] = format_datetime(at)
        message["Message-ID"] = f"<{notices[0].id}.{len(notices)}@msminer>"
        message.set_content(digest(notices))
        try:
            with self._server() as server:
                refused = server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent("the mail was not sent", why=type(error).__name__) from None
        if refused:
            raise NotSent("the mail server refused some addresses", refused=len(refused))

    def _server(self) -> smtplib.SMTP:
        url = urlsplit(self.url.get_secret_value())
        host, secure = url.hostname or "", ssl.create_default_context()
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or _SMTPS, timeout=_TIMEOUT, context=secure)
        else:
            server = smtplib.SMTP(host, url.port or _SUBMISSION, timeout=_TIMEOUT)
            if host not in {"127.0.0.1", "localhost", "::1"}:
                server.starttls(context=secure)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        return server


@dataclass(frozen=True)
class Webhook:
    """A POST of JSON {"text", "notices"}; `text` is what Slack and Mattermost show. The address is secret."""

    url: SecretStr
    name: str = "webhook"

    def send(self, notices: Sequence[Notice], at: datetime) -> None:  # noqa: ARG002  (the notices carry their times)
        """Send one request; raises NotSent for anything but 2xx. Redirects are not followed."""
        body = {"text": f"{subject(notices)}\n\n{digest(notices)}", "notices": [notice.as_dict() for notice in notices]}
        try:
            reply = httpx.post(self.url.get_secret_value(), json=body, timeout=_TIMEOUT, follow_redirects=False)
        except httpx.HTTPError as error:
            raise NotSent("the webhook did not answer", why=type(error).__name__) from None
        if not reply.is_success:
            raise NotSent("the webhook refused", status=reply.status_code)


def channels(settings: Settings) -> list[Channel]:
    """The channels that the settings name; none is fine: notices are kept and shown by `msminer status`."""
    found: list[Channel] = []
    if settings.smtp_url and settings.notify_email:
        found.append(Email(settings.smtp_url, settings.email or settings.notify_email[0], settings.notify_email))
    if settings.webhook_url:
        found.append(Webhook(settings.webhook_url))
    return found
