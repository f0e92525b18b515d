"""The answer to a request that came before under the same Idempotency-Key."""

from __future__ import annotations

from sqlalchemy import Connection

from monolith import idempotency
from monolith.idempotency import Earlier
from monolith.orders.order import find, located
from monolith.web import Answer
from shared.domain.errors import IllegalTransition, RequestInFlight
from shared.domain.order import OrderStatus


def replay(connection: Connection, earlier: Earlier) -> Answer:
    """Return the final answer byte for byte, or the order while its payment is pending.

    Raises RequestInFlight or OutcomeUnknown.
    """
    if earlier.answer is not None:
        return located(earlier.answer, earlier.resource_id).replayed()
    with idempotency.key_is_taken():
        order = find(connection, earlier.resource_id)
    if order.status != OrderStatus.PAYMENT_PENDING:  # `placed`: the first request, or its recovery, still runs
        raise RequestInFlight("The first request with this key is still running.")
    return order.answer(202).replayed()


def answer_of_concurrent_settlement(connection: Connection, owner: str, key: str) -> Answer:
    """Return the final answer that a webhook or the settle thread has stored while the request was at work."""
    kept = idempotency.find(connection, owner, key)
    if kept is None or kept.answer is None:
        raise IllegalTransition("The payment was settled and its answer not kept.")
    return located(kept.answer, kept.resource_id)
