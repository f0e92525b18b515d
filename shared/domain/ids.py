"""UUIDv7 strings, which sort by time, so that an index grows at its end (RFC 9562, section 5.7); and skus."""

from __future__ import annotations

import os
import re
import time
import uuid

from shared.domain.errors import NotFound

SKU = r"[A-Z0-9][A-Z0-9-]{0,63}"


def new_id() -> str:
    """Return a fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = int.from_bytes(os.urandom(10), "big")
    value &= (1 << 74) - 1
    random_a, random_b = value >> 62, value & ((1 << 62) - 1)
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b))


def is_id(text: str) -> bool:
    """Tell whether `text` is a UUID in its canonical form; anything else cannot be an id of ours."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def known_id(text: str, what: str) -> str:
    """Return the id in a path. Raises NotFound for what cannot be one of an order, of a payment."""
    if not is_id(text):
        raise NotFound(f"There is no such {what}.")
    return text


def known_sku(text: str) -> str:
    """Return the sku in a path. Raises NotFound for what cannot be one."""
    if not re.fullmatch(SKU, text):
        raise NotFound("There is no such product.")
    return text
