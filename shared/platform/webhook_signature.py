"""Signatures of webhooks: HMAC-SHA256 over a timestamp and the raw body, signed anew at each delivery."""

from __future__ import annotations

import hashlib
import hmac
import re

HEADER = "Webhook-Signature"
TOLERANCE_S = 300
_FORM = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, timestamp_s: int) -> str:
    """Return the value of the Webhook-Signature header for `body` sent at `timestamp_s` (Unix seconds)."""
    digest = hmac.new(secret.encode(), f"{timestamp_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp_s},v1={digest}"


def is_genuine(secret: str, body: bytes, header: str, now_s: float) -> bool:
    """Tell whether `header` signs `body` and is at most five minutes from `now_s`."""
    form = _FORM.fullmatch(header)
    if form is None or abs(now_s - int(form[1])) > TOLERANCE_S:
        return False
    return hmac.compare_digest(sign(secret, body, int(form[1])), header)
