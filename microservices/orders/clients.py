"""The services that an order needs, as the saga sees them: one method a step, their problems turned into ours."""

from __future__ import annotations

import logging

from pydantic import BaseModel, ConfigDict

from microservices.kit.peers import Peer
from microservices.orders.order import OrderState
from shared.contract.inner import ChargeInput, Reservation, ReservationInput
from shared.contract.refusals import refusal_of_catalog
from shared.domain.errors import Unanswered, Unavailable

log = logging.getLogger(__name__)


class PaymentOutcome(BaseModel):
    """What became of the money. `pending`: unknown; if it is `promised`, an event will tell, else ask again."""

    model_config = ConfigDict(frozen=True)

    status: str
    reason: str | None = None
    promised: bool = True


_UNKNOWN = PaymentOutcome(status="pending", promised=False)


class Catalog:
    """The catalog's inner routes."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def reserve(self, order: OrderState) -> Reservation:
        """Price and reserve an order. Asked again, it answers the same.

        Raises InvalidRequest (unknown sku), OutOfStock, PriceChanged, ReservationRefused, or Unavailable if the
        catalog is away or its answer did not come: then it may have reserved.
        """
        body = ReservationInput(order_id=order.id, lines=order.wanted_lines, expected_total=order.expected_total)
        try:
            answer = await self._peer.post("/internal/reservations", body.model_dump_json().encode())
        except Unanswered as error:
            raise Unavailable("The catalog is away.") from error
        if answer.status_code != 200:
            raise refusal_of_catalog(answer.status_code, answer.content)
        return Reservation.model_validate_json(answer.content)


class Payments:
    """The payments service's inner routes. None of them raises: no answer is an outcome as well (rule 1)."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def charge(self, order: OrderState) -> PaymentOutcome:
        """Charge an order's total. Asked again, it answers what became of the charge."""
        assert order.total is not None
        body = ChargeInput(
            order_id=order.id,
            payment_id=order.payment_id,
            customer_id=order.customer_id,
            amount=order.total,
            payment_method=order.payment_method,
        )
        return await self._ask("/internal/charges", body.model_dump_json().encode())

    async def void(self, order: OrderState) -> PaymentOutcome:
        """Call an order's charge off, unless it is captured already."""
        return await self._ask(f"/internal/charges/{order.id}/void", b"")

    async def refund_remaining(self, order: OrderState) -> PaymentOutcome:
        """Give back what admin refunds have left of an order's payment: `refunded` or `pending`."""
        return await self._ask(f"/internal/charges/{order.id}/cancel-refund", b"")

    async def _ask(self, path: str, body: bytes) -> PaymentOutcome:
        try:
            answer = await self._peer.post(path, body)
        except Unanswered as error:
            log.warning("%s", error)
            return _UNKNOWN
        if answer.status_code in (200, 202):
            return PaymentOutcome.model_validate_json(answer.content)
        log.warning("payments answered %d to %s: %s", answer.status_code, path, answer.text[:200])
        return _UNKNOWN
