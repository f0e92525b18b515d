"""What a cluster is given: the rendered YAML, the Secrets that are in no file, and the images that it needs.

`python -m deploy.kubernetes.manifests secrets | images`
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from deploy.compose.site import STACKS, inside, secrets_of, service_name
from deploy.model import keys
from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY, Home
from deploy.runner.program import output_of

FOLDER = REPOSITORY / "deploy/kubernetes"
COMPONENTS = ("budgets", "hpa", "keda", "load", "network-policies", "observe")
OVERLAYS = ("kind", "cluster")
PART_OF = "app.kubernetes.io/part-of"
NAME = "app.kubernetes.io/name"
WORKLOADS = ("Deployment", "StatefulSet")
KUBECTL_TIMEOUT_S = 120.0

Object = dict[str, Any]


def kubectl(*arguments: str, stdin: str = "", timeout_s: float = KUBECTL_TIMEOUT_S) -> str:
    """Run `kubectl` and return what it wrote; `stdin` is what it reads. Raises DeployError, or MissingProgram."""
    hint = "install it; it brings kustomize along."
    return output_of(["kubectl", *arguments], timeout_s, stdin=stdin, missing=hint)


def render(folder: Path) -> list[Object]:
    """Return the objects of a kustomization. Raises DeployError."""
    return [one for one in yaml.load_all(kubectl("kustomize", str(folder)), yaml.CSafeLoader) if one]


def render_with(components: Iterable[str] = (), stacks: Iterable[str] = STACKS) -> list[Object]:
    """Return the objects of these stacks with these components, in no namespace. Raises DeployError."""
    with tempfile.TemporaryDirectory(prefix="twinshop-kustomize-") as place:
        path = Path(place).resolve()
        (path / "kustomization.yaml").write_text(json.dumps(kustomization(path, components, stacks)), "utf-8")
        return render(path)


def kustomization(place: Path, components: Iterable[str], stacks: Iterable[str]) -> Object:
    """Return what a kustomization.yaml in the folder `place` says to be these stacks with these components."""
    ours = os.path.relpath(FOLDER, place)
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{ours}/base/{name}" for name in stacks],
        "components": [f"{ours}/components/{name}" for name in components],
    }


def secrets(home: Home) -> list[Object]:
    """Return a Secret for each part that has any, with the files that it finds in /run/secrets. Raises FolderTrouble.

    They are this installation's, the same as local processes and containers have.
    """
    master = keys.ensure(home.keys)
    objects = []
    for stack in STACKS:
        for part in inside(master, stack).parts:
            files = dict(secrets_of(master, part))
            for setting in ("SERVICE_PRIVATE_KEY", "SERVICE_PUBLIC_KEYS"):
                if setting in part.environment:
                    file = home.keys / Path(part.environment[setting]).name
                    files[file.name] = file.read_text("utf-8")
            name = service_name(stack, part.name)
            if files:
                labels = {PART_OF: stack, NAME: name}
                objects.append(
                    {
                        "apiVersion": "v1",
                        "kind": "Secret",
                        "metadata": {"name": name, "labels": labels},
                        "stringData": files,
                    }
                )
    return objects


def as_list(objects: list[Object]) -> str:
    """Return objects as `kubectl apply -f -` reads them."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=1)


def containers_of(workload: Object) -> list[Object]:
    """Return the containers of a Deployment's or StatefulSet's Pods."""
    containers: list[Object] = workload["spec"]["template"]["spec"]["containers"]
    return containers


def images(objects: Iterable[Object]) -> list[str]:
    """Return the names of all images that objects ask for."""
    workloads = [one for one in objects if one["kind"] in WORKLOADS]
    return sorted({container["image"] for one in workloads for container in containers_of(one)})


def main(action: str = "") -> None:
    """Do what the command line says. Raises DeployError."""
    if action == "secrets":
        sys.stdout.write(as_list(secrets(Home.from_environment())) + "\n")
    elif action == "images":
        sys.stdout.write("\n".join(images(render_with(("load",)))) + "\n")
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except DeployError as error:
        raise SystemExit(str(error)) from None
