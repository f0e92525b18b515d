"""Connections fall silent without a word, as when a firewall forgets them: who waits on one lets go within seconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.faults import connections, during
from deploy.faults.vocabulary import NoSuchFault
from loadtests.measure.reconcile import tell
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.books import reconciled
from tests.journeys.shop import Admin, Shop, new_key, order_body
from tests.journeys.waiting import until
from tests.plain_http import plain_http

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.fault, pytest.mark.long]
TO_THE_BROKER = ("catalog:nats", "orders:nats", "payments:nats", "notifications:nats")
WAITED_ON = ("catalog:sql", "orders:sql", "payments:sql", "payments:provider", "notifications:sql",
             "notifications:smtp", "orders:identity")  # fmt: skip
GOES_ON_WITHIN_S = 40.0
CALLERS = 32  # twice as many as a monolith has threads
FREE_WITHIN_S = 10.0
WATCHED_S = 14.0


@pytest.mark.parametrize("target", TO_THE_BROKER)
def test_the_shop_goes_on_while_its_old_connections_stay_silent(
    arm: Arm, shop: Shop, admin: Admin, witness: Witness, tmp_path: Path, target: str
) -> None:
    if not arm.has_broker:
        pytest.skip(f"{arm.name} has no broker")
    sku = admin.stocks("SILENT-BELL", stock=500)

    with connections.redirected(arm.runner, [target]):
        until("the shop sells before", lambda: _buys(shop, witness, sku) == 201)
        with during(arm.runner, "tcp-half-open", target, {"first": 1}):
            until("the shop sells on", lambda: _buys(shop, witness, sku) == 201, GOES_ON_WITHIN_S)
            witness.close()
            outcome = reconciled(arm, tmp_path / "orders.jsonl")  # all is told, mailed and booked meanwhile

    assert outcome.is_clean, "\n".join(tell(outcome)[:60])


@pytest.mark.parametrize("target", WAITED_ON)
def test_threads_and_pools_are_free_within_seconds_of_the_silence(
    arm: Arm,
    shop: Shop,
    admin: Admin,
    witness: Witness,
    tmp_path: Path,
    target: str,
) -> None:
    try:
        parts = {one.part for one in connections.select(arm.runner, target)}
    except NoSuchFault:
        pytest.skip(f"{arm.name} has no {target}")
    addresses = [arm.runner.site.url(arm.runner.stack.name, part) for part in parts]
    sku, spared = admin.stocks("SILENT-GONG", stock=500), _spared(arm, target)
    buyers = [shop.customer("silent-sam") for _ in range(CALLERS)]

    def crowd() -> float:
        """Return the longest that one of a crowd who all buy at once waits for an answer, in s."""
        with ThreadPoolExecutor(CALLERS) as all_at_once:
            began = time.monotonic()
            purchases = [
                all_at_once.submit(witness.ask, "place", buyer, "/orders", order_body((sku, 1)), new_key())
                for buyer in buyers
            ]
            return max([one.result().answered_at for one in purchases]) - time.time() + time.monotonic() - began

    with connections.redirected(arm.runner, [target]), ThreadPoolExecutor(3) as beside:
        until("the shop sells before", lambda: _buys(shop, witness, sku) == 201)
        crowd()  # so that pools have connections to lose
        with during(arm.runner, "tcp-half-open", target):
            began = time.monotonic()
            waiting = beside.submit(crowd)
            time.sleep(0.5)
            pages = beside.submit(_last_late, lambda: shop.http.get(spared).status_code == 200, began)
            threads = beside.submit(_last_late, lambda: all(_lives(address) for address in addresses), began)
            full_s = _longest_without(lambda: all(_has_room(address) for address in addresses), began)
            page_s, thread_s, waited_s = pages.result(), threads.result(), waiting.result()
        until("the shop sells again", lambda: _buys(shop, witness, sku) == 201, GOES_ON_WITHIN_S)
    witness.close()
    outcome = reconciled(arm, tmp_path / "orders.jsonl")

    summary = (
        f"{arm.name}, {target}: {spared} answered after {page_s:.1f} s, threads free after {thread_s:.1f} s, the pool "
        f"full for {full_s:.1f} s at most, the last of {CALLERS} buyers answered after {waited_s:.1f} s"
    )
    log.info(summary)
    assert max(page_s, thread_s, full_s, waited_s) < FREE_WITHIN_S, summary
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])


def _buys(shop: Shop, witness: Witness, sku: str) -> int:
    return witness.ask("place", shop.customer(), "/orders", order_body((sku, 1)), new_key()).status


def _spared(arm: Arm, target: str) -> str:
    """Return a page that needs no such connection."""
    is_read_there = arm.part_of("catalog") == arm.part_of(target.partition(":")[0])
    return "/docs" if target.endswith(":sql") and is_read_there else "/products"


def _last_late(is_well: Callable[[], bool], began: float) -> float:
    """Return when, in s after `began`, all was well and stayed so: later than that no try failed or took a second."""
    well_s = time.monotonic() - began
    while (asked_at := time.monotonic()) < began + WATCHED_S:
        try:
            well = is_well()
        except httpx.HTTPError:
            well = False
        if not well or time.monotonic() - asked_at > 1.0:
            well_s = time.monotonic() - began
        time.sleep(0.1)
    return well_s


def _longest_without(is_well: Callable[[], bool], began: float) -> float:
    """Return the longest time, in s, in which no try went well: later ones may be of new work, which waits anew."""
    well_at, longest_s = began, 0.0
    while time.monotonic() < began + WATCHED_S:
        well, now = is_well(), time.monotonic()
        longest_s = max(longest_s, now - well_at)
        well_at = now if well else well_at
        time.sleep(0.1)
    return longest_s


def _lives(address: str) -> bool:
    with plain_http(address, timeout=FREE_WITHIN_S) as operator:
        return operator.get("/healthz").status_code == 200


def _has_room(address: str) -> bool:
    """Tell whether a part answers, and has a connection of its pool to spare."""
    with plain_http(address, timeout=2 * FREE_WITHIN_S) as operator:
        families = text_string_to_metric_families(operator.get("/metrics").text)
        values = {one.name: one.samples[0].value for one in families if one.name.startswith("db_pool")}
    return values["db_pool_connections_in_use"] < values["db_pool_connections_limit"]
