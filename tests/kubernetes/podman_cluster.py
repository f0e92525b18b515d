"""As much of a cluster as podman can show: a program in the place of `kubectl` that really runs the Pods it is given.

It does by itself what controllers and a kubelet do for our Pods: it makes as many as are asked for, replaces one that
is gone, rolls a new version out with one Pod more, asks the readiness probes, and runs the hook before a stop. What it
answers is composed as Kubernetes' schemas say, and a test holds it to them. What it has not: a scheduler, nodes,
Services with an address of their own (a Service's name is all Pods that it selects, see cluster_dns.py), network
policies, a metrics server. Volumes are folders, kept for a StatefulSet.

`PODMAN_CLUSTER` names the folder of its state; `python -m tests.kubernetes.podman_cluster ARGUMENTS OF kubectl`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Object = dict[str, Any]

PLACE = "PODMAN_CLUSTER"
NAME = "app.kubernetes.io/name"
KINDS = {
    "deployment": "Deployment", "statefulset": "StatefulSet", "service": "Service", "secret": "Secret",
    "configmap": "ConfigMap", "poddisruptionbudget": "PodDisruptionBudget", "networkpolicie": "NetworkPolicy",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler", "persistentvolumeclaim": "PersistentVolumeClaim",
}  # fmt: skip
# What podman does not know, or what is done here.
NOT_FOR_PODMAN = {
    "readinessProbe", "livenessProbe", "startupProbe", "lifecycle", "topologySpreadConstraints", "dnsConfig",
    "enableServiceLinks", "automountServiceAccountToken", "ports",
}  # fmt: skip
READY_WITHIN_S = 90.0


class Cluster:
    """The state in a folder, and the Pods that podman runs."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.network = f"kube-{hashlib.sha256(str(place).encode()).hexdigest()[:8]}"
        for folder in ("objects", "pods", "claims", "volumes"):
            (place / folder).mkdir(parents=True, exist_ok=True)

    # --- objects

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Change what is kept while nobody else does."""
        with (self.place / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def objects(self, kind: str) -> list[Object]:
        return [json.loads(path.read_text()) for path in sorted((self.place / "objects").glob(f"{kind}.*.json"))]

    def find(self, kind: str, name: str) -> Object:
        try:
            return json.loads((self.place / "objects" / f"{kind}.{name}.json").read_text())  # type: ignore[no-any-return]
        except FileNotFoundError:
            raise SystemExit(f"Error from server (NotFound): {kind} {name} not found") from None

    def keep(self, one: Object) -> None:
        path = self.place / "objects" / f"{one['kind']}.{one['metadata']['name']}.json"
        fresh = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        fresh.write_text(json.dumps(one))
        fresh.replace(path)

    # --- Pods

    def pods(self, workload: str = "") -> list[Object]:
        """Return the Pods as they are kept, without their state."""
        pods = []
        for path in sorted((self.place / "pods").glob("*.json")):
            with contextlib.suppress(FileNotFoundError):
                pods.append(json.loads(path.read_text()))
        return [one for one in pods if not workload or one["metadata"]["labels"][NAME] == workload]

    def live(self, workload: Object) -> list[Object]:
        mine = self.pods(workload["metadata"]["name"])
        return sorted(
            (one for one in mine if "deletionTimestamp" not in one["metadata"]),
            key=lambda one: str(one["metadata"]["creationTimestamp"]),
        )

    def start(self, workload: Object) -> Object:
        """Make one more Pod, and return it when podman has started it."""
        template = workload["spec"]["template"]
        name, number = workload["metadata"]["name"], len(self.live(workload))
        pod_name = f"{name}-{number if workload['kind'] == 'StatefulSet' else secrets.token_hex(3)}"
        pod: Object = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": pod_name,
                "labels": template["metadata"]["labels"],
                "annotations": {"template": _hash(template)},
                "creationTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
            "spec": template["spec"],
        }
        self._write(pod)
        running = json.loads(json.dumps(pod))
        spec = running["spec"]
        for part in (spec, *spec["containers"]):
            for key in NOT_FOR_PODMAN & set(part):
                del part[key]
        spec["securityContext"] = {
            key: value for key, value in spec["securityContext"].items() if key.startswith("runAs")
        }
        for container in spec["containers"]:
            container |= {"image": f"localhost/{container['image']}", "imagePullPolicy": "Never"}
            container["volumeMounts"].append({"name": "resolver", "mountPath": "/etc/resolv.conf", "readOnly": True})
        claims = [one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates", ())]
        spec["volumes"] = [
            {"name": "resolver", "hostPath": {"path": str(self.place / "resolv.conf"), "type": "File"}},
            *(self._volume(pod, one) for one in spec["volumes"]),
            *({"name": one, "hostPath": {"path": str(self._folder(pod, self.place / "claims" / f"{one}-{pod_name}"))}}
              for one in claims),
        ]  # fmt: skip
        path = self.place / "pods" / f"{pod_name}.yaml"
        path.write_text(json.dumps(running))
        podman("play", "kube", "--network", self.network, str(path))
        infra = json.loads(podman("pod", "inspect", pod_name))["InfraContainerID"]
        networks = json.loads(podman("inspect", infra))[0]["NetworkSettings"]["Networks"]
        pod["address"] = networks[self.network]["IPAddress"]
        self._write(pod)
        return pod

    def stop(self, pod: Object, grace_s: int | None = None) -> None:
        """End a Pod as a kubelet does: the hook, SIGTERM, the time it is given, SIGKILL."""
        pod["metadata"]["deletionTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._write(pod)
        name, spec = pod["metadata"]["name"], pod["spec"]
        grace_s = spec.get("terminationGracePeriodSeconds", 30) if grace_s is None else grace_s
        hook = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("exec")
        if hook and grace_s:
            with contextlib.suppress(subprocess.CalledProcessError):
                podman("exec", f"{name}-main", *hook["command"])
        with contextlib.suppress(subprocess.CalledProcessError):
            podman("stop", "--time", str(grace_s), f"{name}-main")  # a pod that is stopped loses its namespaces first
        podman("pod", "rm", "--force", "--time", "0", "--ignore", name)
        (self.place / "pods" / f"{name}.json").unlink(missing_ok=True)
        shutil.rmtree(self.place / "volumes" / name, ignore_errors=True)

    def is_ready(self, pod: Object) -> bool:
        """Ask the readiness probe."""
        (container,) = pod["spec"]["containers"]
        probe, address = container["readinessProbe"], pod.get("address", "")
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        try:
            if not address:
                return False
            if "httpGet" in probe:
                target = probe["httpGet"]
                headers = {one["name"]: one["value"] for one in target.get("httpHeaders", ())}
                request = urllib.request.Request(
                    f"http://{address}:{ports[target['port']]}{target['path']}", headers=headers
                )
                with urllib.request.urlopen(request, timeout=probe.get("timeoutSeconds", 1)):  # noqa: S310
                    return True
            if "tcpSocket" in probe:
                with socket.create_connection((address, ports[probe["tcpSocket"]["port"]]), 1):
                    return True
            podman("exec", f"{pod['metadata']['name']}-main", *probe["exec"]["command"])
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def look(self, pod: Object) -> Object:
        """Return a Pod as the API server would describe it."""
        name = pod["metadata"]["name"]
        containers = json.loads(podman("inspect", f"{name}-main", check=False) or "[]")
        state = containers[0]["State"] if containers else {"Status": "created"}
        is_running = state["Status"] == "running"
        ready = is_running and "deletionTimestamp" not in pod["metadata"] and self.is_ready(pod)
        described = {key: value for key, value in pod.items() if key != "address"}
        described["metadata"] = pod["metadata"] | {"creationTimestamp": pod["metadata"]["creationTimestamp"]}
        container = pod["spec"]["containers"][0]
        return described | {
            "status": {
                "phase": "Running" if is_running else "Pending",
                **({"podIP": pod["address"]} if "address" in pod else {}),
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "containerStatuses": [
                    {
                        "name": "main", "image": container["image"], "imageID": "", "ready": ready,
                        "restartCount": containers[0]["RestartCount"] if containers else 0,
                        "state": {"running": {}} if is_running else {"waiting": {"reason": "ContainerCreating"}},
                    }
                ],
            }
        }  # fmt: skip

    # --- what controllers do

    def reconcile(self, workload: Object) -> None:
        """Bring a workload to as many Pods as it shall have; newer ones go first."""
        live, replicas = self.live(workload), workload["spec"].get("replicas", 1)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: self.start(workload), range(replicas - len(live))))
            list(pool.map(self.stop, live[replicas:]))

    def roll_out(self, workload: Object) -> None:
        """Replace what is of an older version one by one, and wait until all are ready. Raises SystemExit."""
        template = _hash(workload["spec"]["template"])
        for old in self.live(workload):
            if old["metadata"]["annotations"]["template"] == template:
                continue
            if workload["kind"] == "StatefulSet":
                self.stop(old)
                self._wait_ready(self.start(workload))
            else:
                self._wait_ready(self.start(workload))
                time.sleep(workload["spec"].get("minReadySeconds", 0))
                self.stop(old)
        for pod in self.live(workload):
            self._wait_ready(pod)

    def delete_pod(self, name: str, grace_s: int | None) -> None:
        """A Deployment's Pod is replaced while it goes, a StatefulSet's when it is gone."""
        (pod,) = [one for one in self.pods() if one["metadata"]["name"] == name]
        workload = next(
            one
            for kind in ("Deployment", "StatefulSet")
            for one in self.objects(kind)
            if one["metadata"]["name"] == pod["metadata"]["labels"][NAME]
        )
        pod["metadata"]["deletionTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._write(pod)
        with ThreadPoolExecutor(1) as pool:
            going = pool.submit(self.stop, pod, grace_s)
            if workload["kind"] == "StatefulSet":
                going.result()
            self.reconcile(workload)

    def _wait_ready(self, pod: Object) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self.is_ready(pod):
            if time.monotonic() > deadline:
                raise SystemExit(f"error: timed out waiting for {pod['metadata']['name']}")
            time.sleep(0.2)

    def addresses(self, service: str) -> list[str] | None:
        """Return the addresses that a Service's name has; None if there is no such Service."""
        spec = next((one["spec"] for one in self.objects("Service") if one["metadata"]["name"] == service), None)
        if spec is None:
            return None
        pods = [one for one in self.pods() if spec["selector"].items() <= one["metadata"]["labels"].items()]
        listed_pods = [
            one for one in pods if spec.get("publishNotReadyAddresses") or "deletionTimestamp" not in one["metadata"]
        ]
        return [one["address"] for one in listed_pods if "address" in one]

    def prepare(self) -> None:
        """Have a network for the Pods, and a resolver for it."""
        if subprocess.run(["podman", "network", "exists", self.network], check=False).returncode == 0:
            return
        podman("network", "create", "--disable-dns", self.network)
        gateway = json.loads(podman("network", "inspect", self.network))[0]["subnets"][0]["gateway"]
        (self.place / "resolv.conf").write_text(f"nameserver {gateway}\noptions timeout:1 attempts:2\n")
        with (self.place / "dns.log").open("ab") as log:
            command = [sys.executable, "-m", "tests.kubernetes.cluster_dns", gateway]
            resolver = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (self.place / "dns.pid").write_text(str(resolver.pid))

    def close(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.place / "dns.pid").read_text()), 15)
        podman("network", "rm", "--force", self.network, check=False)

    def _volume(self, pod: Object, volume: Object) -> Object:
        folder = self.place / "volumes" / pod["metadata"]["name"] / volume["name"]
        if "secret" in volume:
            secret = volume["secret"]
            files = self.find("Secret", secret["secretName"])["stringData"]
            paths = {item["key"]: item["path"] for item in secret.get("items", ())} or {one: one for one in files}
            files = {path: files[key] for key, path in paths.items()}
        elif "configMap" in volume:
            files = self.find("ConfigMap", volume["configMap"]["name"])["data"]
        else:
            files = {}
        self._folder(pod, folder)
        for name, text in files.items():
            (folder / name).write_text(text)
            (folder / name).chmod(volume.get("configMap", {}).get("defaultMode", 0o444))
        return {"name": volume["name"], "hostPath": {"path": str(folder)}}

    def _folder(self, pod: Object, folder: Path) -> Path:
        """Return a folder that the Pod's user may write to."""
        folder.mkdir(parents=True, exist_ok=True)
        user = pod["spec"]["securityContext"]["runAsUser"]
        os.chown(folder, user, user)
        return folder

    def _write(self, pod: Object) -> None:
        path = self.place / "pods" / f"{pod['metadata']['name']}.json"
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        fresh.write_text(json.dumps(pod))
        fresh.replace(path)


