"""Frozen settings from MSMINER_* variables and a .env file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from msminer.errors import SettingsError
from msminer.resources import checkout_root

NCBI_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
# NBK25499 says 10,000 records a search; the server gives 9,999 (measured by several clients in 2022 and later).
NCBI_WINDOW = 9_999
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SECRET_SCHEMES = {"smtp_url": frozenset({"smtp", "smtps"}), "webhook_url": frozenset({"http", "https"})}
# Read by the tests alone, so that setting it is no spelling mistake.
_OTHER_NAMES = frozenset({"MSMINER_CORPUS"})


def default_home() -> Path:
    """data/local in a checkout, the user's data folder elsewhere."""
    root = checkout_root()
    return root / "data" / "local" if root else user_data_path("msminer")


class Settings(BaseSettings):
    """What a run needs to know about its surroundings.

    email: the contact address NCBI asks for; needed for NCBI itself, not for another address.
    api_key: NCBI API key; raises the rate from 3 to 10 requests a second; never printed.
    entrez_url: base of the E-utilities; another address than NCBI's is used because it was set here.
    store_url: SQLAlchemy URL; default msminer.sqlite in home.
    home: folder for the store, the reports and the rate gate.
    search_window: most records one search may return; NCBI's own by default.
    notify_email: addresses that get notices, separated by commas; needs smtp_url.
    smtp_url: smtps://USER:PASSWORD@HOST, or smtp:// with STARTTLS; without TLS to this machine only. Secret.
    webhook_url: https address that gets notices as JSON; secret, because it is the right to post there.
    log_format: text, or json for one JSON object a line.
    """

    model_config = SettingsConfigDict(env_prefix="MSMINER_", frozen=True, extra="forbid", hide_input_in_errors=True)

    email: str | None = None
    api_key: SecretStr | None = None
    entrez_url: str = NCBI_URL
    store_url: str | None = None
    home: Path = Field(default_factory=default_home)
    search_window: int = Field(default=NCBI_WINDOW, ge=1, le=NCBI_WINDOW)
    notify_email: tuple[str, ...] = ()
    smtp_url: SecretStr | None = None
    webhook_url: SecretStr | None = None
    log_format: Literal["text", "json"] = "text"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from arguments alone: `load_settings` has merged and checked the rest."""
        return (init_settings,)

    @field_validator("entrez_url")
    @classmethod
    def _safe_url(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError("must be an http or https address")
        if url.scheme == "http" and url.hostname not in _LOOPBACK:
            raise ValueError("plain http is allowed to loopback only; use https")
        if url.username or url.password or url.query or url.fragment:
            raise ValueError("must hold no user, password, query or fragment")
        return value.rstrip("/") + "/"

    @field_validator("email")
    @classmethod
    def _email(cls, value: str | None) -> str | None:
        if value is not None and ("@" not in value or any(c.isspace() for c in value)):
            raise ValueError("must be one e-mail address")
        return value

    @field_validator("notify_email", mode="before")
    @classmethod
    def _addresses(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(cls._email(str(part).strip()) for part in parts) if isinstance(parts, list | tuple) else value

    @field_validator("smtp_url", "webhook_url")
    @classmethod
    def _safe_secret_url(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return value
        url, schemes = urlsplit(value.get_secret_value()), _SECRET_SCHEMES[str(info.field_name)]
        if url.scheme not in schemes or not url.hostname:
            raise ValueError(f"must be an address that begins with {' or '.join(sorted(schemes))}")
        if url.scheme == "http" and url.hostname not in _LOOPBACK:
            raise ValueError("plain http is allowed to loopback only; use https")
        return value

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def is_ncbi(self) -> bool:
        """Whether requests go to NCBI itself."""
        return self.entrez_url == NCBI_URL

    def database_url(self, origin: str) -> str:
        """URL of the store for an origin; the sample has its own file, so that it never mixes with real records."""
        if self.store_url and origin != "sample":
            return self.store_url
        name = "msminer-sample.sqlite" if origin == "sample" else "msminer.sqlite"
        return f"sqlite:///{self.home / name}"


def load_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """Settings from the environment, then .env.

    Raises SettingsError naming the variable, the rule and, if it is misspelt, the right name. Empty values count as
    unset. Lines of .env that do not start with MSMINER_ are left alone.
    """
    merged: dict[str, str] = {}
    if env_file is not None and env_file.is_file():
        merged.update({k: v for k, v in dotenv_values(env_file).items() if v is not None})
    merged.update(os.environ if environ is None else environ)
    values = {k: v for k, v in merged.items() if k.upper().startswith("MSMINER_") and v.strip()}
    known = {f"MSMINER_{name.upper()}" for name in Settings.model_fields}
    for name in values.keys() - known - _OTHER_NAMES:
        near = difflib.get_close_matches(name.upper(), sorted(known), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SettingsError(f"{name} is no setting of msminer{hint}", known=sorted(known))
    fields = {k.removeprefix("MSMINER_").lower(): v.strip() for k, v in values.items() if k in known}
    try:
        return Settings(**fields)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = f"MSMINER_{str(first['loc'][0]).upper()}"
        raise SettingsError(f"{name}: {first['msg']}") from None
