"""Runs a stack in a cluster: the `Runner` that speaks to Kubernetes by `kubectl`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from deploy.compose.edge import serving_addresses, set_runtime
from deploy.compose.site import STACKS, inside
from deploy.kubernetes import manifests
from deploy.kubernetes.cluster import Cluster, Pod
from deploy.kubernetes.forwards import Forwards
from deploy.kubernetes.manifests import PART_OF, WORKLOADS, Object, containers_of
from deploy.model import keys
from deploy.model.errors import NotRunning, Unsupported
from deploy.model.home import Home
from deploy.model.parts import VARIANT, Part, Site, Stack, changed
from deploy.model.ports import checked_shift, port_shift
from deploy.model.topology import stack as stack_of
from deploy.runner.interface import NOTHING, InstanceStatus, PartStats, Runner, StackStatus, joined

COMPONENTS = "TWINSHOP_KUBE_COMPONENTS"  # names with commas between, such as budgets,network-policies
# Every process of a Pod but the one that holds its namespaces together, and the shell that does it.
SIGNAL_ALL = 'for pid in /proc/[0-9]*; do pid=${pid#/proc/}; [ $pid = 1 ] || [ $pid = $$ ] || kill -s "$1" $pid; done'


class KubernetesRunner(Runner):
    """One stack in a namespace. `stack` and `site` are as this machine sees them: everything is on 127.0.0.1."""

    def __init__(self, stack: str, home: Home | None = None, shift: int | None = None) -> None:
        self._home = home or Home.from_environment()
        key_store = keys.ensure(self._home.keys)
        self._shift = port_shift() if shift is None else checked_shift(shift)
        folder = self._home.root / "kubernetes"
        self._site = Site(key_store, keys=str(self._home.keys), data=str(folder), shift=self._shift)
        self._stack = stack_of(stack, self._site)
        self._cluster = Cluster(self._stack)
        self._forwards = Forwards(self._stack, self._cluster, folder)

    @property
    def inside(self) -> Stack:
        return inside(self._site.secrets, self._stack.name, self._shift)

    def begin(self, environment: Mapping[str, Mapping[str, str]] | None = None) -> bool:
        if self._stack.name not in STACKS:
            raise Unsupported(f"deploy/kubernetes has no {self._stack.name}; it has {', '.join(STACKS)}.")
        is_new = not self._cluster.workloads()
        if is_new:
            components = [name for name in os.environ.get(COMPONENTS, "").split(",") if name]
            self._cluster.apply(self._objects(components, environment or {}))
        self._forwards.begin()
        return is_new

    def _advance(self) -> StackStatus:
        return self.status()

    def _requests_arrive(self, status: StackStatus) -> bool:
        if (edge := self._edge()) is None:
            return True
        known = serving_addresses(edge)
        apps = {self._cluster.service(part): part.name for part in self._stack.parts if part.kind == "app"}
        pods = [one for one in self._cluster.pods() if one.service in apps]
        return all(one.address in known.get(apps[one.service], set()) for one in pods if one.state == "ready")

    def down(self) -> bool:
        ran = bool(self._cluster.workloads())
        self._forwards.end()
        if ran:
            self._cluster.end()
        return ran

    def scale(self, part: str, replicas: int) -> None:
        scaled = self._stack.scalable_part(part, replicas)
        self._cluster.ask("scale", self._cluster.workload(scaled), f"--replicas={replicas}")
        self._cluster.wait_rolled_out(scaled)

    def kill(self, target: str) -> None:
        for one in self._cluster.targeted(target):
            self._cluster.ask("delete", "pod", one.name, "--grace-period=0", "--force", "--wait=false")

    def hold(self, target: str, *, kill: bool = False) -> None:
        part = self._whole(target)
        replicas = self._cluster.workloads()[self._cluster.service(part)]["spec"].get("replicas", 1)
        workload, pods = self._cluster.workload(part), self._cluster.targeted(target)
        self._cluster.ask("annotate", "--overwrite", workload, f"twinshop/held={replicas}")
        self._cluster.ask("scale", workload, "--replicas=0")
        for one in pods:
            grace = ("--grace-period=0", "--force") if kill else ()
            self._cluster.ask("delete", "pod", one.name, "--ignore-not-found", *grace)

    def release(self, target: str) -> None:
        part = self._whole(target)
        annotations = self._cluster.workloads()[self._cluster.service(part)]["metadata"].get("annotations", {})
        workload = self._cluster.workload(part)
        self._cluster.ask("scale", workload, f"--replicas={annotations.get('twinshop/held', '1')}")
        self._cluster.ask("annotate", workload, "twinshop/held-")
        self._cluster.wait_rolled_out(part)

    def pause(self, target: str) -> None:
        self._signal(target, "STOP")

    def resume(self, target: str) -> None:
        self._signal(target, "CONT")

    def restart(self, target: str) -> None:
        part, replica = self._stack.target(target)
        if replica is None:
            self._cluster.ask("rollout", "restart", self._cluster.workload(part))
        else:
            for one in self._cluster.targeted(target):
                self._cluster.ask("delete", "pod", one.name)
        self._cluster.wait_rolled_out(part)

    def configure(self, part: str, environment: Mapping[str, str | None], *, restart: bool = True) -> None:
        if not restart:
            raise Unsupported("A Pod keeps the settings that it was made with until another takes its place.")
        target = self._stack.part(part)
        container = containers_of(self._cluster.workloads()[self._cluster.service(target)])[0]
        change = {"spec": {"template": {"spec": {"containers": [_changed(target, container, environment)]}}}}
        self._cluster.ask("patch", self._cluster.workload(target), "--patch", json.dumps(change))
        self._cluster.wait_rolled_out(target)

    def status(self) -> StackStatus:
        workloads = self._cluster.workloads()
        if not workloads:
            return StackStatus(self._stack.name, up=False)
        pods = self._cluster.pods()
        return StackStatus(
            self._stack.name,
            up=True,
            instances=tuple(
                one
                for part in self._stack.parts
                for one in _instances(part, workloads.get(self._cluster.service(part)), self._of(part, pods))
            ),
            port_shift=self._shift,
        )

    def stats(self, *, memory: bool = True) -> list[PartStats]:
        used = self._cluster.usage()
        pods = self._require_pods()
        return [
            sum((used.get(one.name, NOTHING) for one in mine), NOTHING).of_part(
                part.name, len(mine), sum(one.restarts for one in mine)
            )
            for part in self._stack.parts
            for mine in [self._of(part, pods)]
        ]

    def pin(self, cores: Sequence[int] | None) -> None:
        if cores is not None:
            raise Unsupported("In a cluster the budget of a build is its limits (component budgets), and no cores.")

    def logs(self, target: str, lines: int = 50) -> str:
        pods = self._cluster.targeted(target)
        return joined({one.name: self._cluster.ask("logs", one.name, f"--tail={lines}") for one in pods})

    def set_runtime(self, values: Mapping[str, str]) -> None:
        if (edge := self._edge()) is not None:
            set_runtime(edge, values)

    def _edge(self) -> Any:
        """Return what runs a command beside the stack's Envoy; None where there is none, or it is away."""
        edge = next((part for part in self._stack.parts if part.kind == "envoy"), None)
        ready = self._of(edge, self._require_pods(), "ready") if edge else []
        return partial(self._cluster.execute, ready[0]) if ready else None

    def _require_pods(self) -> list[Pod]:
        if not self._cluster.workloads():
            raise NotRunning(f"{self._stack.name} is not up: `twinshop --on kubernetes up {self._stack.name}`.")
        return self._cluster.pods()

    def _of(self, part: Part, pods: Sequence[Pod], state: str = "") -> list[Pod]:
        service = self._cluster.service(part)
        return [one for one in pods if one.service == service and (not state or one.state == state)]

    def _whole(self, target: str) -> Part:
        part, replica = self._stack.target(target)
        if replica is not None:
            raise Unsupported(f"A cluster replaces a Pod that is away: hold all of {part.name}, or `kill {target}`.")
        return part

    def _signal(self, target: str, name: str) -> None:
        for one in self._cluster.targeted(target):
            self._cluster.execute(one, "bash", "-c", SIGNAL_ALL, "signal", name)

    def _objects(self, components: Sequence[str], environment: Mapping[str, Mapping[str, str]]) -> list[Object]:
        """Return what the stack is made of. Failpoints work, addresses are shifted, then come the user's settings."""
        apps = {self._cluster.service(part): part for part in self.inside.parts if part.kind == "app"}
        of_all = environment.get("*", {}) if self._stack.merchant else {}
        objects = manifests.render_with(components, [self._stack.name])
        for one in objects:
            # What is of no stack, such as a policy for all, is there as long as the outside world.
            one["metadata"].setdefault("labels", {}).setdefault(PART_OF, "outside")
            part = apps.get(one["metadata"]["name"])
            if part is not None and one["kind"] in WORKLOADS:
                container = containers_of(one)[0]
                own = {entry["name"]: part.environment.get(entry["name"], entry["value"]) for entry in container["env"]}
                chosen_settings = {"TWINSHOP_MODE": "local", **of_all, **environment.get(part.name, {})}
                container |= _changed(part, container, own | chosen_settings)
        secrets = [
            one for one in manifests.secrets(self._home) if one["metadata"]["labels"][PART_OF] == self._stack.name
        ]
        return [*secrets, *objects]