def here() -> Cluster:
    """Return the cluster that the environment names."""
    return Cluster(Path(os.environ[PLACE]))


def podman(*arguments: str, check: bool = True) -> str:
    """Run podman and return what it wrote."""
    process = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    if check and process.returncode != 0:
        sys.stderr.write(f"podman {' '.join(arguments[:4])}: {process.stderr[-800:]}\n")
        process.check_returncode()
    return process.stdout


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


# --- the commands


def apply(cluster: Cluster) -> None:
    cluster.prepare()
    objects = json.load(sys.stdin)["items"]
    for one in objects:
        cluster.keep(one)
    workloads = [one for one in objects if one["kind"] in ("Deployment", "StatefulSet")]
    for kind in ("StatefulSet", "Deployment"):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(cluster.reconcile, [one for one in workloads if one["kind"] == kind]))


def get(cluster: Cluster, kinds: str, selector: str) -> None:
    key, _, value = selector.partition("=")

    def is_meant(one: Object) -> bool:
        return not selector or one["metadata"].get("labels", {}).get(key) == value

    items: list[Object] = []
    for kind in kinds.split(","):
        if kind == "pods":
            with ThreadPoolExecutor(8) as pool:
                items += pool.map(cluster.look, filter(is_meant, cluster.pods()))
        elif kind == "nodes":
            items.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "podman"}})
        else:
            items += filter(is_meant, cluster.objects(KINDS[kind.removesuffix("s")]))
    json.dump({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}, sys.stdout)


