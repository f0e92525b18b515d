"""Makes an application movable: its requests and loops pass the gate, and the events of its modules find the broker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx
from flask import Flask

from monolith.config import Settings
from monolith.moving import hand_on
from monolith.moving.gate import Gate
from monolith.moving.hand_on import HandOn

GATED = "monolith.gated"


def install(app: Flask, settings: Settings, gate: Gate, new_way: Callable[[], httpx.BaseTransport]) -> HandOn:
    """Let every request pass the gate, and hand on those whose module is out."""
    urls = {
        "notifications": settings.notifications_url,
        "catalog": settings.catalog_url,
        "payments": settings.payments_url,
        "orders": settings.orders_url,
    }
    way = HandOn({module: (url, new_way()) for module, url in urls.items()})
    app.before_request(partial(hand_on.before_request, gate, way, GATED))
    app.teardown_request(lambda _error: hand_on.after_request(gate, GATED))
    return way
