"""Who may speak to the control room: its own page, and readers without a browser."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from room.guard import OwnPagesOnly

OURS = "127.0.0.1:8000"


async def nobody(*_: Any) -> None:
    raise AssertionError("the request got through")


def scope(method: str = "GET", kind: str = "http", **headers: str) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": kind, "method": method, "headers": raw}


guard = OwnPagesOnly(nobody, 8000)


@pytest.mark.parametrize(
    "allowed",
    [
        scope(host=OURS),
        scope(host="localhost:8000", origin="http://localhost:8000"),
        scope("POST", host=OURS, origin=f"http://{OURS}"),
        scope(kind="websocket", host=OURS, origin=f"http://{OURS}"),
    ],
)
def test_our_own_page_gets_through(allowed: dict[str, Any]) -> None:
    assert guard.allows(allowed)


@pytest.mark.parametrize(
    "refused",
    [
        scope(host="evil.example:8000"),  # a name that somebody pointed at 127.0.0.1
        scope(),
        scope(host=OURS, origin="http://evil.example"),
        scope(host=OURS, origin="null"),
        scope(host=OURS, origin="http://127.0.0.1:8001"),  # a shop's page is another site
        scope("POST", host=OURS),
        scope(kind="websocket", host=OURS),
        scope(kind="websocket", host=OURS, origin="http://evil.example"),
    ],
)
def test_other_sites_do_not(refused: dict[str, Any]) -> None:
    assert not guard.allows(refused)


def test_a_refused_request_gets_403_and_a_refused_socket_is_closed() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    asyncio.run(guard(scope("POST", host=OURS), receive, send))
    asyncio.run(guard(scope(kind="websocket", host=OURS), receive, send))

    assert sent[0]["status"] == 403
    assert sent[-1]["type"] == "websocket.close"
