"""An order as the saga carries it, and the events that tell its steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row

from shared.contract.bodies import LineInput, MoneyBody
from shared.contract.events import OrderEvent, OrderEventType
from shared.contract.inner import Reservation
from shared.contract.orders import OrderVersion
from shared.domain.ids import new_id
from shared.domain.order import OrderStatus, check_transition
from shared.platform import clock, tracing


@dataclass(frozen=True)
class OrderState(OrderVersion):
    """And what its saga needs. `wanted_lines` is what the customer sent, `lines` what the catalog made of it."""

    fingerprint: str
    payment_method: str
    wanted_lines: list[LineInput]
    expected_total: MoneyBody | None

    @classmethod
    def of_row(cls, row: Row[Any]) -> OrderState:
        """Return the order of a row of the table."""
        request = row.wanted
        return cls(
            **cls.fields_of(row),
            fingerprint=row.fingerprint,
            payment_method=row.payment_method,
            wanted_lines=[LineInput(**line) for line in request["lines"]],
            expected_total=MoneyBody(**request["expected_total"]) if request["expected_total"] else None,
        )

    def priced(self, reservation: Reservation) -> OrderState:
        """Return the order with the catalog's names and prices. No step yet: nothing is written."""
        return replace(self, lines=reservation.lines, total=reservation.total)

    def become(self, status: OrderStatus, reason: str | None = None) -> OrderState:
        """Return the next version. Raises IllegalTransition."""
        check_transition(self.status, status)
        return replace(
            self, status=status, version=self.version + 1, reason=reason or self.reason, updated_at=clock.now()
        )

    def event(self, event_type: OrderEventType, *, notify: bool = True) -> OrderEvent:
        """Return the event that tells what happened; `notify` is false where an HTTP answer said it already."""
        return OrderEvent(
            id=new_id(),
            type=event_type,
            occurred_at=self.updated_at.isoformat(),
            trace_id=tracing.current(),
            traceparent=tracing.carried(),
            order_id=self.id,
            version=self.version,
            customer_id=self.customer_id,
            email=self.email,
            lines=self.lines,
            total=self.total,
            reason=self.reason,
            notify=notify,
        )
