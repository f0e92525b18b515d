"""Faults on real processes: each does what it says, and is healed however the block ends."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterator
from typing import Any

import psutil
import psycopg
import pytest

from deploy.envoy import faults as links
from deploy.faults import connections, during, full_disk, heal_everything, inject, proxy
from deploy.faults.injectors import INJECTORS
from deploy.faults.vocabulary import FAULTS, NoSuchFault, part_of, target_of
from deploy.local import process
from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.model.home import Home
from deploy.tests.asking import ask, eventually
from deploy.tests.stacks import HERE


@pytest.fixture
def edge(services: LocalRunner) -> int:
    """The port of the public listener."""
    return services.stack.part("edge").port("http")


@pytest.fixture
def inner(services: LocalRunner) -> int:
    """The port through which services call payments."""
    return services.stack.part("edge").port("payments")


@pytest.fixture
def chairs(services: LocalRunner) -> Iterator[psycopg.Connection[Any]]:
    """The database of payments with a table of two chairs."""
    database = services.stack.part("payments-db")
    password = services.site.secrets.of("database/payments")
    url = f"postgresql://payments:{password}@127.0.0.1:{database.port('sql')}/payments"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE chairs (id int)")
        connection.execute("INSERT INTO chairs VALUES (1), (2)")
        yield connection
        connection.execute("DROP TABLE chairs")


def state_of(services: LocalRunner, name: str) -> str:
    """The state of a replica."""
    return next(one.state for one in services.status().instances if one.instance == name)


@pytest.mark.parametrize(
    ("fault", "part", "instance", "state"),
    [
        ("kill", "payments", "payments.0", "held"),
        ("stop", "payments-db", "payments-db", "held"),
        ("pause", "orders", "orders.0", "paused"),
        ("broker-away", "", "broker", "held"),
    ],
)
def test_what_is_taken_away_comes_back(services: LocalRunner, fault: str, part: str, instance: str, state: str) -> None:
    with during(services, fault, part):
        state_during_fault = state_of(services, instance)

    assert state_during_fault == state
    eventually(lambda: state_of(services, instance) == "ready")


@pytest.mark.parametrize("end", [None, RuntimeError, KeyboardInterrupt])
def test_a_full_disk_lets_rows_be_read_and_deleted_until_it_is_healed_however_its_block_ends(
    services: LocalRunner, chairs: psycopg.Connection[Any], end: type[BaseException] | None
) -> None:
    with contextlib.suppress(RuntimeError, KeyboardInterrupt), during(services, "disk-full", "payments-db"):
        for statement in ("INSERT INTO chairs VALUES (3)", "UPDATE chairs SET id = id + 10"):
            with pytest.raises(psycopg.errors.DiskFull):
                chairs.execute(statement.encode())
        chairs.execute("UPDATE chairs SET id = 0 WHERE false")  # no row, no room needed
        chairs.execute("DELETE FROM chairs WHERE id = 2")
        during_it = chairs.execute("SELECT id FROM chairs").fetchall()
        if end is not None:
            raise end

    assert during_it == [(1,)]
    chairs.execute("INSERT INTO chairs VALUES (4)")
    assert chairs.execute(f"SELECT count(*) FROM pg_proc WHERE proname = '{full_disk.NAME}'").fetchone() == (0,)


def test_a_full_disk_of_one_database_is_nobody_elses(services: LocalRunner, chairs: psycopg.Connection[Any]) -> None:
    with during(services, "disk-full", "orders-db"):
        chairs.execute("INSERT INTO chairs VALUES (5)")

    with pytest.raises(NoSuchFault, match="payments-db"), during(services, "disk-full", "edge"):
        pass


def test_a_full_disk_is_healed_for_whoever_was_killed_before_he_could(
    services: LocalRunner, chairs: psycopg.Connection[Any]
) -> None:
    inject(services, "disk-full", "payments")  # a module has one database, whatever it is called

    healed = heal_everything(services)

    assert "payments-db has room again" in healed
    chairs.execute("INSERT INTO chairs VALUES (6)")


def test_a_read_only_database_takes_writes_again_once_it_is_healed(
    services: LocalRunner, chairs: psycopg.Connection[Any]
) -> None:
    with during(services, "read-only", "payments-db"):
        refused = read_only_error(chairs)
        during_it = chairs.execute("SELECT count(*) FROM chairs").fetchone()
    takes_writes_again(chairs)
    inject(services, "read-only", "payments")

    healed = heal_everything(services)

    assert (refused, during_it is not None) == (True, True)
    assert "payments-db takes writes again" in healed
    takes_writes_again(chairs)


def takes_writes_again(chairs: psycopg.Connection[Any]) -> None:
    """Wait for it: a session that is open reads the server's settings again in its own time."""

    def is_writable() -> bool:
        try:
            chairs.execute("INSERT INTO chairs VALUES (7)")
        except psycopg.errors.ReadOnlySqlTransaction:
            return False
        return True

    eventually(is_writable)


