"""Waiting for what happens behind the answer: mails, settlements, books."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.1


def until(what: str, probe: Callable[[], T], within_s: float = 60.0) -> T:
    """Return the first truthy result of `probe`. Fails the test, saying `what` did not happen, after `within_s`."""
    deadline = time.monotonic() + within_s
    while not (result := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within_s:g} s; last seen: {result!r}")
        time.sleep(POLL_S)
    return result
