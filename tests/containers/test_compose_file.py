"""docker-compose.yml says what deploy/model/topology.py says, and keeps every part in its place. No engine needed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.compose.site import SECRET_SETTINGS, STACKS, inside, secret_files, service_name
from deploy.local.launch import broker_configuration
from deploy.model.home import REPOSITORY
from deploy.model.parts import Part, Secrets
from deploy.model.topology import SERVICES
from deploy.stacks import VARIABLE, is_offered
from shared.platform.metrics import Metrics
from tests.containers import compose_file
from tests.containers.compose_file import Service, command_of, megabytes, secrets_of

SECRETS = Secrets(b"master")
PARTS = {
    service_name(name, part.name): (name, part) for name in STACKS for part in inside(SECRETS, name).parts
}  # by service
OBSERVE = {"prometheus", "grafana", "jaeger"}
NO_PARTS = {"outside-edge", "mailpit", "locust", "locust-worker", *OBSERVE}
SHOPS = ("monolith", "microservices")
# Settings that local processes get in other ways.
OWN_OF_COMPOSE = {"SECRETS_DIR", "SEED_PRODUCTS", "DRAIN_S", "TRACE_SAMPLING", "OTEL_EXPORTER_OTLP_ENDPOINT"}
KEYS = {f"{service}.jwk": "{}" for service in SERVICES} | {"service-public-keys.json": "{}", "master.key": "00"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file, as it is without any variable set."""
    return compose_file.read()


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    """Its services, by name."""
    parts: dict[str, Service] = compose["services"]
    return parts


# --- the same as the topology -------------------------------------------------------------------------------------


def test_the_parts_are_those_of_the_topology(services: dict[str, Service]) -> None:
    assert set(services) - NO_PARTS == set(PARTS)
    for name, (stack, _) in PARTS.items():
        assert services[name].get("profiles", []) == ([] if stack == "outside" else [stack])


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_the_command_of_the_topology(services: dict[str, Service], name: str) -> None:
    stack, part = PARTS[name]
    command = command_of(services[name])

    if part.kind == "envoy":
        assert command == ("--config-path", f"/etc/envoy/{stack}.json", *part.command[1:])
    elif part.kind == "nats":
        assert command == ()  # the image has its own
    else:
        assert command == part.command


@pytest.mark.parametrize("name", [name for name, (_, part) in PARTS.items() if part.kind == "app"])
def test_an_application_has_the_settings_of_the_topology(services: dict[str, Service], name: str) -> None:
    _, part = PARTS[name]
    settings = {key: str(value) for key, value in services[name]["environment"].items()}
    hidden = {target.upper() for target in secrets_of(services[name])}

    assert {key: value for key, value in part.environment.items() if key not in SECRET_SETTINGS} == {
        key: value for key, value in settings.items() if key not in OWN_OF_COMPOSE
    }
    assert hidden >= {key for key in part.environment if key in SECRET_SETTINGS}
    assert settings["SECRETS_DIR"] == "/run/secrets"


@pytest.mark.parametrize("name", [name for name, (_, part) in PARTS.items() if part.needs])
def test_a_part_waits_until_what_it_needs_is_healthy(services: dict[str, Service], name: str) -> None:
    stack, part = PARTS[name]

    assert services[name]["depends_on"] == {
        service_name(stack, need): {"condition": "service_healthy"} for need in part.needs
    }


@pytest.mark.parametrize("name", [name for name, (_, part) in PARTS.items() if part.kind == "postgres"])
def test_a_database_belongs_to_the_role_of_the_topology(services: dict[str, Service], name: str) -> None:
    assert services[name]["environment"]["OWNER"] == PARTS[name][1].database
    assert f"{name}:/var/lib/postgresql" in services[name]["volumes"]


