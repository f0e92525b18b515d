"""Faults of the outside world, as one shop sees it: behaviour that provider and mail server are told to have."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from deploy.model.parts import Site
from deploy.runner.control_request import send

TIMEOUT_S = 5.0


def provider_behaviour(name: str, parameters: Mapping[str, float]) -> dict[str, Any]:
    """Return what the provider is told for a fault of this name."""
    share = parameters.get("percent", 100) / 100
    behaviours: dict[str, dict[str, Any]] = {
        "provider-slow": {"latency_ms": {"median": parameters.get("ms", 1000)}},
        "provider-failing": {"error_share": share},
        "provider-hanging": {"hang": True},
        "provider-times-out": {"charge_but_time_out_share": share},
        "provider-webhooks": {
            "webhook": {
                "mode": "always",
                "duplicates": int(parameters.get("copies", 3)),
                "delay_ms": parameters.get("ms", 500),
                "shuffle": True,
            }
        },
    }
    return behaviours[name]


def set_provider_behaviour(site: Site, merchant: str, behaviour: Mapping[str, Any]) -> None:
    """Change how the provider treats a merchant. Raises DeployError."""
    send("PUT", f"{site.url('outside', 'provider')}/control/{merchant}/behaviour", behaviour)


def heal_provider(site: Site, merchant: str) -> None:
    """Bring the provider back to its defaults. Raises DeployError."""
    send("POST", f"{site.url('outside', 'provider')}/control/{merchant}/heal", {})


def set_mail_delay(site: Site, delay_ms: float) -> None:
    """Make the mail server slow (for all shops), or normal with 0. Raises DeployError."""
    send("PUT", f"{site.url('outside', 'mail', 'http')}/behaviour", {"delay_ms": round(delay_ms), "reject_share": 0})


def set_identity_away(site: Site, *, away: bool) -> None:
    """Let the identity provider's keys not be had (for all shops), or again. Raises DeployError."""
    send("PUT", f"{site.url('outside', 'identity')}/behaviour", {"keys_hang": away})


def search(url: str, text: str) -> None:
    """Send a search and do not care about the answer."""
    try:
        with urllib.request.urlopen(f"{url}/products?query={text}&limit=1", timeout=TIMEOUT_S):  # noqa: S310
            pass
    except (urllib.error.URLError, OSError):
        return
