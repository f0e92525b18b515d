"""Settings that services have beyond the common ones: the broker and the keys with which services know each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from shared.platform.settings import CommonSettings


class ServiceSettings(CommonSettings):
    """A service's settings. Key settings are paths: a service that calls nobody needs no private key."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("nats_url",)
    LOCAL_DEFAULTS: ClassVar[dict[str, str]] = {"nats_url": "nats://127.0.0.1:18280"}

    nats_url: str = ""
    service_private_key: str = ""
    service_public_keys: str = ""

    def private_jwk(self) -> dict[str, Any]:
        """Return the key this service signs its calls with. Raises OSError or ValueError if it cannot be read."""
        key: dict[str, Any] = json.loads(Path(self.service_private_key).read_text("utf-8"))
        return key

    def public_jwks(self) -> dict[str, dict[str, Any]]:
        """Return the public keys of the other services, by name; none if no file is named."""
        path = self.service_public_keys
        keys: dict[str, dict[str, Any]] = json.loads(Path(path).read_text("utf-8")) if path else {}
        return keys