def test_the_broker_is_configured_as_the_local_one() -> None:
    broker = PARTS["broker"][1]
    text = (REPOSITORY / "deploy/compose/broker/nats.conf").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines() if ": " in line and not line.startswith("#")]
    actual = dict(line.split(": ", 1) for line in lines)
    configuration: dict[str, Any] = dict(broker_configuration(broker, "/data", SECRETS))
    del configuration["authorization"]  # a secret: nats.conf includes it
    configuration |= {"host": "0.0.0.0", "http": f"0.0.0.0:{broker.port('monitor')}"}  # noqa: S104

    assert {key: json.loads(value) for key, value in actual.items()} == {
        key: value for key, value in configuration.items() if key != "jetstream"
    } | configuration["jetstream"]


# --- fair -----------------------------------------------------------------------------------------------------------


def test_both_builds_have_the_same_budget(services: dict[str, Service]) -> None:
    def budget(stack: str) -> tuple[float, int]:
        mine = [services[name] for name, (owner, _) in PARTS.items() if owner == stack]
        return round(sum(float(one["cpus"]) for one in mine), 3), sum(megabytes(one["mem_limit"]) for one in mine)

    assert budget("monolith") == budget("microservices") == (4.0, 1280)


@pytest.mark.parametrize("name", [name for name, (stack, _) in PARTS.items() if stack in SHOPS])
def test_every_limit_is_a_variable(name: str) -> None:
    variable = name.upper().replace("-", "_")
    service = compose_file.read({f"{variable}_CPUS": "0.1", f"{variable}_MEMORY": "64m"})["services"][name]

    assert (service["cpus"], service["mem_limit"]) == ("0.1", "64m")


# --- safe -----------------------------------------------------------------------------------------------------------


