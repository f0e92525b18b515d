"""A client for plain HTTP: others read the certificates of the world first, which takes longer than most requests."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def plain_http(base_url: str = "", *, timeout: float = 5, **more: Any) -> httpx.Client:
    """Return a client for addresses below `base_url`. `timeout` is in s."""
    return httpx.Client(base_url=base_url, timeout=timeout, verify=_NO_CERTIFICATES, **more)
