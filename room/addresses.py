"""The ports of the pages that are for people. `TWINSHOP_PORT_SHIFT` is added to them as to all others."""

from __future__ import annotations

from deploy.model.ports import port_shift

_ROOM = 8000
_LOCUST = 8089


def room_port() -> int:
    """Return the control room's port."""
    return _ROOM + port_shift()


def locust_port() -> int:
    """Return the port of Locust's web page."""
    return _LOCUST + port_shift()
