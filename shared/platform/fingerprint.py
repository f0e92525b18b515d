"""Fingerprint of a request, to tell a retry from another request under the same Idempotency-Key."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def fingerprint(route: str, body: Any) -> str:
    """Return a SHA-256 over the route and the parsed JSON body; spaces and the order of fields do not matter."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{route}\n{canonical}".encode()).hexdigest()
