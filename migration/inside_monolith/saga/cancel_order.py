"""Cancel an order whose catalog is a service: mark it, give the money back; the stock follows by an event."""

from __future__ import annotations

from migration.inside_monolith.saga.steps import SagaSteps, VersionConflict
from monolith.orders import Shop
from monolith.orders.cancel_order import STATUS_OF_REPEAT, mark_cancelling
from monolith.orders.order import OrderState, lock_own
from monolith.orders.replay import read_order
from monolith.payments import RefundOrder
from shared.contract.answers import Answer
from shared.domain.payment import RefundStatus
from shared.platform.failpoints import failpoint


def cancel_order(shop: Shop, steps: SagaSteps, customer_id: str, order_id: str) -> Answer:
    """Return 200 cancelled, or 202 cancelling while the refund is not known. Raises NotFound, NotCancellable."""
    with shop.database.transaction() as connection:
        # 1. Check and mark.
        order, age = lock_own(connection, order_id, customer_id)
        if order.status in STATUS_OF_REPEAT:
            return order.answer(STATUS_OF_REPEAT[order.status])
        order = mark_cancelling(connection, order, age, shop.cancel_window_s)
        refund = shop.refunds.record_cancel(connection, order_id)
        if steps.gate.is_extracted("payments"):
            steps.schedule_recovery(connection, order_id)
    failpoint("cancel.started")
    try:
        return finish_cancel(shop, steps, order, refund)
    except VersionConflict:
        now = read_order(shop.database, order_id, None)
        return now.answer(STATUS_OF_REPEAT.get(now.status, 200))


def finish_cancel(shop: Shop, steps: SagaSteps, order: OrderState, refund: RefundOrder) -> Answer:
    """Take a cancelling order to its end, or say that the end is not known yet. Safe to repeat.

    Raises VersionConflict.
    """
    # 2. Give the money back.
    status = shop.refunds.send(refund)
    if status != RefundStatus.REFUNDED:
        return order.answer(202)

    with shop.database.transaction(continues=True) as connection:
        if not shop.refunds.record_result(connection, refund, status):  # somebody else was faster
            raise VersionConflict
        # 3. Give the stock back.
        # 4. Tell the customer.
        answer = steps.cancelled(connection, order)  # one commit: the order, and the event that catalog and mail follow
    failpoint("cancel.done")
    steps.outbox.wake()
    return answer
