"""`python -m variants.direct_notification.notifications`: the notifications also hear of an order by a call."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy import text

from microservices.kit.database import Database
from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import serve
from microservices.kit.web import Answer, called_by, read_body, service_of
from microservices.notifications import app as plain
from microservices.notifications.config import NotificationsSettings
from microservices.notifications.queue import KIND_OF_EVENT, Notifications
from microservices.notifications.sender import BATCH, CLAIM, LEASE_S, MailSender
from shared.contract.events import OrderEvent
from shared.domain.errors import FieldError, InvalidRequest
from shared.domain.notification import Mail
from shared.platform.settings import load_or_exit
from variants.direct_notification.notifier import PATH

CLAIM_ORDER = text(CLAIM.text.replace("status = 'queued'", "status = 'queued' AND order_id = CAST(:order_id AS uuid)"))

router = APIRouter()


class DirectSender(MailSender):
    """Sends what is due about one order, here and now."""

    async def send_order(self, order_id: str) -> bool:
        """Return whether nothing is left that the plain sender's loop would have to send."""
        values = {"lease_s": LEASE_S, "batch": BATCH, "order_id": order_id}
        return await self.deliver([Mail.of_row(row) for row in await self._database.write(CLAIM_ORDER, values)])


@router.post(PATH, dependencies=[called_by("orders")])
async def handle_order_event(request: Request) -> Response:
    """Write down and mail what an order's event asks for, for a caller who waits.

    What was not sent is written down, and the sender's loop goes on with it: the caller need not tell it again.
    """
    runtime: ServiceRuntime = request.app.state.runtime
    event = await read_body(request, OrderEvent)
    sent = await notify(runtime.database, service_of(request), request.app.state.sender, event)
    return Answer(200, b'{"status":"sent"}' if sent else b'{"status":"queued"}').response()


async def notify(database: Database, service: Notifications, sender: DirectSender, event: OrderEvent) -> bool:
    """Write down and send what one event asks for; return whether it was sent. Raises InvalidRequest."""
    if event.type not in KIND_OF_EVENT:
        raise InvalidRequest("Nobody is told of that.", [FieldError("type", f"is {event.type}")])
    async with database.transaction() as connection:
        await service.on_order_events(connection, [event])
    return await sender.send_order(event.order_id)


def create_app(settings: NotificationsSettings) -> FastAPI:
    """Return the plain app with one more inner route."""
    runtime = ServiceRuntime("notifications", settings)
    app = plain.create_app(settings, runtime)
    app.state.sender = DirectSender(runtime.database, settings, runtime.metrics)
    app.include_router(router)
    return app


if __name__ == "__main__":
    _settings = load_or_exit(NotificationsSettings)
    serve(create_app(_settings), _settings, "notifications")
