"""Short stories in which a planted bug must show: a few orders, with the right card or the right accident."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loadtests.load.generator.history import OrderCall
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.shop import Admin, Customer, Shop, new_key, order_body
from tests.journeys.waiting import until
from tests.mutants.planting import Edit

PRICE = 2_500


@dataclass
class Story:
    """What a scenario works with: one customer, one product, and the levers of the arm."""

    arm: Arm
    shop: Shop
    admin: Admin
    calls: Witness
    customer: Customer
    sku: str

    def order(
        self, method: str = "pm_ok", quantity: int = 1, key: str = "", sku: str = "", expected_total: int | None = None
    ) -> OrderCall:
        """Place an order."""
        body = order_body((sku or self.sku, quantity), payment_method=method, expected_total=expected_total)
        return self.calls.ask("place", self.customer, "/orders", body, key or new_key())

    def cancel(self, order: OrderCall) -> OrderCall:
        """Cancel an order."""
        return self.calls.ask("cancel", self.customer, f"/orders/{order.order_id}/cancel", None, "", order.order_id)

    def reprice(self, price: int) -> None:
        """Set another price of the product."""
        sent_at = time.time()
        self.admin.put_product(self.sku, price=price)
        body = {"price": {"amount": price, "currency": "EUR"}}
        self.calls.keep(
            OrderCall("price", sent_at, time.time(), self.admin.subject, "", body, self.sku, 200, "", "")
        )  # fmt: skip

    def dies(self, service: str, restarts_before: int) -> None:
        """Wait until the part of this service has died at its failpoint, and disarm it."""
        part = self.arm.part_of(service)
        until(f"{part} dies", lambda: self.restarts(service) > restarts_before, within_s=10)
        self.arm.runner.configure(part, {"CRASH_AT": None})
        until("the shop answers", lambda: self.admin.get("/orders").status_code == 200)

    def restarts(self, service: str) -> int:
        """How often the part of this service has died."""
        part = self.arm.part_of(service)
        return sum(one.restarts for one in self.arm.runner.status().instances if one.part == part)


@dataclass(frozen=True)
class Scenario:
    """`settings` are by service; `staged` makes an accident certain in the copy, mutated or not."""

    act: Callable[[Story], None]
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    staged: tuple[Edit, ...] = ()
    patience_s: float = 14.0  # until all must be at rest; a lease or two


def _declined(story: Story) -> None:
    assert story.order("pm_declined").status == 402


def _lost(story: Story) -> None:
    story.order("pm_lost")


def _no_answer(story: Story) -> None:
    story.order("pm_timeout_silent")


def _last_piece(story: Story) -> None:
    sku = story.admin.stocks("LAST-PIECE", stock=1, price=PRICE)
    assert story.order(sku=sku).status == 201
    story.order(sku=sku)


def _price_changes(story: Story) -> None:
    assert story.order().status == 201
    story.reprice(2 * PRICE)
    time.sleep(0.1)  # longer than what is forgiven to the witnesses' clocks
    assert story.order().status == 201
    story.order(expected_total=PRICE)


def _cancelled_twice(story: Story) -> None:
    assert story.order().status == 201  # somebody else's piece of the same product
    order = story.order()
    story.cancel(order)
    story.cancel(order)


def _sent_twice(story: Story) -> None:
    key = new_key()
    story.order(key=key)
    story.order(key=key)


def _sent_again_when_cancelled(story: Story) -> None:
    key = new_key()
    story.cancel(story.order(key=key))
    story.order(key=key)


def _unpaid_is_cancelled(story: Story) -> None:
    story.cancel(story.order("pm_timeout_silent"))


def _crash_with_mails(story: Story) -> None:
    before = story.restarts("notifications")
    story.order()
    story.dies("notifications", before)


def _late_capture(story: Story) -> None:
    story.order("pm_declined")
    (order,) = story.customer.orders()
    story.shop.provider.forget()  # so that the provider can change its mind
    story.shop.provider.capture(order["id"], amount=PRICE)
    story.shop.provider.redeliver(order["id"])
    payment = order["payment_id"]
    until("the capture is known", lambda: story.customer.payment(payment)["status"] == "captured")
    time.sleep(1)  # until the orders service has heard of it


def _database_away(story: Story) -> None:
    order = threading.Thread(target=story.order, args=("pm_slow",))
    order.start()
    time.sleep(0.6)  # reserved by now, and not yet paid
    story.arm.runner.hold(story.arm.database_of("catalog"), kill=True)
    order.join()
    time.sleep(1.5)
    story.arm.runner.release(story.arm.database_of("catalog"))


def _crash_while_publishing(story: Story) -> None:
    before = story.restarts("orders")
    story.order()
    story.dies("orders", before)


def _published_twice(story: Story) -> None:
    before = story.restarts("orders")
    others = story.order()  # of the same product
    story.customer.is_told(others.order_id, "order_confirmed")  # so that each event leaves in a batch of its own
    order = story.order()
    story.customer.is_told(order.order_id, "order_confirmed")
    story.cancel(order)
    story.dies("orders", before)


def _late_reservation(story: Story) -> None:
    story.order(quantity=7)
    time.sleep(5)  # until the reservation comes


def _crash_after_reservation(story: Story) -> None:
    before = story.restarts("orders")
    story.order()
    story.dies("orders", before)


def _catalog_away(story: Story) -> None:
    story.arm.runner.hold(story.arm.part_of("catalog"), kill=True)
    story.order()
    story.arm.runner.release(story.arm.part_of("catalog"))


def _nobody_hears(story: Story) -> None:
    part = story.arm.part_of("notifications")
    story.arm.runner.hold(part, kill=True)
    assert story.order().status == 201  # a call that fails takes no order away
    story.arm.runner.release(part)


SLOW_RESERVATION = Edit(
    "microservices/catalog/stock.py",
    "    total = None\n",
    "    if any(quantity == 7 for _, quantity in quantities):\n"
    "        await __import__('asyncio').sleep(6)\n"
    "    total = None\n",
)
SCENARIOS: dict[str, Scenario] = {
    "a card is declined": Scenario(_declined),
    "a charge got lost": Scenario(_lost),
    "a charge got no answer": Scenario(_no_answer),
    "two want the last piece": Scenario(_last_piece),
    "a price changes": Scenario(_price_changes),
    "an order is cancelled twice": Scenario(_cancelled_twice),
    "an order is sent twice": Scenario(_sent_twice),
    "a cancelled order is sent again": Scenario(_sent_again_when_cancelled),
    "an unpaid order is cancelled": Scenario(_unpaid_is_cancelled),
    "a capture after the rejection": Scenario(_late_capture),
    "a crash with mails in hand": Scenario(
        _crash_with_mails, {"notifications": {"CRASH_AT": "mail.claimed:1"}}, patience_s=25.0
    ),
    "a database is away when an event comes": Scenario(_database_away),
    "a crash while events leave": Scenario(_crash_while_publishing, {"orders": {"CRASH_AT": "outbox.published:1"}}),
    "an event is published twice": Scenario(_published_twice, {"orders": {"CRASH_AT": "outbox.published:3"}}),
    "a reservation comes after its release": Scenario(_late_reservation, staged=(SLOW_RESERVATION,)),
    "a crash after the reservation": Scenario(_crash_after_reservation, {"orders": {"CRASH_AT": "order.reserved:1"}}),
    "the catalog is away": Scenario(_catalog_away),
    "notifications is away when it is called": Scenario(
        _nobody_hears, {part: {"VARIANT": "direct_notification"} for part in ("orders", "catalog", "notifications")}
    ),
}
