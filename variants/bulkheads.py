"""Bulkheads: a module may use so many of the web threads and no more, so that one that hangs cannot take them all.

`python -m variants.bulkheads` serves the monolith with the limits that `BULKHEADS` names. Where a module's places are
taken as many requests again may wait for one, for a moment; the others are answered 503 at once, and nothing has
happened then. `WEB_THREADS` must be more than twice all places together: who waits holds a thread too.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from flask import Flask, g, request
from pydantic import field_validator

from monolith import app as monolith
from monolith.config import Settings
from monolith.server import serve
from shared.domain.errors import Unavailable

WAIT_S = 1.0
MODULES = ("catalog", "orders", "payments", "notifications")


class BulkheadSettings(Settings):
    """Those of the monolith, and the limits."""

    bulkheads: str = ""  # orders:8,catalog:6,...: of the web threads, at most so many for a module

    @field_validator("bulkheads")
    @classmethod
    def _make_sense(cls, value: str) -> str:
        parse(value)
        return value


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
    doors = {module: _Door(limit) for module, limit in limits.items()}

    @app.before_request
    def take_a_place() -> None:
        module = request.blueprint
        if module not in doors:
            return
        if not doors[module].enter():
            raise Unavailable(f"All {limits[module]} places of {module} are taken.")
        g.bulkhead = module

    @app.teardown_request
    def give_it_back(_error: BaseException | None) -> None:
        module = g.pop("bulkhead", None)
        if module is not None:
            doors[module].leave()


class _Door:
    """So many places, and as many to wait for one."""

    def __init__(self, places: int) -> None:
        self._let_in = threading.Semaphore(2 * places)
        self._places = threading.Semaphore(places)

    def enter(self) -> bool:
        if not self._let_in.acquire(blocking=False):
            return False
        if self._places.acquire(timeout=WAIT_S):
            return True
        self._let_in.release()
        return False

    def leave(self) -> None:
        self._places.release()
        self._let_in.release()


def create_app(settings: BulkheadSettings) -> Flask:
    """Return the monolith's application with bulkheads."""
    app = monolith.create_app(settings)
    install(app, parse(settings.bulkheads))
    return app


if __name__ == "__main__":
    serve(BulkheadSettings, create_app, monolith.prepare)
