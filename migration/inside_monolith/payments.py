"""Payments as a service of their own: the same facades, whose work is a call. No answer is an outcome as well."""

from __future__ import annotations

import logging

import httpx
from sqlalchemy import Connection

from migration.inside_monolith.gate import Gate
from migration.inside_monolith.peers import Peer
from monolith.database import Database
from monolith.payments import Charge, ChargeResult, Payments, Provider, RefundOrder, Refunds
from shared.contract.bodies import MoneyBody
from shared.contract.inner import CancelRefundResult, ChargeInput
from shared.contract.inner import ChargeResult as ChargeAnswer
from shared.domain.errors import Unanswered
from shared.domain.ids import new_id
from shared.domain.money import Money
from shared.domain.payment import PaymentStatus, RefundOrigin, RefundStatus, cancel_refund_key
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)


class PaymentsClient:
    """The inner routes of the payments service."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def charge(self, charge: Charge) -> ChargeResult | None:
        """Charge an order; asked again, it tells what became of the charge. None if there was no answer."""
        body = ChargeInput(
            order_id=charge.order_id,
            payment_id=charge.payment_id,
            customer_id=charge.customer_id,
            amount=MoneyBody.of(charge.amount),
            payment_method=charge.payment_method,
        )
        return self._result(charge.order_id, "/internal/charges", body.model_dump_json().encode())

    def void(self, order_id: str) -> ChargeResult | None:
        """Void an order's charge, unless it is captured already. None if there was no answer."""
        return self._result(order_id, f"/internal/charges/{order_id}/void", b"")

    def refund_remaining(self, order_id: str) -> RefundStatus | None:
        """Give back what admin refunds have left of an order's payment. None if there was no answer."""
        answer = self._post(f"/internal/charges/{order_id}/cancel-refund", b"")
        return RefundStatus(CancelRefundResult.model_validate_json(answer.content).status) if answer else None

    def _result(self, order_id: str, path: str, body: bytes) -> ChargeResult | None:
        answer = self._post(path, body)
        if answer is None:
            return None
        charge = ChargeAnswer.model_validate_json(answer.content)
        return ChargeResult(order_id, PaymentStatus(charge.status), charge.reason)

    def _post(self, path: str, body: bytes) -> httpx.Response | None:
        try:
            answer = self._peer.post(path, body)
        except Unanswered as error:
            log.warning("%s", error)
            return None
        if answer.status_code in (200, 202):
            return answer
        log.warning("payments answered %d to %s: %s", answer.status_code, path, answer.text[:200])
        return None


class ExtractablePayments(Payments):
    """Charges in the process or a service, as the gate says. The service records its own."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        *,
        gate: Gate,
        remote: PaymentsClient,
        risk_ms: int,
        retry_after_s: float,
    ) -> None:
        super().__init__(database, provider, risk_ms=risk_ms, retry_after_s=retry_after_s)
        self._gate, self._remote = gate, remote

    def record(self, connection: Connection, charge: Charge) -> None:
        """Write the pending payment, if it is ours to write."""
        if not self._gate.is_extracted("payments"):
            super().record(connection, charge)

    def charge(self, charge: Charge) -> ChargeResult:
        """Ask the provider, or the service, to take the money; `pending` if that is not known. Safe to repeat."""
        if not self._gate.is_extracted("payments"):
            return super().charge(charge)
        return self._remote.charge(charge) or ChargeResult(charge.order_id, PaymentStatus.PENDING)

    def record_result(self, connection: Connection, result: ChargeResult) -> bool:
        """Write the outcome; False if somebody else has settled it already. The service has written its own."""
        return True if self._gate.is_extracted("payments") else super().record_result(connection, result)


class ExtractableRefunds(Refunds):
    """Refunds of cancelled orders in the process or a service, as the gate says."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        *,
        gate: Gate,
        remote: PaymentsClient,
        retry_after_s: float,
        metrics: Metrics,
    ) -> None:
        super().__init__(database, provider, retry_after_s=retry_after_s, metrics=metrics)
        self._gate, self._remote = gate, remote

    def record_cancel(self, connection: Connection, order_id: str) -> RefundOrder:
        """Write the refund of what is left; the service writes its own, and knows how much that is."""
        if not self._gate.is_extracted("payments"):
            return super().record_cancel(connection, order_id)
        return RefundOrder(new_id(), "", order_id, cancel_refund_key(order_id), RefundOrigin.CANCEL, Money(0))

    def send(self, refund: RefundOrder) -> RefundStatus:
        """Ask the provider, or the service, to give the money back; `pending` if that is not known."""
        if not self._gate.is_extracted("payments"):
            return super().send(refund)
        return self._remote.refund_remaining(refund.order_id) or RefundStatus.PENDING

    def record_result(self, connection: Connection, refund: RefundOrder, status: RefundStatus) -> bool:
        """Write the outcome; False if somebody else was first. The service has written its own."""
        return True if self._gate.is_extracted("payments") else super().record_result(connection, refund, status)
