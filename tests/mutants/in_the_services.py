"""The bugs that are planted in the microservices."""

from __future__ import annotations

from tests.mutants.planting import Edit, Mutant

_INBOX = "microservices/kit/inbox.py"
_OUTBOX = "microservices/kit/outbox.py"
_CATALOG = "microservices/catalog/stock.py"
_ORDERS = "microservices/orders/service.py"
_CHARGES = "microservices/payments/charges.py"
_ACKNOWLEDGE = "        await asyncio.gather(*(message.ack() for message, _ in decoded))\n"
_PUBLISH = (
    "sequences = await asyncio.gather(\n"
    "                *(self._broker.publish(subject_of(row.type), row.payload.encode()) for row in rows)\n"
    "            )\n"
)
_PUBLISHED = (
    "            # A crash from here to the commit sends the batch again: inboxes know it by the events' ids.\n"
    '            failpoint("outbox.published")\n'
)
_APPLY = "        try:\n            await self.apply([event for _, event in decoded])\n"


def _mutant(name: str, service: str, scenario: str, breaks: str, *edits: Edit) -> Mutant:
    return Mutant(name, "microservices", service, scenario, breaks, edits)


MUTANTS = (
    _mutant(
        "acknowledge-before-commit", "catalog", "a database is away when an event comes", "L4",
        Edit(_INBOX, _ACKNOWLEDGE, ""),
        Edit(_INBOX, _APPLY, _ACKNOWLEDGE + _APPLY),
    ),
    _mutant(
        "outbox-row-forgotten-before-it-is-published", "orders", "a crash while events leave", "L4",
        Edit(_OUTBOX, f"            {_PUBLISH}", "            sequences = [0] * len(rows)\n"),
        Edit(_OUTBOX, _PUBLISHED, f'        failpoint("outbox.published")\n        {_PUBLISH}'),
    ),
    _mutant(
        "no-inbox-dedup", "catalog", "an event is published twice", "L4",
        Edit(_INBOX, "for event in events if event.id in fresh}.values()", "for event in events}.values()"),
        Edit(_CATALOG, "('sold', 'returned'))", "('sold', 'returned'), ('returned', 'returned'))"),
        Edit(_CATALOG, "WHEN 'sold' THEN line.quantity ELSE 0 END) AS from_sold",
             "WHEN 'reserved' THEN 0 ELSE line.quantity END) AS from_sold"),
    ),
    _mutant(
        "no-tombstone", "catalog", "a reservation comes after its release", "L4",
        Edit(_CATALOG, "    if released:\n", "    if False:\n"),
    ),
    _mutant(
        "no-recovery-of-interrupted-orders", "orders", "a crash after the reservation", "L1",
        Edit(_ORDERS, 'await self._database.write(CLAIM, {"batch": batch, "lease_s": LEASE_S})', "[]"),
    ),
    _mutant(
        "a-call-without-a-fallback", "orders", "notifications is away when it is called", "L5",
        Edit(
            "variants/direct_notification/notifier.py",
            "(self._outbox.take_out(row_id) if all(answers) else self._outbox.let_go(row_id))",
            "self._outbox.take_out(row_id)",
        ),
    ),
    _mutant(
        "503-without-compensation", "orders", "the catalog is away", "L6",
        Edit("microservices/orders/place_order.py", "        await orders.abandon(order)\n", ""),
    ),
    _mutant(
        "no-sweeper", "payments", "a charge got lost", "L1",
        Edit(_CHARGES, "await asyncio.gather(*(self.settle_one(row) for row in rows))", "await asyncio.sleep(0)"),
    ),
    _mutant(
        "a-time-out-is-a-decline", "payments", "a charge got no answer", "L3",
        Edit(
            _CHARGES,
            '            log.warning("charge of order %s: %s; it will be settled later", payment.order_id, error)\n'
            '            return ChargeResult(payment_id=payment.id, status="pending")\n',
            "            outcome = ChargeOutcome(PaymentStatus.DECLINED, str(error))\n",
        ),
    ),
    _mutant(
        "new-provider-key-on-retry", "payments", "a charge got no answer", "L3",
        Edit(
            _CHARGES,
            "                outcome = await self._take(payment)",
            "                amount = Money(payment.amount, payment.currency)\n"
            "                outcome = await self._provider.charge(new_id(), amount, payment.payment_method)",
        ),
    ),
    _mutant(
        "compensation-skips-the-release", "catalog", "a card is declined", "L4",
        Edit(
            _CATALOG,
            "        target = TARGET_OF_EVENT[event.type]\n",
            "        target = TARGET_OF_EVENT[event.type]\n"
            "        if target == ReservationStatus.RELEASED:\n            continue\n",
        ),
    ),
    _mutant(
        "unguarded-decrement", "catalog", "two want the last piece", "L4",
        Edit(_CATALOG, "bool_and(available >= quantity)", "bool_and(quantity > 0)"),
        Edit(
            _CATALOG,
            "available = products.available - locked.quantity, reserved = products.reserved + locked.quantity",
            "available = products.available - least(products.available, locked.quantity), "
            "reserved = products.reserved + least(products.available, locked.quantity)",
        ),
    ),
    _mutant(
        "a-price-is-remembered", "catalog", "a price changes", "S10",
        Edit(_CATALOG, "Quantities = ", "_seen: dict[str, int] = {}\nQuantities = "),
        Edit(_CATALOG, "Money(row.price, ", "Money(_seen.setdefault(row.sku, row.price), "),
    ),
    _mutant(
        "the-expected-total-is-ignored", "catalog", "a price changes", "S10",
        Edit(_CATALOG, "AND (CAST(:expected AS bigint) IS NULL", "AND (TRUE OR CAST(:expected AS bigint) IS NULL"),
    ),
    _mutant(
        "key-not-stored-with-the-order", "orders", "an order is sent twice", "S4",
        Edit(_ORDERS, '"idempotency_key": keyed.key,', '"idempotency_key": order_id,'),
        Edit(_ORDERS, '"idempotency_key": new.idempotency_key,', '"idempotency_key": new.id,'),
    ),
    _mutant(
        "no-refund-of-a-late-capture", "orders", "a capture after the rejection", "L3",
        Edit(
            "microservices/orders/settle.py",
            'await orders.put(connection, order.event("order.refund_due"))',
            "return",
        ),
    ),
)  # fmt: skip
