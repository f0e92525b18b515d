"""deploy/kubernetes says what deploy/model/topology.py says, as docker-compose.yml does, and keeps every Pod tight."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.compose.site import SECRET_SETTINGS, STACKS, inside, service_name
from deploy.kubernetes import manifests
from deploy.kubernetes.manifests import (
    COMPONENTS,
    FOLDER,
    NAME,
    OVERLAYS,
    PART_OF,
    WORKLOADS,
    Object,
    containers_of,
    images,
)
from deploy.model.home import Home
from deploy.model.parts import Secrets
from deploy.model.ports import PORTS
from tests.containers import compose_file
from tests.containers.compose_file import Service, megabytes
from tests.kubernetes.conftest import require_kubectl

SECRETS = Secrets(b"master")
PARTS = {service_name(name, part.name): (name, part) for name in STACKS for part in inside(SECRETS, name).parts}
SHOPS = ("monolith", "microservices")
APPS = [name for name, (stack, part) in PARTS.items() if part.kind == "app" and stack in SHOPS]
OWN_OF_CONTAINERS = {"SECRETS_DIR", "SEED_PRODUCTS", "DRAIN_S"}


@pytest.fixture(scope="module")
def workloads(everything: list[Object]) -> dict[str, Object]:
    """The Deployments and StatefulSets, by name."""
    return {one["metadata"]["name"]: one for one in everything if one["kind"] in WORKLOADS}


@pytest.fixture(scope="module")
def compose() -> dict[str, Service]:
    """The services of docker-compose.yml."""
    services: dict[str, Service] = compose_file.read()["services"]
    return services


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [one for one in objects if one["kind"] == kind]


def main_of(workload: Object) -> Object:
    (container,) = containers_of(workload)
    return container


def settings_of(workload: Object) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in main_of(workload).get("env", ())}


def labels_of(workload: Object) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


# --- the same as the topology -------------------------------------------------------------------------------------


def test_the_parts_are_those_of_the_topology(workloads: dict[str, Object]) -> None:
    stacks = {name: one["metadata"]["labels"][PART_OF] for name, one in workloads.items()}

    assert {name: stack for name, stack in stacks.items() if stack in STACKS} == {
        name: stack for name, (stack, _) in PARTS.items()
    }


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_the_command_and_the_ports_of_the_topology(workloads: dict[str, Object], name: str) -> None:
    stack, part = PARTS[name]
    container = main_of(workloads[name])
    command = tuple(container.get("command", container.get("args", ())))

    if part.kind == "envoy":
        assert command == ("--config-path", f"/etc/envoy/{stack}.json", *part.command[1:])
    else:
        assert command == (part.command if part.kind != "nats" else ())
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == part.ports


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_found_by_the_name_and_ports_that_others_know(everything: list[Object], name: str) -> None:
    _, part = PARTS[name]
    (service,) = [one for one in of_kind(everything, "Service") if one["metadata"]["name"] == name]

    assert service["spec"]["selector"] == {NAME: name}
    assert {port["name"]: port["port"] for port in service["spec"]["ports"]} == part.ports
    assert all(port["targetPort"] == port["name"] for port in service["spec"]["ports"])
    # The edge asks each Pod of an application itself, so it must see them all.
    headless = (service["spec"].get("clusterIP"), service["spec"].get("publishNotReadyAddresses")) == ("None", True)
    assert headless == (name not in PORTS["outside"] and part.kind != "envoy")


@pytest.mark.parametrize("name", [name for name, (_, part) in PARTS.items() if part.kind == "app"])
def test_an_application_has_the_settings_of_the_topology(workloads: dict[str, Object], name: str) -> None:
    _, part = PARTS[name]
    settings = settings_of(workloads[name])

    assert {key: value for key, value in settings.items() if key not in OWN_OF_CONTAINERS} == {
        key: value for key, value in part.environment.items() if key not in SECRET_SETTINGS
    }
    assert settings["SECRETS_DIR"] == "/run/secrets"


@pytest.mark.parametrize("name", [name for name, (_, part) in PARTS.items() if part.kind == "postgres"])
def test_a_database_belongs_to_the_role_of_the_topology_and_keeps_its_data(
    workloads: dict[str, Object], name: str
) -> None:
    workload = workloads[name]
    mounts = {mount["name"]: mount["mountPath"] for mount in main_of(workload)["volumeMounts"]}

    assert settings_of(workload)["OWNER"] == PARTS[name][1].database
    assert [claim["metadata"]["name"] for claim in workload["spec"]["volumeClaimTemplates"]] == ["data"]
    assert mounts["data"] == "/var/lib/postgresql"


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_the_image_and_the_limits_of_the_compose_file(
    workloads: dict[str, Object], compose: dict[str, Service], name: str
) -> None:
    stack, _ = PARTS[name]
    container, service = main_of(workloads[name]), compose[name]

    assert container["image"] == service["image"]
    if stack in SHOPS:
        assert container["resources"]["limits"] == {
            "cpu": f"{float(service['cpus']) * 1000:.0f}m",
            "memory": f"{megabytes(service['mem_limit'])}Mi",
        }


def test_every_part_that_has_secrets_gets_its_own_only(workloads: dict[str, Object], tmp_path: Any) -> None:
    written = {one["metadata"]["name"]: set(one["stringData"]) for one in manifests.secrets(Home(tmp_path))}

    for name, workload in workloads.items():
        volumes = [one["secret"] for one in workload["spec"]["template"]["spec"]["volumes"] if "secret" in one]
        assert [one["secretName"] for one in volumes] == ([name] if name in written else []), name
        for volume in volumes:
            assert {item["key"] for item in volume.get("items", ())} <= written[name]
    for name, (_, part) in PARTS.items():
        hidden = {setting.lower() for setting in SECRET_SETTINGS if setting in part.environment}
        assert hidden <= written.get(name, set())
        assert {value.rpartition("/")[2] for value in part.environment.values() if value.startswith("/run/")} <= (
            written.get(name, set())
        )


def test_no_secret_is_in_a_manifest(everything: list[Object], workloads: dict[str, Object]) -> None:
    assert of_kind(everything, "Secret") == []
    for workload in workloads.values():
        assert set(settings_of(workload)).isdisjoint(SECRET_SETTINGS)


def test_whoever_selects_selects_pods_that_there_are(everything: list[Object], workloads: dict[str, Object]) -> None:
    there = [labels_of(one) for one in workloads.values()]
    selectors = [one["spec"]["selector"] for one in of_kind(everything, "Service")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in of_kind(everything, "PodDisruptionBudget")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in workloads.values()]
    targets = [one["spec"]["scaleTargetRef"]["name"] for one in everything if "scaleTargetRef" in one.get("spec", ())]

    for selector in selectors:
        assert sum(selector.items() <= labels.items() for labels in there) == 1, selector
    assert sorted(targets) == ["monolith-web", "notifications", "payments"]
    assert set(targets) <= set(workloads)


# --- fair -----------------------------------------------------------------------------------------------------------


def test_in_a_measurement_both_builds_have_the_same_budget_and_no_part_more_than_it_asks_for() -> None:
    require_kubectl()
    measured = [one for one in manifests.render_with(("budgets",)) if one["kind"] in WORKLOADS]

    def budget(stack: str) -> tuple[int, int]:
        resources = [main_of(one)["resources"] for one in measured if one["metadata"]["labels"][PART_OF] == stack]
        assert all("requests" not in one for one in resources)  # which makes the limits the requests
        limits = [one["limits"] for one in resources]
        return (
            sum(int(one["cpu"].removesuffix("m")) for one in limits),
            sum(int(one["memory"].removesuffix("Mi")) for one in limits),
        )

    assert budget("monolith") == budget("microservices") == (4000, 1280)


# --- it stays up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", APPS)
def test_readiness_is_the_topologys_and_liveness_asks_nobody_else(workloads: dict[str, Object], name: str) -> None:
    container, probe = main_of(workloads[name]), PARTS[name][1].probe

    assert container["readinessProbe"]["httpGet"] == {"path": probe.path, "port": probe.port}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    drain_s = float(settings_of(workloads[name])["DRAIN_S"])
    patience_s = (container["livenessProbe"]["failureThreshold"] - 1) * container["livenessProbe"]["periodSeconds"]
    assert 1.0 < drain_s < workloads[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] < patience_s
    assert workloads[name]["spec"]["minReadySeconds"] > 5 + 1  # the cluster's DNS repeats itself; the edge asks it


@pytest.mark.parametrize("name", [*APPS, *(name for name, (_, part) in PARTS.items() if part.kind == "envoy")])
def test_what_can_be_replaced_is_replaced_one_at_a_time(
    everything: list[Object], workloads: dict[str, Object], name: str
) -> None:
    spec = workloads[name]["spec"]
    budgets = {one["metadata"]["name"]: one["spec"] for one in of_kind(everything, "PodDisruptionBudget")}

    assert "replicas" not in spec  # else each `apply` would undo what `scale` and the autoscaler did
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert budgets[name]["maxUnavailable"] == 1
    assert spec["template"]["spec"]["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_the_addresses_of_the_shops_on_this_machine_lead_to_their_services() -> None:
    require_kubectl()
    cluster = yaml.safe_load((FOLDER / "overlays/kind/cluster.yaml").read_text("utf-8"))
    mapped = {one["containerPort"]: one["hostPort"] for one in cluster["nodes"][0]["extraPortMappings"]}
    services = of_kind(manifests.render(FOLDER / "overlays/kind"), "Service")
    ports = {
        (one["metadata"]["name"], port["name"]): mapped[port["nodePort"]]
        for one in services
        for port in one["spec"]["ports"]
        if "nodePort" in port
    }

    assert ports == {
        **{(f"{shop}-edge", "http"): PORTS[shop]["edge"]["http"] for shop in SHOPS},
        **{(name, "http"): numbers["http"] for name, numbers in PORTS["outside"].items()},
    }


# --- safe -----------------------------------------------------------------------------------------------------------


def objections(workload: Object) -> list[str]:
    """Return what is wrong with a Deployment's or StatefulSet's Pods."""
    pod = workload["spec"]["template"]["spec"]
    security, violations = pod.get("securityContext", {}), []
    if not security.get("runAsNonRoot") or not security.get("runAsUser"):
        violations.append("may be root")
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        violations.append("no seccomp profile")
    if pod.get("automountServiceAccountToken") is not False:
        violations.append("is given a token of the cluster")
    if {"hostNetwork", "hostPID", "hostIPC"} & set(pod) or any("hostPath" in one for one in pod["volumes"]):
        violations.append("sees the node")
    for container in [*pod["containers"], *pod.get("initContainers", ())]:
        own = container.get("securityContext", {})
        tight = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        if own != tight:
            violations.append("is not held tight")
        if set(container.get("resources", {}).get("limits", ())) != {"cpu", "memory"}:
            violations.append("no limits")
        if not {"readinessProbe", "livenessProbe"} <= set(container):
            violations.append("no probes")
        _, colon, tag = container["image"].rpartition(":")
        if not colon or tag == "latest":
            violations.append("an image without a version")
    return violations


def test_every_pod_is_held_tight(workloads: dict[str, Object]) -> None:
    assert {name: violations for name, one in workloads.items() if (violations := objections(one))} == {}


def test_what_is_wrong_with_a_pod_is_noticed(workloads: dict[str, Object]) -> None:
    loose = {
        "spec": {
            "template": {
                "spec": {
                    "hostNetwork": True,
                    "volumes": [],
                    "containers": [{"image": "registry.example:5000/shop/catalog:latest"}],
                }
            }
        }
    }

    assert len(objections(loose)) == 8


def policies_of(everything: list[Object]) -> set[tuple[str, str, str]]:
    """Return who may speak to whom, and on which of its ports; `*` is anybody."""
    component = "app.kubernetes.io/component"
    allowed = set()
    for policy in of_kind(everything, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", ()):
            to = policy["spec"]["podSelector"]["matchLabels"][NAME]
            who = [one["podSelector"]["matchLabels"] for one in rule.get("from", ())]
            names = [labels.get(NAME) or f"any {labels[component]}" for labels in who] or ["*"]
            allowed |= {(name, to, port["port"]) for name in names for port in rule["ports"]}
    return allowed


def test_whoever_has_an_address_may_speak_to_it_and_nobody_else(everything: list[Object]) -> None:
    needed = set()
    hosts = {name: {number: port for port, number in part.ports.items()} for name, (_, part) in PARTS.items()}
    for name, (stack, part) in PARTS.items():
        addresses = [urlsplit(value) for value in part.environment.values() if "://" in value and value[0] != "{"]
        known = {(one.hostname, one.port) for one in addresses if one.hostname in hosts}
        if "SMTP_HOST" in part.environment:
            known.add((part.environment["SMTP_HOST"], int(part.environment["SMTP_PORT"])))
        needed |= {(name, host, hosts[host][port]) for host, port in known if host is not None and port is not None}
        if part.kind == "app" and stack in SHOPS:
            needed |= {(service_name(stack, "edge"), name, "http"), ("any observe", name, "http")}
    public = {(name, "http") for name in (*PORTS["outside"], *(f"{shop}-edge" for shop in SHOPS))}
    needed = {one for one in needed if one[1:] not in public} | {("*", *one) for one in public}

    assert {one for one in policies_of(everything) if one[1] in PARTS} == needed
    (nobody,) = [one for one in of_kind(everything, "NetworkPolicy") if one["metadata"]["name"] == "nobody"]
    assert (nobody["spec"]["podSelector"], nobody["spec"].get("ingress")) == ({}, None)


# --- it is what Kubernetes knows ------------------------------------------------------------------------------------

FOREIGN = {"ScaledObject"}  # of KEDA, which has schemas of its own


def complaints(objects: list[Object], known_texts: set[str]) -> list[str]:
    """Return what `kubernetes-validate --strict` finds wrong with objects that were not looked at before."""
    validate = pytest.importorskip(
        "kubernetes_validate", reason="NO kubernetes-validate, SO NO SCHEMA IS CHECKED: `make test-kubernetes` has it"
    )
    errors = []
    for one in objects:
        text = yaml.dump(one)
        if text in known_texts or one["kind"] in FOREIGN:
            continue
        known_texts.add(text)
        try:
            validate.validate(one, validate.latest_version(), strict=True)
        except validate.ValidationError as error:
            errors.append(f"{one['kind']} {one['metadata']['name']}: {error.message}")
    return errors


def test_a_misspelt_field_is_noticed() -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"selectors": {}}}

    assert len(complaints([wrong], set())) == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_valid(overlay: str) -> None:
    require_kubectl()

    assert complaints(manifests.render(FOLDER / "overlays" / overlay), set()) == []


@pytest.mark.long
def test_every_combination_of_components_is_valid_and_held_tight() -> None:
    require_kubectl()
    known_texts: set[str] = set()

    for number in range(2 ** len(COMPONENTS)):
        components = [name for index, name in enumerate(COMPONENTS) if number >> index & 1]
        objects = manifests.render_with(components)
        assert complaints(objects, known_texts) == [], components
        assert [one for one in objects if one["kind"] in WORKLOADS and objections(one)] == [], components


def test_a_traced_application_has_the_command_and_image_of_the_compose_file() -> None:
    require_kubectl()
    traced = {one["metadata"]["name"]: one for one in manifests.render_with(("observe",)) if one["kind"] in WORKLOADS}
    services = compose_file.read({"TRACE_SAMPLING": "0.01"})["services"]

    for name in APPS:
        container = main_of(traced[name])
        assert tuple(container["command"]) == compose_file.command_of(services[name])
        assert container["image"] == services[name]["image"]
        assert settings_of(traced[name])["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://jaeger:4318"
    for name in ("prometheus", "grafana", "jaeger"):
        assert main_of(traced[name])["image"] == services[name]["image"]


def test_the_images_for_the_cluster_are_those_that_make_images_builds(everything: list[Object]) -> None:
    cluster = yaml.safe_load((FOLDER / "overlays/cluster/kustomization.yaml").read_text("utf-8"))
    ours = {name.partition(":")[0] for name in images(everything) if name.startswith("twinshop/")}

    assert ours <= {one["name"] for one in cluster["images"]}
