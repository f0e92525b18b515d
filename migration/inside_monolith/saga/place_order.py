"""Place an order whose catalog is a service: the saga, top to bottom. `recovery.py` carries on from the same steps."""

from __future__ import annotations

from dataclasses import replace

from migration.inside_monolith.saga.steps import SagaSteps, VersionConflict
from monolith import idempotency
from monolith.orders import Shop
from monolith.orders.order import OrderState, find
from monolith.orders.replay import replay
from monolith.payments import Charge
from shared.contract.answers import Answer
from shared.contract.bodies import OrderInput
from shared.contract.parsing import Keyed
from shared.domain.errors import (
    IllegalTransition,
    InvalidRequest,
    OutcomeUnknown,
    OutOfStock,
    PriceChanged,
    ReservationRefused,
    Unavailable,
)
from shared.domain.ids import new_id
from shared.domain.order import OrderStatus
from shared.platform.failpoints import failpoint
from shared.platform.tokens import Principal


def place_order(shop: Shop, steps: SagaSteps, customer: Principal, keyed: Keyed[OrderInput]) -> Answer:
    """Return 201, 202, or a final refusal (402, 409). Raises InvalidRequest, Unavailable or OutcomeUnknown."""
    order_id, key, body = new_id(), keyed.key, keyed.body
    with shop.database.transaction() as connection:
        # 0. One order for each customer and key.
        earlier = idempotency.claim(connection, customer.subject, keyed, order_id, idempotency.PLACE_ORDER)
        if earlier is not None:
            return replay(connection, earlier)
        order = steps.begin(connection, customer, key, order_id, body)
    failpoint("order.placed")

    try:
        return carry_on(shop, steps, order, body)
    except Unavailable as error:
        # Compensate, and free the key, before the customer is told that nothing happened.
        try:
            steps.abandon(shop.database, order)
        except VersionConflict:
            raise OutcomeUnknown("The order is still being worked on; send the request again.") from error
        raise
    except VersionConflict:
        return _answer_of_concurrent_settlement(shop, customer, key)


def carry_on(shop: Shop, steps: SagaSteps, order: OrderState, body: OrderInput) -> Answer:
    """Take a placed order as far as it goes. Each step is safe to repeat, so that a recovery may start here again."""
    # 1. Price and reserve.
    try:
        reservation = steps.catalog.reserve(order.id, body.lines, body.expected_total)
    except InvalidRequest:
        steps.forget(shop.database, order)
        raise
    except (OutOfStock, PriceChanged, ReservationRefused) as refusal:
        with shop.database.transaction(continues=True) as connection:
            return steps.reject(connection, order, refusal)
    order = replace(order, lines=reservation.lines, total=reservation.total)
    failpoint("order.reserved")

    # 2. Take the money.
    charge = charge_of(order, body.payment_method)
    if not steps.gate.is_extracted("payments"):
        with shop.database.transaction(continues=True) as connection:
            order = steps.write_price(connection, order)
            shop.payments.record(connection, charge)
    result = shop.payments.charge(charge)

    with shop.database.transaction(continues=True) as connection:
        if not shop.payments.record_result(connection, result):  # a webhook was faster
            raise VersionConflict
        # 3. Confirm.
        # 4. Tell the customer.
        answer = steps.conclude(connection, order, result.status)  # one commit: the order, and the event that mails it
    failpoint("order.confirmed")
    steps.outbox.wake()
    return answer


def charge_of(order: OrderState, payment_method: str) -> Charge:
    """Return the charge of an order that is priced."""
    if order.total is None:
        raise IllegalTransition(f"Order {order.id} is not priced yet.")
    return Charge(order.id, order.payment_id, order.customer_id, order.total.to_money(), payment_method)


def _answer_of_concurrent_settlement(shop: Shop, customer: Principal, key: str) -> Answer:
    """Return what a webhook, an event or the recovery has made of the order meanwhile. Raises OutcomeUnknown."""
    with shop.database.transaction(continues=True) as connection:
        record = idempotency.find(connection, customer.subject, key, idempotency.PLACE_ORDER)
        if record is not None and record.answer is not None:
            return record.answer.located(record.resource_id)
        order = find(connection, record.resource_id) if record is not None else None
    if order is not None and order.status == OrderStatus.PAYMENT_PENDING:
        return order.answer(202)
    raise OutcomeUnknown("The order is still being worked on; send the request again.")
