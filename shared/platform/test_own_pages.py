"""Pages of other web sites get nothing from what listens on loopback: no token, no button, no socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from flask import Flask

from shared.platform.own_pages import OwnPagesOnly, origins_of, own_page_only

SHOP = "http://127.0.0.1:8001"
OURS = "127.0.0.1:8000"
LOCUST = {"Host": "127.0.0.1:8089"}


async def nobody(*_: object) -> None:
    raise AssertionError("the request got through")


def scope(method: str = "GET", kind: str = "http", **headers: str) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": kind, "method": method, "headers": raw}


interface = OwnPagesOnly(nobody, origins_of([SHOP]))
page = OwnPagesOnly(nobody, origins_of([f"http://{OURS}"]), is_page=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:18402"},
        {"host": "127.0.0.1:18402", "origin": SHOP},
        {"host": "localhost:18402", "origin": "http://localhost:8001"},
        {"host": "[::1]:18402"},
        {"host": "identity:8000"},
    ],
)
def test_an_interface_answers_tools_containers_and_the_shops_pages(headers: dict[str, str]) -> None:
    assert interface.allows(scope("POST", **headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:18402", "origin": "https://evil.example"},
        {"host": "127.0.0.1:18402", "origin": "null"},
        {"host": "127.0.0.1:18402", "origin": "http://127.0.0.1:18402"},
        {"host": "127.0.0.1:18402", "origin": f"{SHOP}.evil.example"},
        {"host": "evil.example:18402"},
        {"host": "evil.example"},
        {"host": ""},
        {},
    ],
)
def test_an_interface_refuses_pages_of_other_sites(headers: dict[str, str]) -> None:
    assert not interface.allows(scope(**headers))


@pytest.mark.parametrize(
    "allowed",
    [
        scope(host=OURS),
        scope(host="localhost:8000", origin="http://localhost:8000"),
        scope("POST", host=OURS, origin=f"http://{OURS}"),
        scope(kind="websocket", host=OURS, origin=f"http://{OURS}"),
    ],
)
def test_a_page_of_ours_may_write_and_open_sockets(allowed: dict[str, Any]) -> None:
    assert page.allows(allowed)


@pytest.mark.parametrize(
    "refused",
    [
        scope(host="evil.example:8000"),  # a name that somebody pointed at 127.0.0.1
        scope(),
        scope(host=OURS, origin="http://evil.example"),
        scope(host=OURS, origin="null"),
        scope(host=OURS, origin=SHOP),  # a shop's page is another site
        scope("POST", host=OURS),
        scope(kind="websocket", host=OURS),
        scope(kind="websocket", host=OURS, origin="http://evil.example"),
    ],
)
def test_beside_our_page_nobody_may(refused: dict[str, Any]) -> None:
    assert not page.allows(refused)


def test_a_refused_request_gets_403_and_a_refused_socket_is_closed() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    asyncio.run(page(scope("POST", host=OURS), receive, send))
    asyncio.run(page(scope(kind="websocket", host=OURS), receive, send))

    assert sent[0]["status"] == 403
    assert sent[-1]["type"] == "websocket.close"


@pytest.fixture
def locust() -> Flask:
    app = Flask(__name__)
    app.post("/swarm")(lambda: "swarming")
    app.wsgi_app = own_page_only(app.wsgi_app)  # type: ignore[method-assign]
    return app


@pytest.mark.parametrize(
    "headers", [LOCUST, LOCUST | {"Origin": "http://127.0.0.1:8089"}, {"Host": "localhost:8089"}, {"Host": "locust"}]
)
def test_locust_answers_its_own_page_and_tools(locust: Flask, headers: dict[str, str]) -> None:
    assert locust.test_client().post("/swarm", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        LOCUST | {"Origin": "https://evil.example"},
        LOCUST | {"Origin": "null"},
        LOCUST | {"Origin": SHOP},
        {"Host": "evil.example:8089", "Origin": "http://evil.example:8089"},
    ],
)
def test_locust_refuses_other_sites(locust: Flask, headers: dict[str, str]) -> None:
    assert locust.test_client().post("/swarm", headers=headers).status_code == 403
