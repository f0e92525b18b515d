"""The evidence of a reconciliation as plain rows: what the client saw, and what each party wrote down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

UNANSWERED = (0, 504)
FINAL_CONFLICTS = frozenset({"out_of_stock", "price_changed"})

Key = tuple[str, str]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Attempt:
    """One request of the client that may have changed something, and its answer. `status` 0: none came.

    `lines` are (sku, quantity); `code` is a problem's; `body` is the answer as text, byte for byte.
    """

    kind: Literal["order", "cancel"]
    customer: str
    key: str
    status: int
    code: str = ""
    order_id: str = ""
    lines: tuple[tuple[str, int], ...] = ()
    body: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)  # as it was sent, so that it can be sent again
    sent_at: float = 0.0  # seconds since the epoch; 0: not known
    answered_at: float = 0.0

    @property
    def is_unanswered(self) -> bool:
        """Whether the client cannot know what became of it (rule 4: a 504 and a reset count as no answer)."""
        return self.status in UNANSWERED

    @property
    def is_final(self) -> bool:
        """Whether this answer to POST /orders is the one that every replay must repeat (rule 2)."""
        return self.status in (201, 402) or (self.status == 409 and self.code in FINAL_CONFLICTS)

    @property
    def is_failed(self) -> bool:
        """Whether the client was told that nothing happened."""
        return self.status >= 400 and not self.is_unanswered


@dataclass(frozen=True)
class Read:
    """A GET that was answered 200, of products or of one's own orders. Times are seconds since the epoch."""

    sent_at: float
    answered_at: float
    customer: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class ProductChange:
    """A price that the client set, or pieces that it added. Times are seconds since the epoch.

    `answered_at` is infinite where nobody can know whether, and when, it happened.
    """

    kind: Literal["price", "restock"]
    sku: str
    amount: int  # minor units, or pieces
    sent_at: float
    answered_at: float


@dataclass(frozen=True)
class OrderRow:
    """`v_orders`; money in minor units, `total` None if the order was rejected before it was priced."""

    order_id: str
    customer_id: str
    status: str
    total: int | None
    currency: str | None
    payment_id: str
    reason: str | None
    idempotency_key: str | None  # None: given back with a 503, or so old that it was forgotten


@dataclass(frozen=True)
class PaymentRow:
    """`v_payments`; money in minor units."""

    payment_id: str
    order_id: str
    status: str
    amount: int
    captured: int
    refunded: int
    refunded_by_admin: int
    currency: str


@dataclass(frozen=True)
class StockRow:
    """`v_stock`, in pieces."""

    sku: str
    initial: int
    restocked: int
    available: int
    reserved: int
    sold: int


@dataclass(frozen=True)
class ReservationRow:
    """`v_reservations`: one line of an order, in pieces. A tombstone may have no sku."""

    order_id: str
    sku: str | None
    quantity: int | None
    status: str


@dataclass(frozen=True)
class NotificationRow:
    """`v_notifications`."""

    order_id: str
    kind: str
    status: str
    message_id: str
    customer_id: str


@dataclass(frozen=True)
class UnfinishedRow:
    """`v_unfinished`: an order, payment, refund, job or outbox row that is not in an end state."""

    kind: str
    id: str
    state: str
    age_s: float


@dataclass(frozen=True)
class Charge:
    """A charge in the provider's ledger. `refunds` are (refund key, amount)."""

    key: str
    charge_id: str
    status: str
    amount: int
    currency: str
    refunds: tuple[tuple[str, int], ...] = ()

    @property
    def refunded(self) -> int:
        """What went back, in minor units."""
        return sum(amount for _, amount in self.refunds)

    @property
    def kept(self) -> int:
        """What the shop has of it: captured minus refunded, in minor units."""
        return (self.amount if self.status == "captured" else 0) - self.refunded


@dataclass(frozen=True)
class Mail:
    """A message that the mail server took."""

    message_id: str
    to: str
    subject: str


@dataclass(frozen=True)
class Books:
    """Everything about one stack after one run. `earlier` are order states seen before the final rows were read."""

    stack: str
    mail_domain: str
    attempts: tuple[Attempt, ...] = ()
    reads: tuple[Read, ...] = ()
    changes: tuple[ProductChange, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    payments: tuple[PaymentRow, ...] = ()
    stock: tuple[StockRow, ...] = ()
    reservations: tuple[ReservationRow, ...] = ()
    notifications: tuple[NotificationRow, ...] = ()
    unfinished: tuple[UnfinishedRow, ...] = ()
    charges: tuple[Charge, ...] = ()
    mails: tuple[Mail, ...] = ()
    dead_letters: int = 0
    events_owed: int = 0  # deliveries that the broker still owes, or has no acknowledgement of
    planted_poison: int = 0
    earlier: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, frozenset[str]] = field(default_factory=dict)  # customer -> ids in GET /orders
    replays: tuple[Attempt, ...] = ()  # answers to old keys that were sent once more, at the end
    prices: Mapping[str, int] = field(default_factory=dict)  # sku -> minor units, of what the client did not reprice

    @cached_property
    def order_by_id(self) -> dict[str, OrderRow]:
        """Orders by their id."""
        return {row.order_id: row for row in self.orders}

    @cached_property
    def orders_by_key(self) -> dict[Key, list[OrderRow]]:
        """Orders by (customer, key): those that have one, for what has none has nothing in common."""
        keyed = [(row, key) for row in self.orders if (key := row.idempotency_key) is not None]
        return _grouped(((row.customer_id, key), row) for row, key in keyed)

    @cached_property
    def attempts_by_key(self) -> dict[Key, list[Attempt]]:
        """The client's POST /orders by (customer, key), in the order of their answers."""
        return _grouped(((one.customer, one.key), one) for one in self.attempts if one.kind == "order")

    @cached_property
    def charges_by_order(self) -> dict[str, list[Charge]]:
        """The ledger by order; a charge's key is the order's id (rule 11)."""
        return _grouped((charge.key, charge) for charge in self.charges)

    @cached_property
    def reservations_by_order(self) -> dict[str, list[ReservationRow]]:
        """Reservations by order."""
        return _grouped((row.order_id, row) for row in self.reservations)

    @cached_property
    def kinds_by_order(self) -> dict[str, list[str]]:
        """Kinds of notification by order, with repetitions."""
        return _grouped((row.order_id, row.kind) for row in self.notifications)

    def kept_of(self, order_id: str) -> int:
        """What the ledger says the shop keeps for this order, in minor units."""
        return sum(charge.kept for charge in self.charges_by_order.get(order_id, ()))


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
