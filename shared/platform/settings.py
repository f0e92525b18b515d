"""Settings from the environment. Outside local mode no secret has a default: the process refuses to start."""

from __future__ import annotations

import os
import sys
from collections import ChainMap
from typing import ClassVar, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class CommonSettings(BaseSettings):
    """What every part of either build needs. Durations carry their unit; URLs carry no trailing slash."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    # What must not be empty, and what local mode fills it with. Each class adds its own to that of its bases.
    # A database has no default: it is always named.
    REQUIRED: ClassVar[tuple[str, ...]] = ("database_url", "jwks_url", "token_issuer")
    LOCAL_DEFAULTS: ClassVar[dict[str, str]] = {
        "jwks_url": "http://127.0.0.1:18402/jwks.json",
        "token_issuer": "http://127.0.0.1:18402",
    }

    twinshop_mode: Literal["local", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    database_url: str = ""
    db_pool_size: int = Field(default=4, ge=1, le=100)
    migrate_on_start: bool = True

    jwks_url: str = ""
    token_issuer: str = ""
    token_audience: str = "twinshop"  # noqa: S105  (a name, not a secret)

    # Deadlines nest: provider < inner call < edge < recovery.
    provider_timeout_s: float = 2.0
    inner_timeout_s: float = 3.0
    request_deadline_s: float = 8.0
    recovery_after_s: float = 10.0
    sweep_interval_s: float = 1.0
    drain_s: float = Field(default=0.0, ge=0, le=30)  # serve on after being told to stop: see draining.py

    # What is older is forgotten, see pruning.py. A key is good for a day at least. The broker keeps an event for seven
    # days and delivers none that is older; a relay that died between publishing an event and its own commit publishes
    # it again, with the same id, once it is back. So the bound holds as long as no relay is dead for a week.
    keys_kept_h: int = Field(default=48, ge=24)
    inbox_kept_h: int = Field(default=14 * 24, gt=7 * 24)

    crash_at: str = ""
    reached_file: str = ""
    faults_file: str = ""  # see injected_faults.py
    clock_off_s: float = 0.0  # see clock.py

    @property
    def is_local(self) -> bool:
        """Whether development defaults and failpoints are allowed."""
        return self.twinshop_mode == "local"

    @model_validator(mode="after")
    def _fill_or_refuse(self) -> Self:
        """Fill what may have a local default; name everything that is missing otherwise."""
        bases = [vars(base) for base in type(self).__mro__]
        defaults = ChainMap(*(base.get("LOCAL_DEFAULTS", {}) for base in bases)) if self.is_local else {}
        missing = []
        for name in (name for base in reversed(bases) for name in base.get("REQUIRED", ())):
            if getattr(self, name):
                continue
            if name in defaults:
                object.__setattr__(self, name, defaults[name])
            else:
                missing.append(name.upper())
        if missing:
            hint = "" if self.is_local else " (or TWINSHOP_MODE=local for development defaults)"
            raise ValueError(f"set {', '.join(missing)}{hint}")
        return self


class ProviderSettings(BaseSettings):
    """How to reach the payment provider, and how its webhooks are signed."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("provider_url", "provider_merchant", "provider_api_key", "webhook_secret")

    provider_url: str = ""
    provider_merchant: str = ""
    provider_api_key: str = ""
    webhook_secret: str = ""
    payment_give_up_s: float = 900.0
    risk_ms: int = Field(default=0, ge=0, le=10_000)


class MailSettings(BaseSettings):
    """How to reach the mail server, and the domain that mails and their Message-IDs carry."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("mail_domain",)

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=18403, ge=1, le=65535)
    mail_domain: str = ""
    mail_timeout_s: float = 5.0


S = TypeVar("S", bound=BaseSettings)


def load_or_exit(settings_class: type[S]) -> S:
    """Return the settings from the environment, or say on stderr what is wrong and exit with status 2.

    Each file in the folder that `SECRETS_DIR` names is a setting too, unless the environment has it: the text of
    `/run/secrets/database_url` is DATABASE_URL. So a container's passwords need not be in its environment.
    """
    folder = os.environ.get("SECRETS_DIR")
    try:
        return settings_class(_secrets_dir=folder) if folder else settings_class()
    except ValidationError as error:
        for item in error.errors(include_url=False):
            name = ".".join(str(part) for part in item["loc"]).upper()
            sys.stderr.write(f"settings: {name + ': ' if name else ''}{item['msg']}\n")
        raise SystemExit(2) from None
