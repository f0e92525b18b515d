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


def answer_of_the_faster(connection: Connection, owner: str, key: str) -> Answer:
    """Return the final answer that a webhook or the settle thread has stored while the request was at work."""
    kept = idempotency.find(connection, owner, key)
    if kept is None or kept.answer is None:
        raise IllegalTransition("The payment was settled and its answer not kept.")
    return service.located(kept.answer, kept.resource_id)
