"""The orders service: every change of an order is a step that compares the version it saw, and tells an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.database import Database
from microservices.kit.inbox import NotYet
from microservices.kit.outbox import Outbox
from microservices.kit.web import Answer
from microservices.orders.clients import Catalog, PaymentOutcome, Payments
from microservices.orders.config import OrdersSettings
from microservices.orders.order import OrderState
from microservices.orders.replay import Answers
from microservices.orders.tables import CANCEL, CLAIM, FORGET, PLACE, SNOOZE, STEP
from shared.contract.bodies import OrderInput
from shared.contract.events import OrderEvent
from shared.contract.parsing import Keyed
from shared.domain.errors import OutcomeUnknown, ShopError
from shared.domain.ids import known_id, new_id
from shared.domain.order import OrderStatus, RejectReason
from shared.platform import tracing
from shared.platform.tokens import Principal

LEASE_S = 5.0
PROMISED_S = 30.0  # an event will tell: asking again is only for the case that it got lost with a restored backup


class VersionConflict(NotYet):
    """Somebody else (a recovery, an event) has moved this order on: what we know of it is old."""


class Orders:
    """The steps that place_order, cancel_order and settle are made of. Each commits, or raises VersionConflict."""

    def __init__(
        self, database: Database, outbox: Outbox, catalog: Catalog, payments: Payments, settings: OrdersSettings
    ) -> None:
        self._database = database
        self._outbox = outbox
        self.catalog = catalog
        self.payments = payments
        self.settings = settings
        self.answers = Answers(database)

    async def place(self, who: Principal, keyed: Keyed[OrderInput]) -> OrderState | None:
        """Write the order down, once for each customer and key; None if the key came before."""
        order_id = new_id()
        row = {
            "id": order_id,
            "customer_id": who.subject,
            "email": who.email,
            "idempotency_key": keyed.key,
            "fingerprint": keyed.fingerprint,
            "payment_id": new_id(),
            "payment_method": keyed.body.payment_method,
            "wanted": keyed.body.model_dump(include={"lines", "expected_total"}),
            "due_in_s": self.settings.recovery_after_s,
        }
        rows = await self._database.write(PLACE, row)
        return OrderState.of_row(rows[0]) if rows else None

    async def confirm(self, order: OrderState, connection: AsyncConnection | None = None) -> Answer:
        """The money is taken: the sale stands. The event makes the catalog sell and the customer hear of it."""
        new = order.become(OrderStatus.CONFIRMED)
        answer = Answer.of(201, new.body())
        await self._step(order, new, new.event("order.confirmed"), answer=answer, connection=connection)
        return answer.located(order.id)

    async def wait_for_payment(self, order: OrderState, charge: PaymentOutcome) -> Answer:
        """The money may be taken or not: keep the stock, and say that it takes longer."""
        new = order.become(OrderStatus.PAYMENT_PENDING)
        due_in_s = PROMISED_S if charge.promised else self.settings.recovery_after_s
        await self._step(order, new, new.event("order.payment_pending"), due_in_s=due_in_s)
        return Answer.of(202, new.body()).located(order.id)

    async def reject(
        self, order: OrderState, refusal: ShopError, *, reason: str = "", connection: AsyncConnection | None = None
    ) -> Answer:
        """The order ends here. The event makes the catalog give back what it may have reserved."""
        new = order.become(OrderStatus.REJECTED, reason or refusal.code)
        answer = Answer.of_error(refusal, instance="/orders", trace_id=tracing.current())
        # A mail only where the customer was left waiting: else the answer itself says it.
        event = new.event("order.rejected", notify=order.status == OrderStatus.PAYMENT_PENDING)
        await self._step(order, new, event, answer=answer, connection=connection)
        return answer

    async def abandon(self, order: OrderState) -> None:
        """The customer is about to be told 503: nothing may happen any more, and the key is free again."""
        new = replace(order.become(OrderStatus.REJECTED, RejectReason.UNAVAILABLE), idempotency_key=None)
        try:
            await self._step(order, new, new.event("order.rejected", notify=False))
        except VersionConflict as error:
            raise OutcomeUnknown("The order is still being worked on; send the request again.") from error

    async def forget(self, order: OrderState) -> None:
        """An order for something that does not exist leaves nothing behind."""
        if not await self._commit(FORGET, {"id": order.id, "version": order.version}):
            raise VersionConflict

    async def mark_cancelling(self, order_id: str, who: Principal) -> OrderState | None:
        """Take one's own confirmed order within its window for cancelling; None if it is not there to be taken."""
        values = {
            "id": known_id(order_id, "order"),
            "customer_id": who.subject,
            "due_in_s": self.settings.recovery_after_s,
            "window_s": self.settings.cancel_window_s,
        }
        rows = await self._database.write(CANCEL, values)
        return OrderState.of_row(rows[0]) if rows else None

    async def cancelled(self, order: OrderState, connection: AsyncConnection | None = None) -> Answer:
        """The money is back. The event makes the catalog take the stock back and the customer hear of it."""
        new = order.become(OrderStatus.CANCELLED)
        await self._step(order, new, new.event("order.cancelled"), connection=connection)
        return Answer.of(200, new.body())

    async def claim_due(self, batch: int) -> list[tuple[OrderState, float]]:
        """Take orders that a crash or a missing answer left behind, and their ages in seconds by the database's clock.

        Whoever held one before loses its next step.
        """
        rows = await self._database.write(CLAIM, {"batch": batch, "lease_s": LEASE_S})
        return [(OrderState.of_row(row), row.age_s) for row in rows]

    async def snooze(self, order: OrderState) -> None:
        """An event will tell the end: look again only much later."""
        await self._database.write(SNOOZE, {"id": order.id, "version": order.version, "due_in_s": PROMISED_S})

    async def put(self, connection: AsyncConnection, event: OrderEvent) -> None:
        """Tell an event that goes with no step, in the transaction at hand."""
        await self._outbox.put(connection, event)

    async def _step(
        self,
        old: OrderState,
        new: OrderState,
        event: OrderEvent,
        *,
        answer: Answer | None = None,
        due_in_s: float | None = None,
        connection: AsyncConnection | None = None,
    ) -> None:
        """Write the new version and its event if nobody was faster. Raises VersionConflict or OutcomeUnknown."""
        values = {
            "id": old.id,
            "seen_status": old.status.value,
            "seen_version": old.version,
            "status": new.status.value,
            "version": new.version,
            "lines": [line.model_dump() for line in new.lines],
            "total": new.total.amount if new.total else None,
            "currency": new.total.currency if new.total else None,
            "reason": new.reason,
            "idempotency_key": new.idempotency_key,
            "answer_status": answer.status if answer else None,
            "answer_media_type": answer.media_type if answer else None,
            "answer_body": answer.body if answer else None,
            "updated_at": new.updated_at,
            "due_in_s": due_in_s,
            "event_type": event.type,
            "payload": event.model_dump_json(),
        }
        if connection is None:
            is_first = await self._commit_step(values, event)
        else:
            is_first = (await connection.execute(STEP, values)).first() is not None
        if not is_first:
            raise VersionConflict

    async def _commit_step(self, values: dict[str, Any], event: OrderEvent) -> bool:
        """Commit a step and let its event leave; return whether the step was taken. Raises OutcomeUnknown."""
        rows = await self._commit(STEP, values)
        self._outbox.wake.set()
        return bool(rows)

    async def _commit(self, statement: Any, values: dict[str, Any]) -> Sequence[Row[Any]]:
        # Stock or money may have moved already: it must not be told as if nothing had happened.
        return await self._database.write(statement, values, continues=True)
