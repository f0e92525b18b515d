"""Scaling, killing, holding, pausing, restarting, pinning: on a running stack, under load where it matters."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from deploy.envoy.clusters import ASK_EVERY_S, ASK_TIMEOUT_S, GONE_AFTER
from deploy.local import process
from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError, UnknownTarget
from deploy.runner.interface import InstanceStatus
from deploy.tests.asking import RequestLoop, ask, eventually


@pytest.fixture
def edge(services: LocalRunner) -> int:
    """The port of the public listener."""
    return services.stack.part("edge").port("http")


@pytest.fixture
def three_payments(services: LocalRunner) -> Iterator[LocalRunner]:
    """The stack with three replicas of payments."""
    services.scale("payments", 3)
    yield services
    services.scale("payments", 1)


def one(services: LocalRunner, name: str) -> InstanceStatus:
    """The status of a replica."""
    return next(instance for instance in services.status().instances if instance.instance == name)


def test_scaling_up_and_down_fails_no_request(services: LocalRunner, edge: int) -> None:
    with RequestLoop(edge, "/payments/1?sleep_ms=20") as load:
        time.sleep(0.3)
        services.scale("payments", 3)
        time.sleep(0.5)
        with_three = dict(load.replicas)
        services.scale("payments", 1)
        time.sleep(0.5)

    assert set(with_three) == {"0", "1", "2"}
    assert load.failures == {}
    assert [one.instance for one in services.status().instances if one.part == "payments"] == ["payments.0"]


def test_killing_one_replica_of_three_answers_nothing_but_unknown_outcomes(
    three_payments: LocalRunner, edge: int
) -> None:
    with RequestLoop(edge, "/payments/1?sleep_ms=5") as load:
        time.sleep(0.3)
        three_payments.kill("payments.1")
        eventually(lambda: one(three_payments, "payments.1").restarts == 1)
        eventually(lambda: one(three_payments, "payments.1").state == "ready")
        time.sleep(0.2)

    # A request that the killed replica had already read has no known outcome. Nothing else may fail.
    assert set(load.failures) <= {504}
    assert sum(load.failures.values()) <= load.threads


def test_rolling_restart_fails_no_request(three_payments: LocalRunner, edge: int) -> None:
    before = {one.pid for one in three_payments.status().instances if one.part == "payments"}

    with RequestLoop(edge, "/payments/1?sleep_ms=5") as load:
        time.sleep(0.2)
        three_payments.restart("payments")
        time.sleep(0.2)

    after = {one.pid for one in three_payments.status().instances if one.part == "payments"}
    assert load.failures == {}
    assert len(before | after) == 6


def test_killed_part_comes_back_by_itself(services: LocalRunner, edge: int) -> None:
    before = one(services, "orders.0")

    services.kill("orders")

    eventually(lambda: one(services, "orders.0").pid not in (before.pid, None), within_s=2)
    eventually(lambda: one(services, "orders.0").state == "ready", within_s=2)
    assert ask(edge, "GET", "/orders").status == 200


def test_held_part_stays_down_until_released(services: LocalRunner) -> None:
    services.hold("notifications", kill=True)
    time.sleep(0.6)  # longer than the first back-off

    assert one(services, "notifications.0").state == "held"
    assert one(services, "notifications.0").pid is None

    services.release("notifications")
    assert one(services, "notifications.0").state == "ready"


def test_paused_part_keeps_its_connections_and_answers_nothing(services: LocalRunner, edge: int) -> None:
    services.pause("catalog")
    try:
        assert ask(edge, "GET", "/products").status == 504
        assert one(services, "catalog.0").state == "paused"
    finally:
        services.resume("catalog")

    assert ask(edge, "GET", "/products").status == 200


def test_frozen_replica_is_sent_nothing_after_seconds_and_again_when_it_goes_on(
    services: LocalRunner, edge: int
) -> None:
    services.scale("catalog", 2)
    services.pause("catalog.0")
    try:
        time.sleep(GONE_AFTER * (ASK_EVERY_S + ASK_TIMEOUT_S))
        began = time.monotonic()
        statuses = {ask(edge, "GET", "/products").status for _ in range(20)}
        took_s = time.monotonic() - began
    finally:
        services.resume("catalog.0")
    thawed = one(services, "catalog.0").pid
    eventually(lambda: ask(edge, "GET", "/products").body["pid"] == thawed)
    services.scale("catalog", 1)

    assert statuses == {200}
    assert took_s < 2.0


def test_paused_database_is_frozen_as_a_whole(services: LocalRunner) -> None:
    leader = one(services, "orders-db").pid
    assert leader is not None
    states = lambda: {child.status() for child in process.tree(leader)}  # noqa: E731

    services.pause("orders-db")
    try:
        assert states() == {psutil.STATUS_STOPPED}
    finally:
        services.resume("orders-db")
    assert psutil.STATUS_STOPPED not in states()


def answers(edge: int) -> bool:
    """Whether orders are listed. An Envoy that is ready opens its listeners a moment later."""
    try:
        return ask(edge, "GET", "/orders").status == 200
    except ConnectionError:
        return False


@pytest.mark.parametrize("part", ["orders-db", "broker", "edge"])
def test_killed_infrastructure_comes_back(services: LocalRunner, edge: int, part: str) -> None:
    before = one(services, part).pid

    services.kill(part)

    eventually(lambda: one(services, part).state == "ready" and one(services, part).pid != before)
    assert eventually(lambda: answers(edge))


def test_postmaster_killed_alone_comes_back(services: LocalRunner) -> None:
    before = one(services, "catalog-db").pid
    assert before is not None

    os.kill(before, 9)  # its children are orphans now, and hold the shared memory

    eventually(lambda: one(services, "catalog-db").state == "ready" and one(services, "catalog-db").pid != before)
    eventually(lambda: connects(services.stack.part("catalog").environment["DATABASE_URL"]))


def connects(url: str) -> bool:
    """Whether a database answers: one that recovers from a crash refuses for a moment."""
    import psycopg  # noqa: PLC0415

    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_settings_of_a_part_can_be_changed(services: LocalRunner, edge: int) -> None:
    services.configure("orders", {"SETTING": "changed"})
    assert ask(edge, "GET", "/orders").body["setting"] == "changed"

    services.configure("orders", {"SETTING": None})
    assert ask(edge, "GET", "/orders").body["setting"] is None


def test_settings_without_a_restart_count_from_the_next_start_on(services: LocalRunner, edge: int) -> None:
    services.configure("orders", {"SETTING": "later"}, restart=False)
    assert ask(edge, "GET", "/orders").body["setting"] is None

    services.kill("orders")
    assert (
        eventually(lambda: (answer := ask(edge, "GET", "/orders")).status == 200 and answer).body["setting"] == "later"
    )

    services.configure("orders", {"SETTING": None})
    assert ask(edge, "GET", "/orders").body["setting"] is None


def test_stats_count_every_part(services: LocalRunner) -> None:
    eventually(lambda: all(part.memory_bytes > 2**20 for part in services.stats()))

    stats = {part.part: part for part in services.stats()}

    assert set(stats) == {part.name for part in services.stack.parts}
    assert stats["orders-db"].processes > 3
    assert services.stats(memory=False)[0].memory_bytes == 0


def test_cpu_of_backends_that_have_ended_is_counted(services: LocalRunner) -> None:
    import psycopg  # noqa: PLC0415

    url = services.stack.part("catalog").environment["DATABASE_URL"]
    cpu_s = lambda: next(part.cpu_s for part in services.stats(memory=False) if part.part == "catalog-db")  # noqa: E731
    before = cpu_s()

    with psycopg.connect(url) as connection:
        connection.execute("SELECT sum(i) FROM generate_series(1, 3000000) AS i")

    eventually(lambda: cpu_s() > before + 0.1, within_s=3)


@pytest.mark.skipif(not process.can_pin(), reason="this system has no core affinity")
def test_pinning_binds_every_thread_and_what_starts_later(services: LocalRunner) -> None:
    def cores_in_use() -> set[int]:
        leaders = [instance.pid for instance in services.status().instances if instance.pid]
        cores = set[int]()
        for child in [child for leader in leaders for child in process.tree(leader)]:
            with suppress(psutil.NoSuchProcess, ProcessLookupError):  # PostgreSQL's come and go
                cores |= {core for thread in child.threads() for core in os.sched_getaffinity(thread.id)}
        return cores

    core = min(os.sched_getaffinity(0))
    services.pin([core])
    try:
        services.restart("orders")
        assert cores_in_use() == {core}
        assert services.status().cores == (core,)
    finally:
        services.pin(None)
    assert cores_in_use() == os.sched_getaffinity(0)
    with pytest.raises(DeployError):
        services.pin([4096])


def test_unknown_targets_are_named(services: LocalRunner) -> None:
    with pytest.raises(UnknownTarget, match="no part 'shipping'"):
        services.kill("shipping")
    with pytest.raises(UnknownTarget, match=r"payments\.7"):
        services.kill("payments.7")
    with pytest.raises(UnknownTarget, match="cannot be scaled"):
        services.scale("orders-db", 2)
    with pytest.raises(DeployError, match="1 to 8"):
        services.scale("orders", 0)
