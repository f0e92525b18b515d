"""The bugs that are planted in the monolith."""

from __future__ import annotations

from tests.mutants.planting import Edit, Mutant

_CATALOG = "monolith/catalog/stock.py"
_CANCEL = "monolith/orders/cancel_order.py"
_ORDER = "monolith/orders/order.py"
_SETTLE = "monolith/orders/settle.py"
_CHARGE = "monolith/payments/charges.py"
_MAIL = "monolith/notifications/sender.py"

_UNKNOWN = "            return ChargeResult(charge.order_id, PaymentStatus.PENDING, risk=risk)"
_LOG = "log = logging.getLogger(__name__)\n"


def _mutant(name: str, service: str, scenario: str, breaks: str, *edits: Edit) -> Mutant:
    return Mutant(name, "monolith", service, scenario, breaks, edits)


MUTANTS = (
    _mutant(
        "no-sweeper", "payments", "a charge got lost", "L1",
        Edit(
            "monolith/modules.py",
            'Loop("settle", [recovery.settle_charges, recovery.settle_refunds, pruner.step],',
            'Loop("settle", [],',
        ),
    ),
    _mutant(
        "a-time-out-is-a-decline", "payments", "a charge got no answer", "L3",
        Edit(
            _CHARGE,
            f"except Unanswered:\n{_UNKNOWN}",
            "except Unanswered:\n" + _UNKNOWN.replace("PENDING", "DECLINED"),
        ),
    ),
    _mutant(
        "new-provider-key-on-retry", "payments", "a charge got no answer", "L3",
        Edit(_CHARGE, _LOG, _LOG + "_sent: set[str] = set()\n"),
        Edit(
            _CHARGE,
            "            answer = self._provider.charge(charge.order_id, charge.amount, charge.payment_method)\n",
            "            key = __import__('uuid').uuid4().hex if charge.order_id in _sent else charge.order_id\n"
            "            _sent.add(charge.order_id)\n"
            "            answer = self._provider.charge(key, charge.amount, charge.payment_method)\n",
        ),
    ),
    _mutant(
        "compensation-skips-the-release", "orders", "a card is declined", "L4",
        Edit(_ORDER, "    catalog.release(connection, order.id)\n", ""),
    ),
    _mutant(
        "unguarded-decrement", "catalog", "two want the last piece", "S2",
        Edit(_CATALOG, "= available - line.quantity", "= greatest(available - line.quantity, 0)"),
        Edit(_CATALOG, " AND stock.available >= line.quantity", ""),
        Edit(_CATALOG, "if rows[line.sku].available < line.quantity:", "if False:"),
    ),
    _mutant(
        "a-price-is-remembered", "catalog", "a price changes", "S10",
        Edit(_CATALOG, "_SELL = _move(", "_seen: dict[str, int] = {}\n_SELL = _move("),
        Edit(_CATALOG, "Money(row.price, ", "Money(_seen.setdefault(row.sku, row.price), "),
    ),
    _mutant(
        "the-expected-total-is-ignored", "catalog", "a price changes", "S10",
        Edit(_CATALOG, "expected_total.to_money() if expected_total else None", "None"),
    ),
    _mutant(
        "a-second-cancel-gives-stock-again", "catalog", "an order is cancelled twice", "L4",
        Edit(_CATALOG, " AND status = '{before}' RETURNING", " RETURNING"),
        Edit(
            _CANCEL,
            "        if order.status in STATUS_OF_REPEAT:\n",
            "        if order.status in STATUS_OF_REPEAT:\n            shop.catalog.give_back(connection, order_id)\n",
        ),
    ),
    _mutant(
        "key-not-stored-with-the-order", "orders", "an order is sent twice", "S4",
        Edit(
            "monolith/idempotency.py",
            "    if connection.execute(_CLAIM, row).first() is not None:\n        return None\n",
            "    connection.execute(_CLAIM, row)\n    return None\n",
        ),
    ),
    _mutant(
        "a-replay-shows-the-order-as-it-is-now", "orders", "a cancelled order is sent again", "S4",
        Edit(
            "monolith/orders/replay.py",
            "        return earlier.answer.located(earlier.resource_id).replayed()\n",
            "        return find(connection, earlier.resource_id).answer(earlier.answer.status).replayed()\n",
        ),
    ),
    _mutant(
        "cancel-while-the-payment-is-unknown", "orders", "an unpaid order is cancelled", "L3",
        Edit(
            "shared/domain/order.py",
            "OrderStatus.PAYMENT_PENDING: frozenset({OrderStatus.CONFIRMED,",
            "OrderStatus.PAYMENT_PENDING: frozenset({OrderStatus.CANCELLED, OrderStatus.CONFIRMED,",
        ),
        Edit(
            _CANCEL,
            "        order = mark_cancelling(",
            "        if order.status == OrderStatus.PAYMENT_PENDING:\n"
            "            shop.catalog.release(connection, order_id)\n"
            "            return must_step(connection, order, OrderStatus.CANCELLED).answer(200)\n"
            "        order = mark_cancelling(",
        ),
    ),
    _mutant(
        "mail-marked-before-it-is-sent", "notifications", "a crash with mails in hand", "L5",
        Edit(_MAIL, "SET attempts = attempts + 1,", "SET status = 'sent', sent_at = now(), attempts = attempts + 1,"),
    ),
    _mutant(
        "lease-by-a-wall-clock-an-hour-ahead", "notifications", "a crash with mails in hand", "L1",
        Edit(_MAIL, "now() + interval '{LEASE_S} s'", "to_timestamp({time.time() + 3600 + LEASE_S})"),
    ),
    _mutant(
        "no-refund-of-a-late-capture", "orders", "a capture after the rejection", "L3",
        Edit(_SETTLE, "        shop.refunds.record_late_capture(connection, order.id)\n", "        pass\n"),
    ),
)  # fmt: skip