def _changed(part: Part, container: Object, settings: Mapping[str, str | None]) -> Object:
    """Return what is to change of a container, as a strategic merge patch: settings, and what runs a variant."""
    patch: Object = {
        "name": "main",
        "env": [
            {"name": name, "$patch": "delete"} if value is None else {"name": name, "value": value}
            for name, value in settings.items()
            if name != VARIANT
        ],
    }
    if VARIANT in settings or "TRACE_SAMPLING" in settings:
        command = part.command_with(changed({}, settings))
        image, _, version = container["image"].rpartition(":")
        image = image.removesuffix("-variants") + ("-variants" if command != part.command else "")
        patch |= {"command": list(command), "image": f"{image}:{version}"}
    return patch


def _instances(part: Part, workload: Object | None, pods: Sequence[Pod]) -> list[InstanceStatus]:
    """Return a part's replicas: those that wait for a Pod, too, and one that is held where none shall be."""
    replicas = workload["spec"].get("replicas", 1) if workload else 1

    def of(replica: int, state: str, restarts: int = 0, trouble: str = "", fatal: bool = False) -> InstanceStatus:
        return InstanceStatus(part.instance(replica), part.name, state, None, part.ports, restarts, trouble, fatal)

    instances = [of(one.replica, one.state, one.restarts, one.trouble, one.is_hopeless) for one in pods]
    if replicas == 0:
        return instances or [of(0, "held")]
    return instances + [of(number, "waiting") for number in range(len(pods), replicas)]
