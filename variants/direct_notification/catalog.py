"""`python -m variants.direct_notification.catalog`: the catalog also hears of an order by a call."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response

from microservices.catalog import app as plain
from microservices.catalog.config import CatalogSettings
from microservices.catalog.products import Products
from microservices.catalog.stock import TARGET_OF_EVENT, on_order_events
from microservices.kit.serving import serve
from microservices.kit.web import Answer, called_by, read_body, service_of
from shared.contract.events import OrderEvent
from shared.domain.errors import FieldError, InvalidRequest
from shared.platform.settings import load_or_exit
from variants.direct_notification.notifier import PATH

router = APIRouter()


@router.post(PATH, dependencies=[called_by("orders")])
async def handle_order_event(request: Request) -> Response:
    """Do what an order's event asks for, for a caller who waits: the same as if the broker had brought it."""
    service: Products = service_of(request)
    event = await read_body(request, OrderEvent)
    if event.type not in TARGET_OF_EVENT:
        raise InvalidRequest("The catalog has nothing to do then.", [FieldError("type", f"is {event.type}")])
    async with service.database.transaction() as connection:
        await on_order_events(connection, [event])
    return Answer(200, b'{"status":"done"}').response()


def create_app(settings: CatalogSettings) -> FastAPI:
    """Return the plain app with one more inner route."""
    app = plain.create_app(settings)
    app.include_router(router)
    return app


if __name__ == "__main__":
    _settings = load_or_exit(CatalogSettings)
    serve(create_app(_settings), _settings, "catalog")
