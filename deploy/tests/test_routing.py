"""Two versions of a part behind one route: started, shared out, told apart, and taken back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.runner import LocalRunner
from deploy.model import versions
from deploy.model.errors import DeployError, StartFailed, UnknownTarget
from deploy.model.parts import Secrets, Site
from deploy.model.topology import microservices
from deploy.model.versions import Version, code_from
from deploy.routing import Routing
from deploy.tests.asking import ask

STACK = microservices(Site(Secrets(b"master"), keys="/keys", data="/data"))


@pytest.fixture
def routing(services: LocalRunner) -> Iterator[Routing]:
    """The versions of catalog; only the first one is left afterwards."""
    steered = Routing(services, "catalog")
    yield steered
    steered.reset()


def who_answers(
    routing: Routing, count: int, port: str = "http", path: str = "/products", **headers: str
) -> Counter[str | None]:
    edge = routing.runner.stack.part("edge").port(port)
    return Counter(ask(edge, "GET", path, headers).body["setting"] for _ in range(count))


def test_versions_share_the_requests_and_are_told_apart(routing: Routing) -> None:
    routing.add("v2", {"SETTING": "new"})
    assert who_answers(routing, 5) == {None: 5}  # nothing is sent to it yet

    routing.set_weights({"v2": 40})
    counts = who_answers(routing, 100)
    inner = who_answers(routing, 60, "catalog", "/internal/reservations")
    first, new = routing.figures()

    assert 20 <= counts["new"] <= 60
    assert 8 <= inner["new"] <= 45
    assert (first.percent, new.percent) == (60, 40)
    assert first.requests + new.requests == 160
    assert new.requests == counts["new"] + inner["new"]
    assert new.p99_ms is not None


def test_a_customer_stays_with_a_version_where_that_is_asked(routing: Routing) -> None:
    routing.add("v2", {"SETTING": "new"})
    routing.set_weights({"v2": 50}, sticky=True)

    each = [who_answers(routing, 4, Authorization=f"Bearer {number}") for number in range(20)]

    assert routing.is_sticky
    assert {len(counts) for counts in each} == {1}
    assert {name for counts in each for name in counts} == {None, "new"}


def test_what_is_reset_leaves_no_process_and_no_share(routing: Routing) -> None:
    routing.add("v2", {"SETTING": "new"})
    routing.set_weights({"v2": 100})
    assert who_answers(routing, 3) == {"new": 3}

    routing.reset()

    assert who_answers(routing, 20) == {None: 20}
    assert routing.known == []
    assert "catalog-v2" not in {one.part for one in routing.runner.status().instances}


def test_a_version_that_does_not_start_is_gone_again(routing: Routing) -> None:
    with pytest.raises(StartFailed, match="told to refuse"):
        routing.add("v2", {"REFUSE": "yes"})

    assert routing.known == []


def test_a_version_that_is_watched_and_does_worse_is_taken_back(routing: Routing) -> None:
    routing.add("v2", {"SLEEP_MS": "60"})
    routing.set_weights({"v2": 30})

    stop = threading.Event()
    customers = [threading.Thread(target=lambda: _browse(routing, stop), daemon=True) for _ in range(3)]
    for customer in customers:
        customer.start()
    alarm = routing.watch("v2", 15, lambda _, new: (new.percentile_ms(50) or 0) > 50)
    stop.set()
    for customer in customers:
        customer.join()

    assert alarm
    assert routing.percent == {"v1": 100, "v2": 0}


def _browse(routing: Routing, stop: threading.Event) -> None:
    while not stop.is_set():
        who_answers(routing, 1)


def test_versions_are_named_and_placed_so_that_they_do_not_collide() -> None:
    one = versions.new(STACK, [], "catalog", "v2", {})
    other = versions.new(STACK, [one], "catalog", "v3", {})
    ports = [version.as_part(STACK).port("http") for version in (one, other)]

    assert len({*ports, *(port for part in STACK.parts for port in part.ports.values())}) == 2 + sum(
        len(part.ports) for part in STACK.parts
    )
    with pytest.raises(DeployError, match="2 versions"):
        versions.new(STACK, [one, other], "catalog", "v4", {})


@pytest.mark.parametrize("name", ["v1", "2", "v", "v2 ", "../v2"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(DeployError):
        versions.new(STACK, [], "catalog", name, {})


def test_a_database_has_no_versions() -> None:
    with pytest.raises(UnknownTarget, match="no versions"):
        versions.new(STACK, [], "catalog-db", "v2", {})


def test_a_version_is_its_part_on_another_port_with_settings_of_its_own() -> None:
    part = Version("catalog", "v2", {"SETTING": "new"}).as_part(STACK)

    assert part.environment == {**STACK.part("catalog").environment, "SETTING": "new"}
    assert part.command == STACK.part("catalog").command
    assert not part.scalable


def test_code_of_another_folder_comes_first(tmp_path: Path) -> None:
    assert code_from(tmp_path)["PYTHONPATH"].startswith(str(tmp_path))
    with pytest.raises(DeployError, match="no folder"):
        code_from(tmp_path / "nowhere")
