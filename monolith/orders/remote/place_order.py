"""Place an order whose catalog is a service: the saga, top to bottom. `settle.py` carries on from the same steps."""

from __future__ import annotations

from typing import Any

from monolith import idempotency
from monolith.orders import replay, service
from monolith.orders.remote.steps import Overtaken, Steps, priced
from monolith.orders.shop import Shop
from monolith.payments import Charge
from monolith.web import Answer
from shared.contract.bodies import OrderInput
from shared.domain.errors import (
    InvalidRequest,
    OutcomeUnknown,
    OutOfStock,
    PaymentDeclined,
    PriceChanged,
    ReservationRefused,
    Unavailable,
)
from shared.domain.ids import new_id
from shared.domain.money import Money
from shared.domain.order import OrderStatus, RejectReason
from shared.domain.payment import PaymentStatus
from shared.platform.failpoints import failpoint
from shared.platform.tokens import Principal


def place_order(
    shop: Shop, steps: Steps, customer: Principal, key: str, fingerprint: str, wanted: OrderInput
) -> Answer:
    """Return 201, 202, or a final refusal (402, 409). Raises InvalidRequest, Unavailable or OutcomeUnknown."""
    order_id = new_id()
    with shop.database.transaction() as connection:
        # 0. One order for each customer and key.
        earlier = idempotency.claim(connection, customer.subject, key, fingerprint, order_id)
        if earlier is not None:
            return replay.answer(connection, earlier)
        order = steps.begin(connection, customer, key, order_id, wanted)
    failpoint("order.placed")

    try:
        return carry_on(shop, steps, order, wanted)
    except Unavailable as error:
        # Compensate, and free the key, before the customer is told that nothing happened.
        try:
            steps.abandon(shop.database, order)
        except Overtaken:
            raise OutcomeUnknown("The order is still being worked on; send the request again.") from error
        raise
    except Overtaken:
        return _answer_of_the_faster(shop, customer, key)


def carry_on(shop: Shop, steps: Steps, order: Any, wanted: OrderInput) -> Answer:
    """Take a placed order as far as it goes. Each step is safe to repeat, so that a recovery may start here again."""
    # 1. Price and reserve.
    try:
        order = priced(order, steps.catalog.reserve(order.id, wanted.lines, wanted.expected_total))
    except InvalidRequest:
        steps.forget(shop.database, order)
        raise
    except (OutOfStock, PriceChanged, ReservationRefused) as refusal:
        with shop.database.transaction(continues=True) as connection:
            return steps.reject(connection, order, refusal)
    failpoint("order.reserved")

    # 2. Take the money.
    total = Money(order.total, order.currency)
    charge = Charge(order.id, order.payment_id, order.customer_id, total, wanted.payment_method)
    if not steps.gate.is_out("payments"):
        with shop.database.transaction(continues=True) as connection:
            order = steps.write_price(connection, order)
            shop.payments.record(connection, charge)
    result = shop.payments.charge(charge)

    with shop.database.transaction(continues=True) as connection:
        if not shop.payments.record_result(connection, result):  # a webhook was faster
            raise Overtaken
        # 3. Confirm.
        # 4. Tell the customer.
        answer = conclude(steps, connection, order, result.status)  # one commit: the order, and the event that mails it
    failpoint("order.confirmed")
    steps.outbox.wake()
    return answer


def conclude(steps: Steps, connection: Any, order: Any, status: PaymentStatus) -> Answer:
    """Confirm, reject or leave pending an unpaid order, whose payment is settled. Raises Overtaken."""
    if status == PaymentStatus.CAPTURED:
        return steps.confirm(connection, order)
    if status == PaymentStatus.PENDING:
        return steps.wait_for_payment(connection, order)
    voided = status == PaymentStatus.VOIDED
    reason = RejectReason.PAYMENT_VOIDED if voided else RejectReason.PAYMENT_DECLINED
    return steps.reject(connection, order, PaymentDeclined("The payment was declined."), reason)


def _answer_of_the_faster(shop: Shop, customer: Principal, key: str) -> Answer:
    """Return what a webhook, an event or the recovery has made of the order meanwhile. Raises OutcomeUnknown."""
    with shop.database.transaction(continues=True) as connection:
        kept = idempotency.find(connection, customer.subject, key)
        if kept is not None and kept.answer is not None:
            return service.located(kept.answer, kept.resource_id)
        order = service.find(connection, kept.resource_id) if kept is not None else None
    if order is not None and order.status == OrderStatus.PAYMENT_PENDING:
        return service.answer_about(order, 202)
    raise OutcomeUnknown("The order is still being worked on; send the request again.")
