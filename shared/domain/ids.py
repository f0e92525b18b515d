"""UUIDv7 strings: they sort by time, so an index grows at its end (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import time
import uuid


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
