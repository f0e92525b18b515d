"""The identity provider is away when a replica starts: who needs it is told at once, and nobody else notices."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deploy.faults import connections, during
from tests.arms import Arm
from tests.journeys.shop import Shop
from tests.journeys.waiting import until
from tests.plain_http import plain_http

pytestmark = [pytest.mark.fault, pytest.mark.long]
CALLERS = 32  # twice as many as a monolith has threads
AT_ONCE_S = 3.0  # a request waits 0.5 s for keys at most; the rest is 64 callers on a busy machine
READY_WITHIN_S = 1.5
KNOWN_AGAIN_WITHIN_S = 15.0


@pytest.mark.parametrize("fault", ["identity-away", "tcp-half-open"])
def test_who_needs_it_gets_503_at_once_and_others_browse(arm: Arm, shop: Shop, fault: str) -> None:
    part, customer = arm.part_of("orders"), shop.customer("early-edda")
    target = "orders:identity" if fault == "tcp-half-open" else ""

    with connections.leading(arm.runner, [target] if target else []):
        with during(arm.runner, fault, target):
            arm.runner.restart(part)
            with plain_http(arm.part_url("orders"), timeout=READY_WITHIN_S) as direct:
                until("the part is up", lambda: _is_ready(direct))
                with ThreadPoolExecutor(2 * CALLERS) as crowd:
                    own = [crowd.submit(_timed, customer.get, "/orders") for _ in range(CALLERS)]
                    pages = [crowd.submit(_timed, shop.http.get, "/products") for _ in range(CALLERS)]
                    time.sleep(0.1)
                    ready = _timed(direct.get, "/readyz")
                    asked, browsed = [one.result() for one in own], [one.result() for one in pages]
        until("customers are known again", lambda: customer.get("/orders").status_code == 200, KNOWN_AGAIN_WITHIN_S)

    slowest = {name: max(took_s for _, took_s in found) for name, found in (("own", asked), ("pages", browsed))}
    assert [status for status, _ in asked] == [503] * CALLERS, slowest
    assert [status for status, _ in browsed] == [200] * CALLERS, slowest
    assert max(slowest.values()) < AT_ONCE_S, slowest
    assert ready[0] == 200
    assert ready[1] < READY_WITHIN_S


def _timed(get: Callable[[str], httpx.Response], path: str) -> tuple[int, float]:
    began = time.monotonic()
    answer = get(path)
    return answer.status_code, time.monotonic() - began


def _is_ready(direct: httpx.Client) -> bool:
    try:
        return direct.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False
