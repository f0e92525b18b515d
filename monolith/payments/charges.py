"""Charges: recorded before the provider is asked, and settled once, whoever learns the outcome first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Connection, Row, bindparam, func, insert, select, text, update

from monolith.database import Database
from monolith.payments.tables import payments, refunds
from shared.contract.bodies import Payment
from shared.contract.provider import ChargeOutcome, ProviderRequests, charge_outcome, check_refunded
from shared.domain.errors import NotFound, Unanswered, Unreached
from shared.domain.money import Money
from shared.domain.payment import PaymentStatus
from shared.domain.risk import risk_score
from shared.platform.failpoints import failpoint
from shared.platform.injected_faults import inject
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

_RECORD = insert(payments).values(
    status=PaymentStatus.PENDING,
    next_attempt_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("after_s")),
)
_THIS = payments.c.order_id == bindparam("of_order")
_SETTLE = (
    update(payments)
    .where(_THIS, payments.c.status == PaymentStatus.PENDING)
    .values(
        status=bindparam("to_status"),
        reason=bindparam("why"),
        risk=func.coalesce(bindparam("score"), payments.c.risk),
        updated_at=func.now(),
    )
)
# The money was taken after all: the books must say so.
_CAPTURE_LATE = (
    update(payments)
    .where(_THIS, payments.c.status.in_([PaymentStatus.DECLINED, PaymentStatus.VOIDED]))
    .values(status=PaymentStatus.CAPTURED, reason=None, updated_at=func.now())
)
_REFUNDED = (
    select(func.coalesce(func.sum(refunds.c.amount), 0))
    .where(refunds.c.payment_id == payments.c.id, refunds.c.status == "refunded")
    .scalar_subquery()
)
_READ = select(payments, _REFUNDED.label("refunded"))
_BY_ID = _READ.where(payments.c.id == bindparam("of_id"))
_BY_ORDER = _READ.where(payments.c.order_id == bindparam("of_order"))


@dataclass(frozen=True)
class Charge:
    """What the provider is asked to take. Its key is the order's id."""

    order_id: str
    payment_id: str
    customer_id: str
    amount: Money
    payment_method: str


@dataclass(frozen=True)
class ChargeResult:
    """What is known about a charge now; `pending` means that it may have been taken."""

    order_id: str
    status: PaymentStatus
    reason: str | None = None
    risk: int | None = None


class Provider:
    """The shop's account at the payment provider. One transport a process, shared between threads.

    Raises Unreached or Unanswered.
    """

    def __init__(
        self, transport: httpx.BaseTransport, base_url: str, merchant: str, api_key: str, metrics: Metrics
    ) -> None:
        self._transport, self._base_url = transport, base_url.rstrip("/")
        self._requests = ProviderRequests(merchant)
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        self._calls = metrics.calls

    def charge(self, key: str, amount: Money, payment_method: str) -> ChargeOutcome:
        """Take the amount."""
        return charge_outcome(*self._post(*self._requests.charge(key, amount, payment_method)))

    def void(self, key: str) -> ChargeOutcome:
        """Call a charge off, also one that arrives later."""
        return charge_outcome(*self._post(*self._requests.void(key)))

    def refund(self, key: str, refund_key: str, amount: int) -> None:
        """Give `amount` minor units back. Raises RefundExceedsCapture, too."""
        check_refunded(*self._post(*self._requests.refund(key, refund_key, amount)))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        outcome = "unanswered"
        try:
            # Not through httpx's client: cookies, redirects and authentication flows, none of which the provider has,
            # take as much CPU as the call itself.
            request = httpx.Request("POST", self._base_url + path, content=body, headers=self._headers)
            answer = self._transport.handle_request(request)
            content = answer.read()
            outcome = str(answer.status_code)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            outcome = "unreached"
            raise Unreached(str(error)) from error
        except httpx.HTTPError as error:
            raise Unanswered(str(error)) from error
        finally:
            self._calls.labels("provider", outcome).inc()
        return answer.status_code, content


