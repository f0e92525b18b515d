"""A thousand events that look well and cannot be handled: all are set aside, and those after them take effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.measure.accounting import between, take
from loadtests.measure.reconcile import tell
from shared.contract.events import subject_of
from shared.domain.ids import new_id
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.books import reconciled
from tests.journeys.broker import Message, dead_letters, events_about, publish
from tests.journeys.shop import Admin, Shop, new_key, order_body
from tests.journeys.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.long]
Spoil = Callable[[dict[str, Any]], object]
SPOILT: tuple[Spoil, ...] = (
    lambda event: event.update(order_id="no-uuid"),
    lambda event: event.update(id="no-uuid"),
    lambda event: event.update(email="ada\x00@example.com"),
    lambda event: event.update(email="ada\ud800@example.com"),
    lambda event: event.update(version=2**40),
    lambda event: event["total"].update(amount=10**20),
)
EACH = 167
READERS = 2  # of the news of a confirmed order: catalog and notifications, each with dead letters of its own
SET_ASIDE = EACH * len(SPOILT) * READERS  # 1,002 events; JetStream hands out 1,000 unacknowledged ones at most
WITHIN_S = 60.0
MAILS_WITHIN_S = 20.0
MOST_CPU_S = 30.0
MOST_LOG_BYTES = 2_000_000


def test_both_consumers_go_on_and_all_is_set_aside(
    arm: Arm,
    shop: Shop,
    admin: Admin,
    witness: Witness,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    if not arm.has_broker:
        pytest.skip(f"{arm.name} has no broker")
    sku = admin.stocks("POISONED-CHALICE", stock=100)
    parts = sorted({arm.part_of(service) for service in ("catalog", "notifications")})

    def log_bytes() -> int:
        return sum(len(arm.runner.logs(part, 10**9)) for part in parts)

    def buys() -> None:
        customer = shop.customer()
        order = witness.ask("place", customer, "/orders", order_body((sku, 1)), new_key())
        assert order.status == 201
        customer.is_told(order.order_id, "order_confirmed", MAILS_WITHIN_S)
        orders.append(order.order_id)

    orders: list[str] = []
    buys()
    (like,) = [one for one in events_about(arm, orders[0]) if one.subject == subject_of("order.confirmed")]
    before, bytes_before, usage = dead_letters(arm), log_bytes(), take(arm.runner)

    publish(arm, [_spoilt(like, spoil) for _ in range(EACH) for spoil in SPOILT])
    buys()
    until("all are set aside", lambda: dead_letters(arm) - before >= SET_ASIDE, WITHIN_S)
    spent, logged = between(usage, take(arm.runner)), log_bytes() - bytes_before
    buys()
    witness.close()
    outcome = reconciled(arm, tmp_path / "orders.jsonl", before + SET_ASIDE)

    told = f"{spent.cpu_ms_in_all / 1000:.1f} CPU-seconds and {logged:,} bytes of logs in {spent.wall_s:.0f} s"
    record_property("spent", told)
    assert spent.cpu_ms_in_all < MOST_CPU_S * 1000, told
    assert logged < MOST_LOG_BYTES, told
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])


def _spoilt(like: Message, spoil: Spoil) -> Message:
    """Return an event as complete as this one, of an order of its own, but for one thing that no handler bears."""
    event = json.loads(like.data) | {"id": new_id(), "order_id": new_id()}
    spoil(event)
    return Message(like.subject, json.dumps(event).encode(), like.headers)
