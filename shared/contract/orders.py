"""An order as both builds know it: a value, of which each step makes a new version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contract.bodies import MoneyBody, Order, OrderLine
from shared.domain.order import OrderStatus


@dataclass(frozen=True)
class OrderVersion:
    """One version of an order. `lines` is empty and `total` None as long as it is not priced."""

    id: str
    customer_id: str
    email: str
    idempotency_key: str | None
    status: OrderStatus
    version: int
    payment_id: str
    lines: list[OrderLine]
    total: MoneyBody | None
    reason: str | None
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def fields_of(row: Any) -> dict[str, Any]:
        """Return the fields of an order in a row of a table that names its columns as they are named here."""
        return {
            "id": row.id,
            "customer_id": row.customer_id,
            "email": row.email,
            "idempotency_key": row.idempotency_key,
            "status": OrderStatus(row.status),
            "version": row.version,
            "payment_id": row.payment_id,
            "lines": [OrderLine.model_validate(line) for line in row.lines],
            "total": MoneyBody(amount=row.total, currency=row.currency) if row.total is not None else None,
            "reason": row.reason,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }

    def body(self) -> Order:
        """Return the order as its owner sees it."""
        return Order.model_validate(self, from_attributes=True)
