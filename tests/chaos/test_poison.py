"""A thousand messages that nobody can bear: each is set aside, cheaply, and what comes behind them arrives."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.measure.reconcile import tell
from shared.domain.ids import new_id
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys import broker
from tests.journeys.books import reconciled
from tests.journeys.shop import Admin, Shop, new_key, order_body
from tests.journeys.waiting import until
from twinshop import dead_letters

log = logging.getLogger(__name__)
POISON = 1_002  # more than a consumer may have in hand, which is a thousand
READERS = ("catalog", "notifications")  # of the news of a confirmed order: each sets aside its own copy
SET_ASIDE_WITHIN_S = 60.0
MAILED_WITHIN_S = 30.0
CPU_S = 10.0  # of both readers; 81 in 100 s, and growing, where each came again for ever
LOG_BYTES = 2_000_000  # a line for each that is set aside; it was 370 MB of tracebacks


@pytest.mark.fault
@pytest.mark.long
def test_a_thousand_poisoned_events_are_set_aside_and_stop_nobody(
    arm: Arm, shop: Shop, admin: Admin, witness: Witness, tmp_path: Path
) -> None:
    if not arm.has_broker:
        pytest.skip(f"{arm.name} has no broker")
    customer, sku = shop.customer(), admin.stocks("HEMLOCK", stock=500)
    placed = witness.ask("place", customer, "/orders", order_body((sku, 1)), new_key())
    customer.is_told(placed.order_id, "order_confirmed")
    (event,) = [one for one in broker.events_about(arm, placed.order_id) if one.subject == "shop.order.confirmed"]
    poison = [broker.Message(event.subject, body, {}) for body in _poisoned(json.loads(event.data))]
    before, cpu_s, log_bytes = broker.dead_letters(arm), _cpu_s(arm), _log_bytes(arm)

    began = time.monotonic()
    broker.publish(arm, poison)
    behind = witness.ask("place", customer, "/orders", order_body((sku, 1)), new_key())
    customer.is_told(behind.order_id, "order_confirmed", MAILED_WITHIN_S)
    mailed_s = time.monotonic() - began
    planted = len(poison) * len(READERS)
    until("all are set aside", lambda: broker.dead_letters(arm) == before + planted, SET_ASIDE_WITHIN_S)
    aside_s, cpu_s, log_bytes = time.monotonic() - began, _cpu_s(arm) - cpu_s, _log_bytes(arm) - log_bytes
    witness.close()

    summary = (
        f"{len(poison)} poisoned events, {planted} dead letters: a mail behind them after {mailed_s:.1f} s, all set "
        f"aside after {aside_s:.1f} s, {cpu_s:.1f} s of CPU and {log_bytes:,} bytes of logs in both readers"
    )
    log.info("%s: %s", arm.name, summary)
    assert cpu_s < CPU_S, summary
    assert 0 < log_bytes < LOG_BYTES, summary
    outcome = reconciled(arm, tmp_path / "orders.jsonl", before + planted)
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])
    stack = arm.runner.stack
    dead_letters.remove(stack, dead_letters.read(stack), send_again=False)


def _poisoned(body: dict[str, Any]) -> Iterator[bytes]:
    """Complete events, each with one value that no database of ours can hold."""
    for number in range(POISON):
        wrong: tuple[dict[str, Any], ...] = (
            {"order_id": f"order {number}"},
            {"id": f"event {number}"},
            {"email": f"a\x00{number}@x.example"},
            {"email": f"a\ud800{number}@x.example"},  # half of a surrogate pair
            {"total": body["total"] | {"amount": 10**20}},
            {"version": 2**40},
        )
        yield json.dumps(body | {"id": new_id()} | wrong[number % len(wrong)]).encode()


def _parts(arm: Arm) -> set[str]:
    return {arm.part_of(reader) for reader in READERS}


def _cpu_s(arm: Arm) -> float:
    return sum(one.cpu_s for one in arm.runner.stats(memory=False) if one.part in _parts(arm))


def _log_bytes(arm: Arm) -> int:
    logs = arm.runner.proxy.folder / "logs"  # of this stack's folder
    return sum(path.stat().st_size for part in _parts(arm) for path in logs.glob(f"{part}*"))