def summary(cluster: Cluster) -> None:
    """Write what a kubelet says of its Pods, from their control groups (version 1)."""
    pods = []
    for pod in cluster.pods():
        name = pod["metadata"]["name"]
        containers = json.loads(podman("inspect", f"{name}-main", check=False) or "[]")
        if not containers:
            continue
        group = containers[0]["State"]["CgroupPath"].lstrip("/")
        cpu = int((Path("/sys/fs/cgroup/cpuacct") / group / "cpuacct.usage").read_text())
        memory = int((Path("/sys/fs/cgroup/memory") / group / "memory.usage_in_bytes").read_text())
        pods.append(
            {
                "podRef": {"name": name, "namespace": os.environ.get("TWINSHOP_KUBE_NAMESPACE") or "twinshop"},
                "cpu": {"usageCoreNanoSeconds": cpu},
                "memory": {"workingSetBytes": memory},
            }
        )
    json.dump({"node": {"nodeName": "podman"}, "pods": pods}, sys.stdout)


def delete(cluster: Cluster, names: list[str], selector: str) -> None:
    key, _, value = selector.partition("=")
    pairs = [one.split("/") for one in names if "/" in one]
    kinds = [KINDS[kind.removesuffix("s")] for one in names if "/" not in one for kind in one.split(",")]
    objects = [cluster.find(KINDS[kind], name) for kind, name in pairs]
    objects += [
        one for kind in kinds for one in cluster.objects(kind) if one["metadata"].get("labels", {}).get(key) == value
    ]
    for kind in ("Deployment", "StatefulSet"):
        mine = [one for one in objects if one["kind"] == kind]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(cluster.stop, [pod for one in mine for pod in cluster.pods(one["metadata"]["name"])]))
        for one in mine:
            for folder in (cluster.place / "claims").glob(f"*-{one['metadata']['name']}-[0-9]"):
                shutil.rmtree(folder)
    for one in objects:
        (cluster.place / "objects" / f"{one['kind']}.{one['metadata']['name']}.json").unlink(missing_ok=True)