def read_only_error(chairs: psycopg.Connection[Any]) -> bool:
    """Write until it is refused, since the server reads its settings again in its own time."""

    def is_refused() -> bool:
        try:
            chairs.execute("INSERT INTO chairs VALUES (9)")
        except psycopg.errors.ReadOnlySqlTransaction:
            return True
        return False

    eventually(is_refused)
    return True


def sql_of_payments(services: LocalRunner) -> str:
    """The address of the database that payments is told to connect to."""
    settings = services.stack.part("payments").environment | services.status().environment.get("payments", {})
    return settings["DATABASE_URL"]


def proxies(services: LocalRunner) -> list[int]:
    """The proxies of this stack that run."""
    pids = []
    for one in process.descendants_of(services.proxy.folder):
        with contextlib.suppress(psutil.Error):  # it has just ended
            pids += [one.pid] if proxy.__file__ in one.cmdline() else []
    return pids


def test_connections_are_led_through_a_proxy_only_while_there_is_a_fault(services: LocalRunner) -> None:
    straight = sql_of_payments(services)

    with during(services, "tcp-limited", "payments:sql", {"bytes": 100_000, "first": 1}):
        address, running = sql_of_payments(services), proxies(services)
        answers = []
        for _ in "ab":
            with psycopg.connect(address) as connection, contextlib.suppress(psycopg.OperationalError):
                answers += connection.execute("SELECT repeat('x', 200000)").fetchall()

    assert connection != straight
    assert len(running) == 1
    assert len(answers) == 1  # the first was cut in the midst of it
    assert sql_of_payments(services) == straight
    assert not services.proxy.folder.joinpath(proxy.CONFIG).exists()
    eventually(lambda: not proxies(services))


def test_who_is_led_already_is_struck_and_healed_without_a_restart(services: LocalRunner) -> None:
    with connections.redirected(services, ["payments:sql", "payments:nats"]):
        restarts = [one.restarts for one in services.status().instances]
        with contextlib.closing(psycopg.connect(sql_of_payments(services), autocommit=True)) as connection:
            with during(services, "tcp-half-open", "payments:sql"):
                connection.pgconn.send_query(b"SELECT 1")
                connection.pgconn.flush()
                during_it, _, _ = select.select([connection.fileno()], [], [], 0.5)
            healed, _, _ = select.select([connection.fileno()], [], [], 60)

        assert (during_it, bool(healed)) == ([], True)
        assert [one.restarts for one in services.status().instances] == restarts
    eventually(lambda: not proxies(services))


def test_connections_go_straight_again_for_whoever_was_killed_before_he_could_heal(services: LocalRunner) -> None:
    straight = sql_of_payments(services)
    inject(services, "tcp-reset", "payments")

    healed = heal_everything(services)

    assert "payments:sql goes straight again" in healed
    assert sql_of_payments(services) == straight
    eventually(lambda: not proxies(services))


