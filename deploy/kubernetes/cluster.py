"""The objects of one stack in a cluster, asked for and changed by `kubectl`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deploy.compose.site import service_name
from deploy.kubernetes.manifests import NAME, PART_OF, Object, as_list, kubectl
from deploy.model.errors import UnknownTarget
from deploy.model.parts import Part, Stack
from deploy.runner.interface import Usage

CONTEXT, NAMESPACE = "TWINSHOP_KUBE_CONTEXT", "TWINSHOP_KUBE_NAMESPACE"  # set by `twinshop --context --namespace`
HOPELESS = {"ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"}
READY_TIMEOUT = "120s"
KINDS = (
    "deployments,statefulsets,services,poddisruptionbudgets,horizontalpodautoscalers,networkpolicies,"
    "secrets,configmaps,persistentvolumeclaims"
)


@dataclass(frozen=True)
class Pod:
    """A replica. `state` is one of those of InstanceStatus."""

    name: str
    service: str
    replica: int
    state: str
    address: str
    restarts: int
    trouble: str = ""

    @property
    def is_hopeless(self) -> bool:
        """Whether no waiting helps."""
        return self.trouble in HOPELESS


class Cluster:
    """One stack in one namespace."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.namespace = os.environ.get(NAMESPACE) or "twinshop"
        context = os.environ.get(CONTEXT)
        self.options = (*(("--context", context) if context else ()), "--namespace", self.namespace)
        self._label = f"{PART_OF}={stack.name}"

    def ask(self, *arguments: str, stdin: str = "", timeout_s: float = 180.0) -> str:
        """Run kubectl for this namespace. Raises DeployError."""
        return kubectl(*self.options, *arguments, stdin=stdin, timeout_s=timeout_s)

    def apply(self, objects: Iterable[Object]) -> None:
        """Make objects be as they are here."""
        self.ask("apply", "--filename", "-", stdin=as_list(list(objects)))

    def workloads(self) -> dict[str, Object]:
        """Return the Deployments and StatefulSets that there are, by name."""
        return {one["metadata"]["name"]: one for one in self._get("deployments,statefulsets")}

    def pods(self) -> list[Pod]:
        """Return all Pods; the replicas of a part are numbered by age."""
        pods: list[Pod] = []
        counts: dict[str, int] = {}
        for one in sorted(self._get("pods"), key=lambda pod: (_is_ending(pod), pod["metadata"]["creationTimestamp"])):
            service = one["metadata"]["labels"][NAME]
            pods.append(_pod(one, service, counts.setdefault(service, 0)))
            counts[service] += 1
        return pods

    def targeted(self, target: str) -> list[Pod]:
        """Return the Pods that a name means, but those that are about to end. Raises UnknownTarget."""
        part, number = self._stack.target(target)
        mine = [one for one in self.pods() if one.service == self.service(part) and one.state != "stopping"]
        pods = [one for one in mine if number is None or one.replica == number]
        if not pods:
            raise UnknownTarget(f"{part.name} has {len(mine)} Pods, and none is called '{target}'.")
        return pods

    def service(self, part: Part) -> str:
        """Return the name under which others find a part."""
        return service_name(self._stack.name, part.name)

    def workload(self, part: Part) -> str:
        """Return what keeps a part's Pods there, as kubectl names it."""
        is_kept = part.kind in ("postgres", "nats") or self._stack.name == "outside"
        return f"{'statefulset' if is_kept else 'deployment'}/{self.service(part)}"

    def wait_rolled_out(self, part: Part) -> None:
        """Return when all Pods of a part are the newest, ready, and have been so for a while."""
        self.ask("rollout", "status", self.workload(part), f"--timeout={READY_TIMEOUT}")

    def execute(self, pod: Pod, *command: str) -> str:
        """Run a command in a Pod and return what it wrote. Raises DeployError."""
        return self.ask("exec", pod.name, "--container", "main", "--", *command)

    def usage(self) -> dict[str, Usage]:
        """Return what each Pod of the namespace has used since it started. Raises DeployError where we may not ask.

        The metrics API has rates only, and an experiment needs CPU seconds that only grow: so the summaries of the
        kubelets are read, which are its source.
        """
        usage = {}
        for node in json.loads(self.ask("get", "nodes", "--output", "json"))["items"]:
            path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
            for pod in json.loads(self.ask("get", "--raw", path))["pods"]:
                if pod["podRef"]["namespace"] == self.namespace:
                    cpu_s = pod.get("cpu", {}).get("usageCoreNanoSeconds", 0) / 1e9
                    memory = pod.get("memory", {}).get("workingSetBytes", 0)
                    processes = pod.get("process_stats", {}).get("process_count", 1)
                    usage[pod["podRef"]["name"]] = Usage(cpu_s, memory, "cgroup", processes)
        return usage

    def end(self) -> None:
        """Delete everything of the stack, its data too; the edge first, so that nobody is let in any more."""
        edges = [f"deployment/{self.service(part)}" for part in self._stack.parts if part.kind == "envoy"]
        if edges:
            self.ask("delete", "--ignore-not-found", "--wait", *edges)
        self.ask("delete", "--ignore-not-found", "--wait", KINDS, "--selector", self._label)

    def _get(self, kinds: str) -> list[Object]:
        text = self.ask("get", kinds, "--selector", self._label, "--output", "json")
        objects: list[Object] = json.loads(text)["items"]
        return objects


def _pod(one: Object, service: str, replica: int) -> Pod:
    status: dict[str, Any] = one.get("status", {})
    containers = status.get("containerStatuses", [])
    waiting = next((name["waiting"]["reason"] for each in containers if "waiting" in (name := each["state"])), "")
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions", ())}
    if _is_ending(one):
        state = "stopping"
    elif conditions.get("Ready") == "True":
        state = "ready"
    elif waiting == "CrashLoopBackOff":
        state = "backing off"
    else:
        state = "starting" if status.get("phase") == "Running" else "waiting"
    return Pod(
        name=one["metadata"]["name"],
        service=service,
        replica=replica,
        state=state,
        address=status.get("podIP", ""),
        restarts=sum(each["restartCount"] for each in containers),
        trouble=waiting if state != "ready" and waiting not in ("ContainerCreating", "PodInitializing") else "",
    )


def _is_ending(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]
