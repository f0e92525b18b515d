"""The identity provider is away when replicas start: who needs it is told so at once, and all others browse."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deploy.faults import connections, during
from tests.arms import Arm
from tests.journeys.shop import Admin, Shop
from tests.journeys.waiting import until

log = logging.getLogger(__name__)
CALLERS = 32
BROWSERS = 8
TOLD_WITHIN_S = 3.0  # the first ones wait half a second for the keys, and all of them for a busy machine
PAGE_WITHIN_S = 3.0
READY_WITHIN_S = 2.0
BACK_WITHIN_S = 10.0
TIMEOUT_S = 20.0


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.parametrize("fault", ["identity-away", "tcp-half-open"])
def test_who_needs_an_absent_identity_provider_is_told_at_once_and_nobody_else_notices(
    arm: Arm, shop: Shop, admin: Admin, fault: str
) -> None:
    customer, sku = shop.customer(), admin.stocks("MASQUERADE", stock=50)
    parts = [part.name for part in arm.runner.stack.parts if part.kind == "app"]

    def timed(part_or_shop: str, path: str, headers: dict[str, str]) -> tuple[int, float]:
        began = time.monotonic()
        status = httpx.get(part_or_shop + path, headers=headers, timeout=TIMEOUT_S).status_code
        return status, time.monotonic() - began

    connection = "orders:identity" if fault == "tcp-half-open" else ""
    with connections.redirected(arm.runner, [connection] if connection else []), during(arm.runner, fault, connection):
        for part in parts:
            arm.runner.restart(part)
        until("products are listed", lambda: shop.http.get("/products").status_code == 200)
        with ThreadPoolExecutor(CALLERS + BROWSERS + len(parts)) as crowd:
            callers = [crowd.submit(timed, arm.url, "/orders", customer.authorization) for _ in range(CALLERS)]
            browsers = [crowd.submit(timed, arm.url, "/products", {}) for _ in range(BROWSERS)]
            ready = [crowd.submit(timed, arm.runner.site.url(arm.name, part), "/readyz", {}) for part in parts]
        needed, browsed, probed = ([one.result() for one in each] for each in (callers, browsers, ready))
    began = time.monotonic()
    until("who needs it is served", lambda: customer.place_order((sku, 1)).status_code == 201)
    back_s = time.monotonic() - began

    summary = (
        f"{CALLERS} callers who need it answered after {max(s for _, s in needed):.2f} s at most, {BROWSERS} product "
        f"pages after {max(s for _, s in browsed):.2f} s, /readyz after {max(s for _, s in probed):.2f} s; orders "
        f"again {back_s:.1f} s after it was back"
    )
    log.info("%s, %s: %s", arm.name, fault, summary)
    assert {status for status, _ in needed} == {503}, needed
    assert {status for status, _ in (*browsed, *probed)} == {200}, (browsed, probed)
    assert max(s for _, s in needed) < TOLD_WITHIN_S, summary
    assert max(s for _, s in browsed) < PAGE_WITHIN_S, summary
    assert max(s for _, s in probed) < READY_WITHIN_S, summary
    assert back_s < BACK_WITHIN_S, summary