def test_every_container_is_held_tight(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert service["stop_grace_period"] == ("3s" if name.startswith("locust") else "15s"), name
        assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & set(service), name


def test_every_container_has_a_health_check(services: dict[str, Service]) -> None:
    without = [name for name, service in services.items() if "healthcheck" not in service]

    assert without == ["mailpit", "jaeger"]  # one's image has it, the other's has no program to ask with


def test_only_edges_have_a_port_and_only_on_this_machine(services: dict[str, Service]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert set(published) == {"monolith-edge", "microservices-edge", "outside-edge", "locust", *OBSERVE}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_a_database_can_be_reached_by_its_owner_only(services: dict[str, Service]) -> None:
    for name, (stack, part) in PARTS.items():
        if part.kind == "postgres":
            (network,) = services[name]["networks"]
            owner = service_name(stack, "web") if stack == "monolith" else part.database
            assert {other for other, one in services.items() if network in one["networks"]} == {name, owner}


def test_no_network_has_both_builds_behind_their_edges(services: dict[str, Service]) -> None:
    def networks(stack: str) -> set[str]:
        return {
            network
            for name, (owner, part) in PARTS.items()
            if owner == stack and part.kind != "envoy"
            for network in services[name]["networks"]
        }

    assert networks("monolith").isdisjoint(networks("microservices"))


def test_only_the_public_network_leads_anywhere(compose: dict[str, Any]) -> None:
    assert [name for name, network in compose["networks"].items() if not network.get("internal")] == ["public"]


def test_versions_are_pinned(services: dict[str, Service]) -> None:
    images = {service["image"] for service in services.values()}

    assert all(":" in image and not image.endswith(":latest") for image in images)
    for dockerfile in REPOSITORY.glob("*/**/Dockerfile"):
        if ".venv" not in dockerfile.parts:
            bases = [line.split()[1] for line in dockerfile.read_text("utf-8").splitlines() if line.startswith("FROM ")]
            ours = {"${BASE}"} if dockerfile.parent.name == "variants" else set()  # an image of this very version
            assert set(bases) <= {"python:3.13-slim-trixie", "nats:2.15", "envoyproxy/envoy:v1.40.0"} | ours, dockerfile


# --- secrets --------------------------------------------------------------------------------------------------------


def test_every_secret_is_a_file_that_is_written_for_the_local_example(compose: dict[str, Any]) -> None:
    written = secret_files(SECRETS, KEYS)

    assert set(compose["secrets"]) == set(written)
    for name, secret in compose["secrets"].items():
        assert secret == {"file": f".twinshop/compose/secrets/{name}"}


def test_a_service_sees_its_own_secrets_only(services: dict[str, Service]) -> None:
    others = [
        (name, source)
        for name, service in services.items()
        for source in secrets_of(service).values()
        if not source.startswith((f"{name}_", f"{name}.jwk", "service-public-keys.json"))
    ]

    assert others == []
    assert sum(len(secrets_of(service)) for service in services.values()) > 10


def test_no_password_is_in_the_file_or_in_an_environment(services: dict[str, Service]) -> None:
    for service in services.values():
        names = set(service.get("environment", ()))
        assert names.isdisjoint(SECRET_SETTINGS)
        assert not {name for name in names if "PASSWORD" in name and not name.endswith("_FILE")}


def test_what_a_secret_file_holds_is_the_setting_of_the_topology() -> None:
    written = secret_files(SECRETS, KEYS)

    def setting(part: Part, name: str) -> str:
        return part.environment[name]

    assert written["orders_database_url"] == setting(PARTS["orders"][1], "DATABASE_URL")
    assert "@orders-db:5432/orders" in written["orders_database_url"]
    assert "master.key" not in written


# --- what looks on ----------------------------------------------------------------------------------------------------


def test_what_looks_on_is_optional(services: dict[str, Service]) -> None:
    assert {name for name, one in services.items() if one.get("profiles") == ["observe"]} == OBSERVE


def test_every_application_is_asked_for_its_metrics(services: dict[str, Service]) -> None:
    config = yaml.safe_load((REPOSITORY / "deploy/compose/observe/prometheus.yml").read_text("utf-8"))
    lookups = {job["job_name"]: job["dns_sd_configs"][0] for job in config["scrape_configs"]}
    apps = {name: part for name, (stack, part) in PARTS.items() if stack in SHOPS and part.kind == "app"}

    assert set(lookups) == set(apps)
    for name, part in apps.items():
        assert (lookups[name]["names"], lookups[name]["port"]) == ([name], part.port("http"))
        assert set(services["prometheus"]["networks"]) & set(services[name]["networks"])


APPLICATIONS = {name: part for name, (stack, part) in PARTS.items() if stack in SHOPS and part.kind == "app"}


def test_tracing_is_off_until_it_is_asked_for(services: dict[str, Service]) -> None:
    for name in APPLICATIONS:
        assert services[name]["environment"]["TRACE_SAMPLING"] == ""
        assert not services[name]["image"].endswith("-variants:local")


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_that_is_traced_has_another_command_and_image_and_its_spans_arrive(name: str) -> None:
    services = compose_file.read({"TRACE_SAMPLING": "0.01"})["services"]
    traced = services[name]

    assert command_of(traced) == APPLICATIONS[name].command_with({"TRACE_SAMPLING": "0.01"})
    assert traced["image"] == f"twinshop/{name.removesuffix('-web')}-variants:local"
    assert traced["environment"]["TRACE_SAMPLING"] == "0.01"
    assert traced["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://jaeger:4318"
    assert set(services["jaeger"]["networks"]) & set(traced["networks"])


@pytest.mark.parametrize("dashboard", sorted((REPOSITORY / "deploy/compose/observe/grafana/dashboards").glob("*.json")))
def test_a_dashboard_asks_for_metrics_that_there_are(dashboard: Path) -> None:
    metrics = Metrics()
    metrics.watch_pool(lambda: 0, 1)
    metrics.watch_threads(1)
    metrics.watch_loop(lambda: 0)
    there = {family.name for family in metrics.registry.collect()}
    panels = json.loads(dashboard.read_text("utf-8"))["panels"]

    queries = {
        re.sub(r"_(total|bucket|count|sum)$", "", word)
        for panel in panels
        for target in panel["targets"]
        for word in re.findall(r"\b[a-z]+(?:_[a-z]+){1,}(?=[\[{)])", target["expr"])
    }
    assert queries
    assert queries <= there


def test_containers_hold_the_builds_and_no_arm_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "compose")

    assert [name for name in ("monolith", "microservices", "colocated") if is_offered(name)] == list(SHOPS)