def patch(cluster: Cluster, workload: Object, change: Object) -> None:
    """A strategic merge, as far as settings, command and image of the one container go."""
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    (changed,) = change["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry for entry in container["env"]}
    for entry in changed.pop("env", ()):
        if entry.get("$patch") == "delete":
            env.pop(entry["name"], None)
        else:
            env[entry["name"]] = entry
    container |= {**changed, "env": list(env.values())}
    cluster.keep(workload)


async def forward(cluster: Cluster, service: str, ports: list[str]) -> None:
    """Lead each port to a Pod of the service that is there now."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int) -> None:
        pods = [one for one in cluster.pods(service) if "address" in one]
        pods.sort(key=lambda one: ("deletionTimestamp" in one["metadata"], one["metadata"]["creationTimestamp"]))
        with contextlib.suppress(OSError, IndexError):
            up, down = await asyncio.wait_for(asyncio.open_connection(pods[0]["address"], to), 5)
            await asyncio.gather(_pump(reader, down), _pump(up, writer))
        writer.close()

    servers = []
    for pair in ports:
        here, _, there = pair.partition(":")
        to = int(there)
        servers.append(await asyncio.start_server(lambda r, w, to=to: lead(r, w, to), "127.0.0.1", int(here)))
    await asyncio.Event().wait()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def main(arguments: list[str]) -> None:
    cluster = here()
    command, _, rest = " ".join(arguments).partition(" -- ")
    words = command.split(" ") if rest or "--patch" not in arguments else arguments
    options: dict[str, str] = {}
    plain: list[str] = []
    while words:
        word = words.pop(0)
        if (
            word in ("--namespace", "--context", "--selector", "--output", "--filename", "--patch", "--container")
            or word == "--raw"
        ):
            options[word] = words.pop(0)
        elif word.startswith("--"):
            name, _, value = word.partition("=")
            options[name] = value
        else:
            plain.append(word)
    verb, *plain = plain
    if verb == "kustomize":
        os.execv(os.environ["REAL_KUBECTL"], ["kubectl", *arguments])  # noqa: S606
    if verb == "apply":
        apply(cluster)
    elif verb == "get" and "--raw" in options:
        summary(cluster)
    elif verb == "get":
        get(cluster, plain[0], options.get("--selector", ""))
    elif verb == "exec":
        after = arguments[arguments.index("--") + 1 :]
        process = subprocess.run(["podman", "exec", f"{plain[0]}-main", *after], check=False)
        raise SystemExit(process.returncode)
    elif verb == "logs":
        subprocess.run(
            ["podman", "logs", "--tail", options["--tail"], f"{plain[0]}-main"], stderr=subprocess.STDOUT, check=True
        )
    elif verb == "port-forward":
        asyncio.run(forward(cluster, plain[0].partition("/")[2], plain[1:]))
    elif verb == "delete" and plain[0] == "pod":
        if any(one["metadata"]["name"] == plain[1] for one in cluster.pods()):
            cluster.delete_pod(plain[1], 0 if "--force" in options else None)
        elif "--ignore-not-found" not in options:
            raise SystemExit(f"Error from server (NotFound): pods {plain[1]} not found")
    elif verb == "delete":
        delete(cluster, plain, options.get("--selector", ""))
    else:
        target = plain[0] if verb in ("scale", "annotate", "patch") else plain[1]
        kind, _, name = target.partition("/")
        workload = cluster.find(KINDS[kind], name)
        if verb == "scale":
            workload["spec"]["replicas"] = int(options["--replicas"])
            cluster.keep(workload)
            cluster.reconcile(workload)
        elif verb == "annotate":
            annotations = workload["metadata"].setdefault("annotations", {})
            key, equals, value = plain[1].partition("=")
            if equals:
                annotations[key] = value
            else:
                annotations.pop(key.removesuffix("-"), None)
            cluster.keep(workload)
        elif verb == "patch":
            patch(cluster, workload, json.loads(options["--patch"]))
        elif plain[0] == "restart":
            workload["spec"]["template"]["metadata"].setdefault("annotations", {})["restartedAt"] = secrets.token_hex(4)
            cluster.keep(workload)
        else:
            cluster.roll_out(workload)


if __name__ == "__main__":
    main(sys.argv[1:])
