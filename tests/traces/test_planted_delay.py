"""A delay that is planted in one part is named by the trace of an order, in both builds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.runner import tracing
from loadtests.traces.store import Store
from loadtests.traces.tree import OrderTrace, assemble
from tests.arms import Arm
from tests.journeys.opening import open_shop
from tests.journeys.waiting import until

BUILDS = ("monolith", "microservices")
PARTS = {"edge", "orders", "catalog", "payments", "notifications"}
DELAY_MS = 150
PLANTED = {"RISK_MS": str(DELAY_MS)}  # work that payments do before they ask the provider
KEPT_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def traces(arms: dict[str, Arm]) -> dict[str, OrderTrace]:
    """An order's trace in either build, with every trace kept and the delay planted: one restart, and one back."""
    builds = {name: arms[name] for name in BUILDS if name in arms}
    settings_by_part: dict[tuple[str, str], dict[str, str | None]] = {}
    for name, arm in builds.items():
        for part in tracing.traced_parts(arm.runner):
            more = PLANTED if part == arm.part_of("payments") else {}
            settings_by_part[name, part] = {**tracing.settings_of(arm.runner, 1.0), **more}

    def configure(back: bool) -> None:
        def one(item: tuple[tuple[str, str], dict[str, str | None]]) -> None:
            (name, part), settings = item
            builds[name].runner.configure(part, dict.fromkeys(settings) if back else settings)

        with ThreadPoolExecutor(len(settings_by_part)) as pool:
            list(pool.map(one, settings_by_part.items()))

    try:
        configure(back=False)
        with ThreadPoolExecutor(len(builds)) as pool:
            return dict(zip(builds, pool.map(bought, builds.values()), strict=True))
    finally:
        configure(back=True)


def bought(arm: Arm) -> OrderTrace:
    """Buy something, and return the trace of the order once the mail about it is on it."""
    with open_shop(arm) as shop:
        customer, sku = shop.customer(), shop.admin().stocks("TRACED-KITE", stock=9)
        customer.buy((sku, 1))  # the first order after a restart opens connections
        order = customer.buy((sku, 1))
    store = Store(tracing.folder_of(arm.runner))

    def probe() -> OrderTrace | None:
        trace = assemble("an order", store.of_order(order["id"]))
        return trace if trace is not None and trace.request.span.service == "edge" and _is_told_by_all(trace) else None

    return until("the trace is kept", probe, KEPT_WITHIN_S)


def _is_told_by_all(trace: OrderTrace) -> bool:
    """Each part writes its spans down by a timer of its own: who was first to end one need not be first to tell."""
    steps = {(node.part, node.span.name) for node in trace.request.walk()}
    return ("notifications", "mail order_confirmed") in steps and {part for part, _ in steps} >= PARTS


@pytest.mark.parametrize("name", BUILDS)
def test_the_trace_names_the_part_that_is_slow(traces: dict[str, OrderTrace], name: str) -> None:
    trace = traces[name]

    largest = trace.where_the_time_went()[0]
    assert largest.part == "payments"
    assert largest.self_ns > DELAY_MS * 0.9 * 1e6
    assert "was spent in payments itself (payments.charge)" in trace.verdict()


@pytest.mark.parametrize("name", BUILDS)
def test_both_builds_show_the_same_steps(traces: dict[str, OrderTrace], name: str) -> None:
    trace = traces[name]

    assert {node.part for node in trace.request.walk()} == PARTS
    assert {"POST /orders", "catalog.reserve", "payments.charge"} <= {node.span.name for node in trace.during()}
