"""Faults on the way between two parts: off until their runtime keys are set through the admin interface."""

from __future__ import annotations

from typing import Any

FILTER = "envoy.filters.http.fault"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"
CUSTOMER = "customer"  # the callers of the public listener
SERVICES = "services"  # the callers of an inner listener
REFUSED = 503
LONGEST_DELAY_MS = 3_600_000  # longer than anybody waits: the request is lost


def on_link(caller: str, part: str) -> dict[str, Any]:
    """Return the faults of the way from `caller` to `part`, all at 0 %."""
    at = _prefix(caller, part)
    never = {"numerator": 0, "denominator": "HUNDRED"}
    return {
        "@type": TYPE,
        "abort": {"http_status": REFUSED, "percentage": never},
        "abort_percent_runtime": f"{at}.abort_percent",
        "delay": {"fixed_delay": "1s", "percentage": never},
        "delay_percent_runtime": f"{at}.delay_percent",
        "delay_duration_runtime": f"{at}.delay_ms",
    }


def cut(caller: str, part: str) -> dict[str, str]:
    """Return the runtime keys that refuse every request on this way, as a closed port would."""
    return healthy(caller, part) | {f"{_prefix(caller, part)}.abort_percent": "100"}


def delay(caller: str, part: str, delay_ms: int, percent: int = 100) -> dict[str, str]:
    """Return the runtime keys that hold this share of requests back for so long before they are passed on."""
    at = _prefix(caller, part)
    return healthy(caller, part) | {f"{at}.delay_ms": str(delay_ms), f"{at}.delay_percent": str(percent)}


def healthy(caller: str, part: str) -> dict[str, str]:
    """Return the runtime keys of a way without faults."""
    at = _prefix(caller, part)
    return {f"{at}.abort_percent": "0", f"{at}.delay_percent": "0", f"{at}.delay_ms": "0"}


def _prefix(caller: str, part: str) -> str:
    return f"twinshop.fault.{caller}.{part}"
