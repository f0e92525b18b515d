"""Requests to the outside world's parts that change what they have or do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from deploy.model.errors import DeployError

TIMEOUT_S = 10.0


def send(method: str, url: str, body: Mapping[str, Any] | None = None) -> None:
    """Send a request, with a body in JSON if there is one. Raises DeployError for an answer of 4xx or 5xx, or none."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"} if body is not None else {}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  (addresses of ours)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            pass
    except (urllib.error.URLError, OSError) as error:
        raise DeployError(f"{method} {url} failed: {error}") from error