def test_connections_are_called_by_part_or_module_and_by_kind(
    services: LocalRunner, monolith: LocalRunner, home: Home
) -> None:
    def names(runner: LocalRunner, target: str) -> list[str]:
        return [one.name for one in connections.select(runner, target)]

    assert names(services, "payments") == ["payments:identity", "payments:provider", "payments:sql", "payments:nats"]
    assert names(services, "notifications:smtp") == ["notifications:smtp"]
    assert names(monolith, "catalog:sql") == names(monolith, "web:sql") == ["web:sql"]
    colocated = LocalRunner("colocated", home, topology=HERE)
    assert (names(colocated, "orders:sql"), names(colocated, "orders:identity")) == (["orders:sql"], ["app:identity"])
    with pytest.raises(NoSuchFault, match="orders:nats"):
        names(services, "orders:smtp")


@pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt])
def test_a_fault_is_healed_however_its_block_ends(services: LocalRunner, end: type[BaseException]) -> None:
    with pytest.raises(end), during(services, "kill", "payments"):
        raise end

    assert state_of(services, "payments.0") == "ready"


def test_healing_twice_is_healing_once(services: LocalRunner) -> None:
    injected = inject(services, "pause", "payments")

    injected.heal()
    first = injected.healed_at
    injected.heal()

    assert injected.healed_at == first
    assert state_of(services, "payments.0") == "ready"


def test_a_crashed_part_comes_back_without_being_healed(services: LocalRunner) -> None:
    before = next(one for one in services.status().instances if one.instance == "payments.0")

    inject(services, "crash", "payments")

    eventually(lambda: state_of(services, "payments.0") == "ready")
    eventually(lambda: next(o.pid for o in services.status().instances if o.instance == "payments.0") != before.pid)


def test_a_cut_strikes_one_way_only(services: LocalRunner, edge: int, inner: int) -> None:
    eventually(lambda: ask(edge, "GET", "/payments/1").status == 200)  # a part that was killed before is back

    with during(services, "cut", "payments"):
        between_services = ask(inner, "GET", "/internal/charges")
        from_a_customer = ask(edge, "GET", "/payments/1")
    afterwards = ask(inner, "GET", "/internal/charges")

    assert (between_services.status, between_services.body["code"]) == (503, "unavailable")
    assert from_a_customer.status == 200
    assert afterwards.status == 200


def test_a_delay_lasts_as_long_as_it_says(services: LocalRunner, edge: int) -> None:
    with during(services, "delay", "orders", {"ms": 300}):
        began = time.monotonic()
        slow = ask(edge, "GET", "/orders")
        took_s = time.monotonic() - began

    assert slow.status == 200
    assert 0.28 <= took_s < 3  # Envoy's timers count from the last turn of its loop, a few milliseconds ago


def test_a_clock_is_set_right_for_whoever_was_killed_before_he_could(services: LocalRunner) -> None:
    inject(services, "clock-off", "payments")

    healed = heal_everything(services)

    assert healed == ["payments knows the time"]
    assert "CLOCK_OFF_S" not in services.status().environment.get("payments", {})


def test_everything_is_healed_for_whoever_was_killed_before_he_could(services: LocalRunner, edge: int) -> None:
    inject(services, "pause", "payments")
    inject(services, "kill", "broker")
    inject(services, "cut", "orders")

    heal_everything(services)

    eventually(lambda: services.status().ready)
    assert ask(edge, "GET", "/orders").status == 200


def test_what_makes_no_sense_is_refused_before_anything_is_broken(services: LocalRunner) -> None:
    for name, part in [("earthquake", ""), ("kill", ""), ("kill", "nobody"), ("cut", "orders-db")]:
        with pytest.raises(DeployError):
            inject(services, name, part)
    with pytest.raises(NoSuchFault, match="ms"):
        inject(services, "delay", "orders", {"minutes": 1})

    assert services.status().ready


def test_a_module_is_found_wherever_it_runs(services: LocalRunner, monolith: LocalRunner) -> None:
    assert target_of(services.stack, "payments.0") == "payments.0"
    assert part_of(services.stack, "payments-db").name == "payments-db"
    assert target_of(monolith.stack, "payments") == "web"
    assert part_of(monolith.stack, "catalog-db").name == "db"


def test_every_fault_has_a_way() -> None:
    assert {fault.injector for fault in FAULTS.values()} == set(INJECTORS)
    assert links.healthy("services", "payments").keys() == links.cut("services", "payments").keys()
