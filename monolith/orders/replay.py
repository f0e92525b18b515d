"""The answer to a request that came before under the same Idempotency-Key."""

from __future__ import annotations

from sqlalchemy import Connection

from monolith import idempotency
from monolith.idempotency import Earlier
from monolith.orders import service
from monolith.web import Answer
from shared.domain.errors import IllegalTransition, RequestInFlight
from shared.domain.order import OrderStatus


def answer(connection: Connection, earlier: Earlier) -> Answer:
    """Return the final answer byte for byte, or the order while its payment is pending. Raises RequestInFlight."""
    if earlier.answer is not None:
        return service.located(earlier.answer, earlier.resource_id).replayed()
    order = service.find(connection, earlier.resource_id)
    if order.status != OrderStatus.PAYMENT_PENDING:  # `placed`: the first request, or its recovery, still runs
        raise RequestInFlight("The first request with this key is still running.")
    return service.answer_about(order, 202).replayed()


def answer_now(connection: Connection, owner: str, key: str, fingerprint: str, order_id: str) -> Answer:
    """Return the answer that somebody else has stored under this request's own key in the meantime."""
    earlier = idempotency.claim(connection, owner, key, fingerprint, order_id)
    if earlier is None:
        raise IllegalTransition(f"The key of order {order_id} was freed under it.")
    return answer(connection, earlier)
