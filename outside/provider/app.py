"""The provider's application: its settings, its routes, and what lives as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import from_json
from pydantic_settings import NoDecode
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from outside.http import ERROR_HANDLERS, live
from outside.provider import charges, control
from outside.provider.gateway import Gateway
from outside.provider.ledger import Ledger
from outside.provider.webhook_sender import WebhookSender, WebhookTarget
from outside.serving import OutsideSettings
from shared.platform.own_pages import OwnPagesOnly


def _decoded(value: Any) -> Any:
    return from_json(value) if isinstance(value, str) else value


class ProviderSettings(OutsideSettings):
    """`webhooks`: {merchant: {url, secret}}; `api_keys`: {merchant: key}, where none is named it is `key-<merchant>`.

    The provider is a stand-in and guards no real money, so that its keys may have a default.
    """

    webhooks: Annotated[dict[str, WebhookTarget], NoDecode, BeforeValidator(_decoded)] = Field(default_factory=dict)
    api_keys: Annotated[dict[str, str], NoDecode, BeforeValidator(_decoded)] = Field(default_factory=dict)


async def ready(request: Request) -> Response:
    """GET /readyz: the ledger can be read."""
    request.app.state.gateway.ledger.storage.read("SELECT 1")
    return JSONResponse({"status": "ready"})


def create_app(settings: ProviderSettings, stopping: asyncio.Event) -> Starlette:
    """Return the application. `stopping` lets go of the calls it holds back. Raises sqlite3.Error."""
    ledger = Ledger(settings.data_dir / "ledger.sqlite3")
    webhook_sender = WebhookSender(ledger.storage, dict(settings.webhooks))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await webhook_sender.start()
        yield
        await webhook_sender.stop()
        ledger.storage.close()

    app = Starlette(
        routes=[
            Route("/v1/{merchant}/charges", charges.charge, methods=["POST"]),
            Route("/v1/{merchant}/charges/{key}", charges.look_up, methods=["GET"]),
            Route("/v1/{merchant}/charges/{key}/void", charges.void, methods=["POST"]),
            Route("/v1/{merchant}/charges/{key}/refunds", charges.refund, methods=["POST"]),
            Route("/control/{merchant}/behaviour", control.get_behaviour, methods=["GET"]),
            Route("/control/{merchant}/behaviour", control.put_behaviour, methods=["PUT"]),
            Route("/control/{merchant}/heal", control.heal, methods=["POST"]),
            Route("/control/{merchant}/ledger", control.get_ledger, methods=["GET"]),
            Route("/control/{merchant}/ledger", control.delete_ledger, methods=["DELETE"]),
            Route("/control/{merchant}/webhook", control.put_webhook, methods=["PUT"]),
            Route("/control/{merchant}/webhooks/{key}/redeliver", control.redeliver, methods=["POST"]),
            Route("/healthz", live),
            Route("/readyz", ready),
        ],
        middleware=[Middleware(OwnPagesOnly)],
        exception_handlers=ERROR_HANDLERS,
        lifespan=lifespan,
    )
    app.state.gateway = Gateway(ledger, webhook_sender, dict(settings.api_keys), stopping)
    return app
