"""A part that was told to stop goes on answering, and asks to be asked nothing else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from typing import Any

from shared.platform.draining import DrainingAsgi, DrainingWsgi

GOODBYE = {("connection", "close"), ("x-envoy-immediate-health-check-fail", "true")}


async def asgi_app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"7")]})
    await send({"type": "http.response.body", "body": b"armchair"})


def wsgi_app(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("X-Request-Id", "7")])
    return [b"armchair"]


def asgi_headers(app: DrainingAsgi) -> set[tuple[str, str]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app({"type": "http"}, None, send))  # type: ignore[arg-type]
    assert sent[1]["body"] == b"armchair"
    return {(name.decode(), value.decode()) for name, value in sent[0]["headers"]}


def wsgi_headers(app: DrainingWsgi) -> set[tuple[str, str]]:
    answers: list[list[tuple[str, str]]] = []
    assert list(app({}, lambda _status, headers: answers.append(headers))) == [b"armchair"]
    return {(name.lower(), value) for name, value in answers[0]}


def asgi_status(app: DrainingAsgi, path: str) -> int:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app({"type": "http", "path": path}, None, send))  # type: ignore[arg-type]
    status: int = sent[0]["status"]
    return status


def wsgi_status(app: DrainingWsgi, path: str) -> int:
    statuses: list[str] = []
    list(app({"PATH_INFO": path}, lambda status, _headers: statuses.append(status)))
    return int(statuses[0].split()[0])


def test_an_asgi_application_says_goodbye_only_when_it_leaves() -> None:
    app = DrainingAsgi(asgi_app)

    before = asgi_headers(app)
    app.begin()
    after = asgi_headers(app)

    assert before == {("x-request-id", "7")}
    assert after == before | GOODBYE


def test_a_wsgi_application_says_goodbye_only_when_it_leaves() -> None:
    begin = threading.Event()
    app = DrainingWsgi(wsgi_app, begin)

    before = wsgi_headers(app)
    begin.set()
    deadline = time.monotonic() + 5
    while (after := wsgi_headers(app)) == before and time.monotonic() < deadline:
        time.sleep(0.01)

    assert before == {("x-request-id", "7")}
    assert after == before | GOODBYE


def test_an_asgi_application_that_leaves_is_not_healthy_and_goes_on_answering() -> None:
    app = DrainingAsgi(asgi_app)

    before = asgi_status(app, "/healthz")
    app.begin()

    assert before == 200
    assert asgi_status(app, "/healthz") == 503
    assert asgi_status(app, "/products") == 200


def test_a_wsgi_application_that_leaves_is_not_healthy_and_goes_on_answering() -> None:
    begin = threading.Event()
    app = DrainingWsgi(wsgi_app, begin)

    before = wsgi_status(app, "/healthz")
    begin.set()
    deadline = time.monotonic() + 5
    while (after := wsgi_status(app, "/healthz")) == before and time.monotonic() < deadline:
        time.sleep(0.01)

    assert (before, after) == (200, 503)
    assert wsgi_status(app, "/products") == 200
