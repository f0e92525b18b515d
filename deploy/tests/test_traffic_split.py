"""Requests shared out between clusters, while the edge serves."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from deploy.envoy.traffic_split import TrafficSplit
from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.tests.asking import ask

OWNER = "test"


@pytest.fixture
def shop(services: LocalRunner) -> Iterator[LocalRunner]:
    """The services, whose routes are as the topology says again afterwards."""
    yield services
    services.set_weights(OWNER, [])


def who_answers(shop: LocalRunner, method: str, path: str, count: int, **headers: str) -> Counter[str]:
    names = {one.pid: one.part for one in shop.status().instances}
    edge = shop.stack.part("edge").port("http")
    return Counter(names[ask(edge, method, path, headers).body["pid"]] for _ in range(count))


def test_weights_share_a_route_out(shop: LocalRunner) -> None:
    shop.set_weights(OWNER, [TrafficSplit("/products", {"catalog": 70, "orders": 30})])

    counts = who_answers(shop, "GET", "/products", 200)

    assert 30 <= counts["orders"] <= 95
    assert who_answers(shop, "GET", "/categories", 20) == {"catalog": 20}


def test_share_may_mean_reads_without_a_token_only(shop: LocalRunner) -> None:
    shop.set_weights(OWNER, [TrafficSplit("/products", {"orders": 100}, methods=("GET",), anonymous=True)])

    assert who_answers(shop, "GET", "/products", 5) == {"orders": 5}
    assert who_answers(shop, "PUT", "/products/A", 5) == {"catalog": 5}
    assert who_answers(shop, "GET", "/products", 5, Authorization="Bearer x") == {"catalog": 5}


def test_sticky_share_keeps_each_customer_with_one_version(shop: LocalRunner) -> None:
    shop.set_weights(OWNER, [TrafficSplit("/products", {"catalog": 50, "orders": 50}, sticky="authorization")])

    each = [who_answers(shop, "GET", "/products", 4, Authorization=f"Bearer {number}") for number in range(20)]

    assert {len(counts) for counts in each} == {1}
    assert {name for counts in each for name in counts} == {"catalog", "orders"}


def test_mirrored_reads_are_answered_by_the_owner(shop: LocalRunner) -> None:
    share = TrafficSplit("/products", {"catalog": 100}, methods=("GET",), mirror="orders", mirror_percent=100)
    shop.set_weights(OWNER, [share])

    assert who_answers(shop, "GET", "/products", 10) == {"catalog": 10}


def test_no_request_is_lost_while_routes_change(shop: LocalRunner) -> None:
    edge = shop.stack.part("edge").port("http")
    stop, statuses = threading.Event(), Counter[int]()

    def browse() -> None:
        while not stop.is_set():
            statuses[ask(edge, "GET", "/products?sleep_ms=5").status] += 1

    customers = [threading.Thread(target=browse, daemon=True) for _ in range(4)]
    for customer in customers:
        customer.start()
    for percent in (10, 50, 100, 50, 0):
        shop.set_weights(OWNER, [TrafficSplit("/products", {"catalog": 100 - percent, "orders": percent})])
    stop.set()
    for customer in customers:
        customer.join()

    assert set(statuses) == {200}


def test_two_who_share_out_do_not_undo_each_other(shop: LocalRunner) -> None:
    shop.set_weights(OWNER, [TrafficSplit("/products", {"orders": 100})])
    shop.set_weights("another", [TrafficSplit("/categories", {"orders": 100})])
    shop.set_weights("another", [])

    assert who_answers(shop, "GET", "/products", 3) == {"orders": 3}
    assert who_answers(shop, "GET", "/categories", 3) == {"catalog": 3}


def test_calls_between_services_are_not_sticky() -> None:
    with pytest.raises(DeployError, match="no customer's header"):
        TrafficSplit("/internal", {"catalog": 100}, sticky="authorization", inner="catalog")


def test_weights_that_are_not_a_hundred_are_refused() -> None:
    with pytest.raises(DeployError, match="100 in sum"):
        TrafficSplit("/products", {"catalog": 50, "orders": 40})
