"""Place an order: two transactions, the provider's call between them, and nothing open while it runs."""

from __future__ import annotations

from monolith import idempotency
from monolith.orders import replay
from monolith.orders.order import conclude, insert_order, message_about, refuse
from monolith.orders.shop import Shop
from monolith.payments import Charge
from shared.contract.answers import Answer
from shared.contract.bodies import OrderInput
from shared.contract.parsing import Keyed
from shared.domain.errors import OutOfStock, PriceChanged
from shared.domain.ids import new_id
from shared.domain.order import order_total
from shared.platform.failpoints import failpoint
from shared.platform.tokens import Principal


def place_order(shop: Shop, customer: Principal, keyed: Keyed[OrderInput]) -> Answer:
    """Return 201 confirmed, 202 payment_pending, 402 declined or 409 refused; a replay gets what the first one got.

    Raises InvalidRequest and Unavailable, which leave nothing behind; RequestInFlight; OutcomeUnknown.
    """
    order_id, payment_id, key, body = new_id(), new_id(), keyed.key, keyed.body
    with shop.database.transaction() as connection:
        # 0. One order for each customer and key.
        earlier = idempotency.claim(connection, customer.subject, keyed, order_id, idempotency.PLACE_ORDER)
        if earlier is not None:
            return replay.replay(connection, earlier)
        failpoint("order.placed")

        # 1. Price and reserve.
        try:
            lines = shop.catalog.reserve(connection, order_id, body.lines, body.expected_total)
        except (OutOfStock, PriceChanged) as refusal:
            return refuse(connection, order_id, payment_id, customer, key, refusal)
        order = insert_order(connection, order_id, payment_id, customer, key, lines)
        charge = Charge(order_id, payment_id, customer.subject, order_total(lines), body.payment_method)
        shop.payments.record(connection, charge)
    failpoint("order.reserved")

    # 2. Take the money.
    result = shop.payments.charge(charge)

    with shop.database.transaction(continues=True) as connection:
        # 3. Confirm.
        if not shop.payments.record_result(connection, result):  # a webhook was faster
            return replay.answer_of_concurrent_settlement(connection, customer.subject, key)
        outcome = conclude(shop.catalog, connection, order, result)

        # 4. Tell the customer.
        if outcome.message:
            shop.notifications.enqueue(connection, outcome.message, message_about(outcome.order))
    failpoint("order.confirmed")
    shop.notifications.dispatch(order_id)
    return outcome.answer
