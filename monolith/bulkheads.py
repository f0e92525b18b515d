"""Bulkheads: a module may use so many of the web threads and no more, so that one that hangs cannot take them all.

Off unless `BULKHEADS` names limits. A module whose share is in use answers 503 at once; nothing has happened then.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from flask import Flask, g, request

from shared.domain.errors import Unavailable

MODULES = ("catalog", "orders", "payments", "notifications")


def parse(text: str) -> dict[str, int]:
    """Return the limits in `orders:8,catalog:6`. Raises ValueError for a module or a limit that makes no sense."""
    limits: dict[str, int] = {}
    for item in filter(None, text.split(",")):
        module, _, limit = item.strip().partition(":")
        if module not in MODULES or not limit.isdigit() or not int(limit):
            raise ValueError(f"BULKHEADS={item!r}: want <module>:<threads> with a module out of {', '.join(MODULES)}")
        limits[module] = int(limit)
    return limits


def install(app: Flask, limits: Mapping[str, int]) -> None:
    """Stand at the entrance of each module that has a limit. A module is a blueprint."""
    if not limits:
        return
    free = {module: threading.Semaphore(limit) for module, limit in limits.items()}

    @app.before_request
    def take_a_place() -> None:
        module = request.blueprint
        if module not in free:
            return
        if not free[module].acquire(blocking=False):
            raise Unavailable(f"All {limits[module]} places of {module} are taken.")
        g.bulkhead = module

    @app.teardown_request
    def give_it_back(_error: BaseException | None) -> None:
        module = g.pop("bulkhead", None)
        if module is not None:
            free[module].release()