# Called inside the transaction that settles a charge, so that its order follows in the same commit.
OnSettled = Callable[[Connection, ChargeResult], None]


class Payments:
    """Records, sends and settles charges. `on_settled` is told of each outcome that came outside a request."""

    on_settled: OnSettled

    def __init__(self, database: Database, provider: Provider, *, risk_ms: int, retry_after_s: float) -> None:
        self._database, self._provider = database, provider
        self._risk_ms, self._retry_after_s = risk_ms, retry_after_s

    def record(self, connection: Connection, charge: Charge) -> None:
        """Write the pending payment. If nobody settles it, the settle thread takes it after `retry_after_s`."""
        connection.execute(
            _RECORD,
            {
                "id": charge.payment_id,
                "order_id": charge.order_id,
                "customer_id": charge.customer_id,
                "amount": charge.amount.amount,
                "currency": charge.amount.currency,
                "payment_method": charge.payment_method,
                "after_s": self._retry_after_s,
            },
        )

    def charge(self, charge: Charge) -> ChargeResult:
        """Ask the provider to take the money. Safe to repeat. No transaction may be open: this may take seconds."""
        inject("payments", charge.payment_method)
        risk = risk_score(charge.order_id, charge.amount.amount, self._risk_ms) if self._risk_ms else None
        failpoint("payment.recorded")
        if charge.amount.amount == 0:  # nothing to take, and no provider takes it
            return ChargeResult(charge.order_id, PaymentStatus.CAPTURED, risk=risk)
        try:
            answer = self._provider.charge(charge.order_id, charge.amount, charge.payment_method)
        except Unanswered:
            return ChargeResult(charge.order_id, PaymentStatus.PENDING, risk=risk)
        failpoint("payment.charged")
        return ChargeResult(charge.order_id, answer.status, answer.reason, risk)

    def void(self, order_id: str) -> ChargeResult:
        """Void a charge that nobody could settle for too long."""
        try:
            answer = self._provider.void(order_id)
        except Unanswered:
            return ChargeResult(order_id, PaymentStatus.PENDING)
        return ChargeResult(order_id, answer.status, answer.reason)

    def record_result(self, connection: Connection, result: ChargeResult) -> bool:
        """Write the outcome and keep the payment locked; False if somebody else has settled it already.

        A result that is still `pending` changes nothing, but tells whether it is still true.
        """
        cursor = connection.execute(
            _SETTLE,
            {
                "of_order": result.order_id,
                "to_status": result.status,
                "why": result.reason,
                "score": result.risk,
            },
        )
        failpoint("payment.settled")
        return bool(cursor.rowcount)

    def settle(self, result: ChargeResult) -> None:
        """Record an outcome that came outside the request, and let the order follow. Raises Unavailable."""
        with self._database.transaction() as connection:
            recorded = self.record_result(connection, result)
            if not recorded and result.status == PaymentStatus.CAPTURED:
                recorded = bool(connection.execute(_CAPTURE_LATE, {"of_order": result.order_id}).rowcount)
            if recorded:
                self.on_settled(connection, result)

    def of_order(self, order_id: str) -> tuple[Charge, PaymentStatus] | None:
        """Return the charge of an order and where it is, or None."""
        row = self._database.fetch_one(_BY_ORDER, {"of_order": order_id})
        return (charge_of(row), PaymentStatus(row.status)) if row is not None else None

    def get(self, payment_id: str, customer_id: str | None) -> Payment:
        """Return a payment; of this customer, or anybody's for None. Raises NotFound."""
        row = self._database.fetch_one(_BY_ID, {"of_id": payment_id})
        if row is None or customer_id not in (None, row.customer_id):
            raise NotFound("There is no such payment.")
        return Payment.of_row(row)


def charge_of(row: Row[Any]) -> Charge:
    """Return the charge that a row of payments records."""
    return Charge(row.order_id, row.id, row.customer_id, Money(row.amount, row.currency), row.payment_method)


def reset(connection: Connection) -> None:
    """Forget all payments and refunds."""
    connection.execute(text("TRUNCATE payments, refunds"))
