"""Without a network between them the services still behave as if there were one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response
from joserfc.jwk import OKPKey

from microservices.catalog.config import CatalogSettings
from microservices.kit.peers import Peer
from microservices.notifications.config import NotificationsSettings
from microservices.orders.config import OrdersSettings
from microservices.payments.config import PaymentsSettings
from shared.domain.errors import Unanswered
from shared.platform.metrics import Metrics
from shared.platform.settings import ProviderSettings
from variants.colocated.__main__ import InProcess, create_app


def test_a_caller_that_gives_up_does_not_stop_the_one_it_called() -> None:
    finished = asyncio.Event()
    app = FastAPI()

    @app.post("/slow")
    async def slow() -> Response:
        await asyncio.sleep(0.3)
        finished.set()
        return Response()

    async def run() -> None:
        peer = Peer("slow", "http://slow", deadline_s=0.1, metrics=Metrics(), transport=InProcess(app))
        with pytest.raises(Unanswered):
            await peer.post("/slow")
        assert not finished.is_set()
        async with asyncio.timeout(2):
            await finished.wait()
        await peer.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/internal/reservations", 404),
        ("/internal/charges", 404),
        ("/nowhere", 404),
        ("/orders", 401),
        ("/notifications", 401),
        ("/webhooks/elsewhere", 404),
        ("/healthz", 200),
        ("/metrics", 200),
    ],
)
def test_public_paths_are_those_of_the_edge(path: str, status: int, tmp_path: Path) -> None:
    private, public = tmp_path / "orders.jwk", tmp_path / "public.json"
    key = OKPKey.generate_key("Ed25519")
    private.write_text(json.dumps(key.as_dict(private=True)))
    public.write_text(json.dumps({"orders": key.as_dict(private=False)}))
    provider = dict.fromkeys(ProviderSettings.REQUIRED, "x")
    common: dict[str, Any] = {
        "twinshop_mode": "local",
        "database_url": "postgresql://a:b@127.0.0.1:1/c",
        "service_public_keys": str(public),
    }
    app = create_app(
        CatalogSettings(**common),
        OrdersSettings(**common, service_private_key=str(private)),
        PaymentsSettings(**common, **provider),
        NotificationsSettings(**common),
    )

    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return await client.get(path)

    answer = asyncio.run(run())
    assert answer.status_code == status
    if status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
