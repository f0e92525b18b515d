"""Both shops from the rendered manifests, as Pods that podman runs, behind a `kubectl` of ours (podman_cluster.py)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.kubernetes import manifests
from deploy.kubernetes.runner import KubernetesRunner
from deploy.model.home import REPOSITORY, Home
from tests.kubernetes.podman_cluster import PLACE, Cluster
from tests.ports import CONTAINERS_SHIFT

STACKS = ("outside", "monolith", "microservices")


def require_podman() -> None:
    """Skip, loudly, where podman or the images are missing; a Docker engine that has them gives them."""
    if shutil.which("podman") is None or os.geteuid() != 0:
        pytest.skip("NO podman FOR root, SO NO POD IS RUN: what Kubernetes is given is only read")
    names = manifests.images(manifests.render_with())
    missing = [one for one in names if _fails("podman", "image", "exists", f"localhost/{one}")]
    if missing and (shutil.which("docker") is None or _fails("docker", "image", "inspect", *missing)):
        pytest.skip(f"NO IMAGES, SO NO POD IS RUN: `make images` builds them ({', '.join(missing)})")
    if missing:
        with subprocess.Popen(["docker", "save", *missing], stdout=subprocess.PIPE) as saved:
            subprocess.run(["podman", "load", "--quiet"], stdin=saved.stdout, check=True, capture_output=True)


@contextmanager
def shops_on_podman() -> Iterator[dict[str, KubernetesRunner]]:
    """Have the outside world and both shops up; afterwards nothing of them is left."""
    root = Path(tempfile.mkdtemp(prefix="twinshop-kubernetes-"))
    root.chmod(0o755)  # Pods run as other users
    real, program = shutil.which("kubectl"), root / "bin/kubectl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.kubernetes.podman_cluster "$@"\n')
    program.chmod(0o755)
    before = dict(os.environ)
    os.environ |= {
        "PATH": f"{program.parent}:{before['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "REAL_KUBECTL": str(real),
        PLACE: str(root / "cluster"),
        "TWINSHOP_HOME": str(root / "home"),
        "TWINSHOP_ON": "kubernetes",
        "TWINSHOP_PORT_SHIFT": str(CONTAINERS_SHIFT),
    }
    runners: dict[str, KubernetesRunner] = {}
    try:
        for name in STACKS:
            runners[name] = KubernetesRunner(name, Home(root / "home"), CONTAINERS_SHIFT)
            runners[name].up(timeout_s=120)
        yield runners
    finally:
        for name in reversed(runners):
            runners[name].down()
        Cluster(root / "cluster").close()
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def load(runner: KubernetesRunner, out: Path, rate: float) -> Iterator[None]:
    """Have open arrivals at a shop; their summary.json is in `out` afterwards."""
    command = [
        sys.executable, "-m", "loadtests.load.arrivals", "--host", runner.address, "--out", str(out),
        "--mix", "ordering", "--tokens-from", runner.site.url("outside", "identity"), "--rate", str(rate),
        "--duration", "1200",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "started_at" in process.stdout.readline()
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)


def run(*command: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program of ours as a user would."""
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=REPOSITORY, env={**os.environ, **(settings or {})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _fails(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode != 0
