"""The settle thread's work in payments: charges and refunds whose outcome is not known are sent again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy import text

from monolith.database import Database
from monolith.payments.charges import Charge, Payments, charge_of
from monolith.payments.refunds import RefundOrder, Refunds, refund_of
from shared.domain.errors import ShopError
from shared.domain.payment import PaymentStatus, RefundStatus
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

AT_ONCE = 8  # calls that wait for the provider at a time, so that one that hangs does not hold up the rest

# The claim is the lease: it moves the next attempt past the longest call, and 1, 2, 4, at most 5 s further.
_NEXT = "now() + make_interval(secs => :call_s + least(5, power(2, least(attempts, 3))))"
_CLAIM_CHARGES = text(f"""
    UPDATE payments SET attempts = attempts + 1, next_attempt_at = {_NEXT} WHERE id IN (
        SELECT id FROM payments WHERE status = 'pending' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT :many FOR UPDATE SKIP LOCKED)
    RETURNING id::text, order_id::text, customer_id, amount, currency, payment_method, attempts,
        created_at < now() - make_interval(secs => :give_up_s) AS too_old
""")  # noqa: S608  (constants of ours)
_CLAIM_REFUNDS = text(f"""
    WITH due AS (
        SELECT id FROM refunds WHERE status = 'pending' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT :many FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE refunds SET attempts = attempts + 1, next_attempt_at = {_NEXT}
        WHERE id IN (SELECT id FROM due) RETURNING *
    )
    SELECT claimed.*, payments.order_id, payments.currency
    FROM claimed JOIN payments ON payments.id = claimed.payment_id
""")  # noqa: S608


class Recovery:
    """Finishes what requests, crashes and an absent provider have left open."""

    def __init__(
        self,
        database: Database,
        payments: Payments,
        refunds: Refunds,
        *,
        call_s: float,
        give_up_s: float,
        metrics: Metrics,
    ) -> None:
        self._database, self._payments, self._refunds = database, payments, refunds
        self._limits = {"call_s": call_s, "give_up_s": give_up_s, "many": AT_ONCE}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="settle")
        self._recovered = metrics.recovered

    def settle_charges(self) -> bool:
        """Send due charges again, or void those that are too old; True if there may be more. Raises Unavailable."""
        rows = self._database.write(_CLAIM_CHARGES, self._limits)
        self._all([partial(self.settle_charge, charge_of(row), row.attempts, row.too_old) for row in rows])
        return len(rows) == AT_ONCE

    def settle_refunds(self) -> bool:
        """Send due refunds again; True if there may be more. Raises Unavailable."""
        limits = {"call_s": self._limits["call_s"], "many": AT_ONCE}
        rows = self._database.write(_CLAIM_REFUNDS, limits)
        self._all([partial(self.settle_refund, refund_of(row)) for row in rows])
        return len(rows) == AT_ONCE

    def close(self) -> None:
        """Start nothing new."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _all(self, tasks: list[Callable[[], None]]) -> None:
        for future in [self._pool.submit(task) for task in tasks]:
            try:
                future.result()
            except ShopError as error:
                log.warning("not settled yet: %s", error.detail)

    def settle_charge(self, charge: Charge, attempts: int, too_old: bool) -> None:
        """Send a charge again, or void it if it is too old, and record what became of it. Raises Unavailable."""
        result = self._payments.void(charge.order_id) if too_old else self._payments.charge(charge)
        if result.status != PaymentStatus.PENDING or attempts == 1:  # the first time an order may still be `placed`
            self._payments.settle(result)
        if result.status != PaymentStatus.PENDING:
            self._recovered.labels("charge").inc()

    def settle_refund(self, refund: RefundOrder) -> None:
        """Send a refund again, and record what became of it. Raises Unavailable."""
        status = self._refunds.send(refund)
        if status == RefundStatus.PENDING or (status == RefundStatus.REFUSED and refund.requested_by is None):
            return  # an order is not cancelled whose money is not back
        self._refunds.settle(refund, status)
        self._recovered.labels("refund").inc()
