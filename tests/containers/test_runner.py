"""`twinshop --on compose`: the same commands as on processes, and the same meaning."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deploy.compose.edge_config import GONE_WITHIN_S
from deploy.compose.runner import ComposeRunner
from deploy.model.errors import DeployError, UnknownTarget
from loadtests.engine.quota import ContainerQuotas
from tests.journeys.waiting import until

pytestmark = [pytest.mark.containers, pytest.mark.long]

Runners = dict[str, ComposeRunner]


@pytest.fixture
def services(runners: Runners) -> ComposeRunner:
    """The microservices."""
    return runners["microservices"]


@pytest.fixture
def products(services: ComposeRunner) -> str:
    """An address that the catalog answers."""
    return f"{services.address}/products?limit=5"


def test_every_part_is_ready_and_used_something(runners: Runners) -> None:
    for runner in runners.values():
        assert runner.status().ready
        for part in runner.stats():
            assert part.cpu_s > 0
            assert part.memory_bytes > 2**20
            assert part.memory_kind == "cgroup"


def test_work_is_counted_to_who_does_it(services: ComposeRunner, products: str) -> None:
    before = {part.part: part.cpu_s for part in services.stats(memory=False)}
    with httpx.Client() as client:
        for _ in range(300):
            client.get(products)
    spent = {part.part: part.cpu_s - before[part.part] for part in services.stats(memory=False)}

    assert spent["catalog"] > 0.1
    assert spent["catalog"] > 3 * spent["payments"]


@pytest.mark.parametrize(("build", "part"), [("microservices", "catalog"), ("monolith", "web")])
def test_more_replicas_and_fewer_without_a_failed_request(runners: Runners, build: str, part: str) -> None:
    runner = runners[build]
    answers: Counter[int] = Counter()
    enough = threading.Event()

    def keep_asking() -> None:
        with httpx.Client() as client:
            while not enough.is_set():
                answers[client.get(f"{runner.address}/products?limit=5").status_code] += 1

    customers = [threading.Thread(target=keep_asking, daemon=True) for _ in range(3)]
    for customer in customers:
        customer.start()
    try:
        runner.scale(part, 3)
        at_most = [one.instance for one in runner.status().instances if one.part == part]
        runner.scale(part, 1)
    finally:
        enough.set()
        for customer in customers:
            customer.join()

    assert set(answers) == {200}
    assert at_most == [f"{part}.0", f"{part}.1", f"{part}.2"]
    assert [one.instance for one in runner.status().instances if one.part == part] == [f"{part}.0"]


def test_a_killed_part_is_back_by_itself_and_is_counted(services: ComposeRunner) -> None:
    before = {part.part: part.restarts for part in services.stats()}

    services.kill("payments")
    until("payments are back", lambda: services.status().ready)

    assert {part.part: part.restarts - before[part.part] for part in services.stats() if part.restarts} == {
        "payments": 1
    }


def test_a_process_that_dies_is_started_again_by_the_engine(services: ComposeRunner) -> None:
    before = restarts(services, "notifications.0")
    pid = next(one.pid for one in services.status().instances if one.instance == "notifications.0")
    assert pid is not None
    try:
        os.kill(pid, signal.SIGKILL)
    except (PermissionError, ProcessLookupError):
        pytest.skip("processes in containers are not ours to kill on this machine")

    until("it is back", lambda: restarts(services, "notifications.0") == before + 1 and services.status().ready, 20)


def test_a_held_part_stays_away_until_it_is_released(services: ComposeRunner, products: str) -> None:
    services.hold("catalog")
    refused = until("the edge has noticed", lambda: (got := httpx.get(products)).status_code == 503 and got)
    state = {one.instance: one.state for one in services.status().instances}["catalog.0"]
    services.release("catalog")

    assert refused.json()["code"] == "unavailable"
    assert state == "held"
    assert httpx.get(products).status_code == 200


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_released_part_serves_from_then_on(services: ComposeRunner, products: str, kill: bool) -> None:
    services.hold("catalog", kill=kill)
    services.release("catalog")
    ended = time.monotonic() + GONE_WITHIN_S  # nothing that was asked of the one before is open by then
    answers: Counter[int] = Counter()
    while time.monotonic() < ended:
        answers[httpx.get(products).status_code] += 1
        time.sleep(0.05)

    assert set(answers) == {200}


def test_a_frozen_part_goes_on_where_it_was(services: ComposeRunner, products: str) -> None:
    services.pause("catalog")
    try:
        with pytest.raises(httpx.TimeoutException):
            httpx.get(products, timeout=1)
    finally:
        services.resume("catalog")

    until("it answers", lambda: httpx.get(products).status_code == 200)


def test_settings_change_and_go_back(services: ComposeRunner) -> None:
    services.configure("orders", {"CANCEL_WINDOW_S": "7"})
    changed = services.status().environment["orders"]
    services.configure("orders", {"CANCEL_WINDOW_S": None})

    assert changed == {"CANCEL_WINDOW_S": "7"}
    assert services.status().environment["orders"] == {}
    assert services.status().ready


def test_a_stack_is_bound_to_cores_and_freed_again(services: ComposeRunner) -> None:
    services.pin([0])
    pinned = services.status().cores
    services.pin(None)

    assert pinned == (0,)
    assert services.status().cores is None


def test_a_quota_is_real_and_can_be_lifted(services: ComposeRunner, products: str) -> None:
    def use_of_catalog() -> float:
        """Return how many cores the catalog uses while it is asked for two seconds."""
        before, began = cpu_s(services, "catalog"), time.monotonic()
        with httpx.Client() as client, ThreadPoolExecutor(4) as threads:
            while time.monotonic() < began + 2:
                list(threads.map(lambda _: client.get(products), range(20)))
        return (cpu_s(services, "catalog") - before) / (time.monotonic() - began)

    quotas = ContainerQuotas(services, 0.1)
    try:
        count = quotas.apply(["catalog"])
        limited = use_of_catalog()
        throttled = quotas.throttled()
    finally:
        quotas.lift()
    free = use_of_catalog()

    assert count == 1
    assert limited < 0.13
    assert throttled > 5
    assert free > 1.5 * limited


def test_the_rate_limit_is_switched_at_the_edge(services: ComposeRunner, products: str) -> None:
    nothing = f"{services.address}/nothing"  # what the edge answers itself comes fast enough, however busy the machine

    services.rate_limit(on=True)
    with httpx.Client() as client, ThreadPoolExecutor(16) as threads:
        flood = Counter(threads.map(lambda _: client.get(nothing).status_code, range(300)))
    services.rate_limit(on=False)

    assert flood[429] > 0
    assert httpx.get(products).status_code == 200


def test_fresh_data_sells_as_many_products_as_asked_for(runners: Runners) -> None:
    for name in ("monolith", "microservices"):
        runners[name].reset(products=7)
        listed = httpx.get(f"{runners[name].address}/products?limit=100").json()["items"]
        assert len(listed) == 7


def test_a_name_that_is_not_there_is_told(services: ComposeRunner) -> None:
    with pytest.raises(UnknownTarget, match="warehouse"):
        services.kill("warehouse")
    with pytest.raises(UnknownTarget, match=r"payments\.5"):
        services.pause("payments.5")
    with pytest.raises(DeployError, match="1 to 8"):
        services.scale("payments", 9)


def cpu_s(runner: ComposeRunner, part: str) -> float:
    """Return the CPU seconds that a part has used."""
    return next(one.cpu_s for one in runner.stats(memory=False) if one.part == part)


def restarts(runner: ComposeRunner, instance: str) -> int:
    """Return how often a replica was started again."""
    return next(one.restarts for one in runner.status().instances if one.instance == instance)
