"""`python -m variants.direct_notification.orders`: an order's customer waits until catalog and notifications know.

The event is written all the same, with the step that it tells, and held back: where both calls were answered it is
taken out again, and where one was not, or we died meanwhile, it leaves after all. Each side takes either, and twice
does no harm. What no customer waits for (a recovery, an event of payments) is told by events, as in the plain build.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from fastapi import FastAPI
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from microservices.kit.database import Database
from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import serve
from microservices.orders.app import assemble, clients
from microservices.orders.clients import Catalog, Payments
from microservices.orders.config import OrdersSettings
from microservices.orders.service import Orders
from microservices.orders.tables import STEP
from shared.contract.events import OrderEvent
from shared.platform.settings import load_or_exit
from variants.direct_notification.notifier import DirectNotifier
from variants.direct_notification.outbox import HoldingOutbox, add_column

# The step of the plain build, with an event that waits until the call that tells it has had its chance.
STEP_AND_HOLD = text(
    STEP.text.replace(
        "(type, payload) SELECT :event_type, :payload",
        "(type, payload, not_before) SELECT :event_type, :payload, now() + make_interval(secs => :hold_s)",
    )
).bindparams(bindparam("lines", type_=JSONB))


class DirectOrdersSettings(OrdersSettings):
    """The plain build's, and where the notifications are."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("notifications_url",)
    LOCAL_DEFAULTS: ClassVar[dict[str, str]] = {
        "notifications_url": "http://127.0.0.1:18204"
    }  # the inner listener of the edge

    notifications_url: str = ""


class DirectOrders(Orders):
    """Orders whose steps are told by calls where a customer waits."""

    def __init__(
        self,
        database: Database,
        outbox: HoldingOutbox,
        catalog: Catalog,
        payments: Payments,
        settings: OrdersSettings,
        notifier: DirectNotifier,
    ) -> None:
        super().__init__(database, outbox, catalog, payments, settings)
        self._notifier = notifier

    async def _commit_step(self, values: dict[str, Any], event: OrderEvent) -> bool:
        if not self._notifier.handles(event):
            return await super()._commit_step(values, event)
        rows = await self._commit(STEP_AND_HOLD, values | {"hold_s": self._notifier.hold_s})
        if rows:
            await self._notifier.notify(event, rows[0].id)
        return bool(rows)


def create_app(settings: DirectOrdersSettings) -> FastAPI:
    """Return the app. It connects to nothing before it starts."""
    runtime = ServiceRuntime("orders", settings)
    runtime.outbox = outbox = HoldingOutbox(runtime.database, runtime.broker, runtime.metrics)
    runtime.on_start(partial(add_column, runtime.database))
    notifier = DirectNotifier(
        outbox,
        runtime.service_peer("catalog", settings.catalog_url),
        runtime.service_peer("notifications", settings.notifications_url),
        settings.recovery_after_s,
    )
    catalog, payments = clients(runtime, settings)
    return assemble(runtime, DirectOrders(runtime.database, outbox, catalog, payments, settings, notifier))


if __name__ == "__main__":
    _settings = load_or_exit(DirectOrdersSettings)
    serve(create_app(_settings), _settings, "orders")
