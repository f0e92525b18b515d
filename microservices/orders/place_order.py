"""Place an order: the saga, top to bottom. What a crash leaves behind, `settle.py` carries on from the same steps."""

from __future__ import annotations

from microservices.kit.web import Answer
from microservices.orders.order import OrderState
from microservices.orders.service import Orders, VersionConflict
from shared.contract.bodies import OrderInput
from shared.contract.parsing import Keyed
from shared.domain.errors import (
    InvalidRequest,
    OutOfStock,
    PaymentDeclined,
    PriceChanged,
    ReservationRefused,
    Unavailable,
)
from shared.platform.failpoints import failpoint
from shared.platform.tokens import Principal


async def place_order(orders: Orders, who: Principal, keyed: Keyed[OrderInput]) -> Answer:
    """Return 201, 202, or a final refusal (402, 409). Raises InvalidRequest, Unavailable or OutcomeUnknown."""
    # 0. One order for each customer and key.
    order = await orders.place(who, keyed)
    if order is None:
        return await orders.answers.replay(who, keyed)
    failpoint("order.placed")

    try:
        return await carry_on(orders, order)
    except Unavailable:
        # Compensate, and free the key, before the customer is told that nothing happened.
        await orders.abandon(order)
        raise
    except VersionConflict:
        return await orders.answers.answer_of_concurrent_settlement(order.id)


async def carry_on(orders: Orders, order: OrderState) -> Answer:
    """Take a placed order as far as it goes. Each step is safe to repeat, so that a recovery may start here again."""
    # 1. Price and reserve.
    try:
        order = order.priced(await orders.catalog.reserve(order))
    except InvalidRequest:
        await orders.forget(order)
        raise
    except (OutOfStock, PriceChanged, ReservationRefused) as refusal:
        return await orders.reject(order, refusal)
    failpoint("order.reserved")

    # 2. Take the money.
    charge = await orders.payments.charge(order)
    if charge.status == "pending":
        return await orders.wait_for_payment(order, charge)
    if charge.status != "captured":
        return await orders.reject(order, PaymentDeclined("The payment was declined."))

    # 3. Confirm.
    # 4. Tell the customer.
    answer = await orders.confirm(order)  # one commit: the order and the event that mails it
    failpoint("order.confirmed")
    return answer
