"""The parts as data: what the comparison needs to be fair, and what must not collide."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from deploy.envoy import bootstrap
from deploy.local.runner import LocalRunner
from deploy.model import topology
from deploy.model.errors import DeployError, UnknownTarget
from deploy.model.home import REPOSITORY, Home
from deploy.model.parts import Secrets, Site, Stack
from deploy.model.ports import EPHEMERAL, LARGEST_SHIFT, MAX_REPLICAS, PORTS, checked_shift
from deploy.runner import binaries

SITE = Site(Secrets(b"master"), keys="/keys", data="/data", shift=100)


@pytest.fixture
def stacks() -> dict[str, Stack]:
    """All stacks, at one site."""
    return {name: topology.stack(name, SITE) for name in topology.STACKS}


def test_no_two_replicas_share_a_port(stacks: dict[str, Stack]) -> None:
    every = Counter(
        port + replica
        for stack in stacks.values()
        for part in stack.parts
        for port in part.ports.values()
        for replica in range(MAX_REPLICAS if part.scalable else 1)
    )

    assert [port for port, count in every.items() if count > 1] == []


def test_the_largest_shift_keeps_every_port_of_every_replica_below_those_of_the_system() -> None:
    highest = max(port for parts in PORTS.values() for ports in parts.values() for port in ports.values())

    assert checked_shift(str(LARGEST_SHIFT)) == LARGEST_SHIFT
    assert highest + MAX_REPLICAS - 1 + LARGEST_SHIFT == EPHEMERAL - 1
    assert f"at most {LARGEST_SHIFT}," in (REPOSITORY / "docs" / "running.md").read_text("utf-8")


@pytest.mark.parametrize("shift", [str(LARGEST_SHIFT + 1), "60000", "-1", "many", "1.5"])
def test_a_shift_that_leads_out_of_the_range_is_refused_by_its_limit(
    shift: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWINSHOP_PORT_SHIFT", shift)

    with pytest.raises(DeployError, match=f"cannot be {shift}: a whole number from 0 to {LARGEST_SHIFT}"):
        LocalRunner("monolith", Home(tmp_path))


def test_a_shift_given_by_a_program_is_checked_too(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=f"from 0 to {LARGEST_SHIFT}"):
        LocalRunner("monolith", Home(tmp_path), LARGEST_SHIFT + 1)


def test_every_need_is_a_part(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        assert {need for part in stack.parts for need in part.needs} <= {part.name for part in stack.parts}


def test_database_pools_are_equal_in_sum(stacks: dict[str, Stack]) -> None:
    def pools(name: str) -> int:
        return sum(int(part.environment.get("DB_POOL_SIZE", 0)) for part in stacks[name].parts)

    assert pools("monolith") == pools("microservices")


def test_buffers_and_log_of_database_servers_are_equal_in_sum_and_all_else_but_connections_is_equal(
    stacks: dict[str, Stack],
) -> None:
    settings = {
        name: [
            dict(option.split("=") for option in part.command if "=" in option)
            for part in stacks[name].parts
            if part.kind == "postgres"
        ]
        for name in ("monolith", "microservices", "colocated")
    }

    for size in ("shared_buffers", "max_wal_size"):
        sums = {name: sum(int(one.pop(size).removesuffix("MB")) for one in of) for name, of in settings.items()}
        assert len(set(sums.values())) == 1, sums
    others = {tuple(one.items()) for of in settings.values() for one in of if one.pop("max_connections")}
    assert len(others) == 1


def test_each_service_has_a_database_and_a_secret_of_its_own(stacks: dict[str, Stack]) -> None:
    services = [part for part in stacks["microservices"].parts if part.kind == "app"]

    assert len({part.environment["DATABASE_URL"] for part in services}) == 4
    assert len({part.environment["NATS_URL"] for part in services}) == 4
    assert [part.name for part in services if "SERVICE_PRIVATE_KEY" in part.environment] == ["orders"]
    assert [part.name for part in services if "WEBHOOK_SECRET" in part.environment] == ["payments"]


def test_replicas_are_addressed_by_number(stacks: dict[str, Stack]) -> None:
    stack = stacks["microservices"]

    assert stack.target("payments.2") == (stack.part("payments"), 2)
    assert stack.target("microservices/payments") == (stack.part("payments"), None)
    for unknown in ("shipping", "payments.x", "orders-db.1"):
        with pytest.raises(UnknownTarget):
            stack.target(unknown)


def test_secrets_differ_by_purpose_and_installation() -> None:
    assert SITE.secrets.of("database/orders") != SITE.secrets.of("database/catalog")
    assert SITE.secrets.of("database/orders") != Secrets(b"another").of("database/orders")


def test_building_a_topology_has_no_side_effect(tmp_path: Path) -> None:
    nowhere = Site(Secrets(b"master"), keys=str(tmp_path / "keys"), data=str(tmp_path / "data"))

    for name in topology.STACKS:
        topology.stack(name, nowhere)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", topology.SHOPS)
def test_envoy_accepts_the_configuration(name: str, tmp_path: Path, stacks: dict[str, Stack]) -> None:
    path = bootstrap.write(stacks[name], stacks[name].part("edge"), tmp_path)

    checked = subprocess.run(
        [binaries.envoy(), "--mode", "validate", "--config-path", path], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
