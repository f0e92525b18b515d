"""The images of docker-compose.yml: built where they are missing, measured, carried to machines without a registry.

`python -m deploy.compose.build_images build | sizes | save FILE | load FILE`
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.compose import secrets
from deploy.compose.engine import Engine, docker
from deploy.compose.project import COMPOSE_FILE, Project
from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY, Home
from deploy.model.topology import SERVICES

BASE = "python:3.13-slim-trixie"
VERSION = "local"
APPLICATIONS = (*SERVICES, "monolith")
PLAIN = {"TRACE_SAMPLING": ""}  # docker-compose.yml names other images where it is set
# Only with the profiles `mail` and `observe`.
OPTIONAL = ("axllent/mailpit", "grafana/grafana", "jaegertracing/jaeger", "prom/prometheus")


def build_missing(engine: Engine, project: Project) -> None:
    """Build what the stack needs and this machine does not have. Takes minutes the first time. Raises DeployError."""
    images = project.compose("config", "--images").split()
    missing = sorted({name for name in images if name.startswith("twinshop/") and not engine.has_image(name)})
    if missing:
        sys.stderr.write(f"building {', '.join(missing)} (once; it takes minutes)\n")
        project.compose("build")


def build(home: Home, sources: Path = REPOSITORY, variables: Mapping[str, str] | None = None) -> float:
    """Build all images, and return how many seconds it took. Raises DeployError."""
    began = time.monotonic()
    docker(
        *("compose", "--project-directory", str(sources), "--profile", "*", "build"),
        environment={"TWINSHOP_SECRETS": str(secrets.folder(home)), **PLAIN, **(variables or {})},
        timeout_s=1800,
    )
    _build_variants(sources, (variables or {}).get("TWINSHOP_VERSION", VERSION))
    return time.monotonic() - began


def _build_variants(sources: Path, version: str) -> None:
    """Build what runs a variant, on top of each application's own image."""
    for name in APPLICATIONS:
        docker(
            *("build", "--quiet", "--file", str(sources / "variants/Dockerfile")),
            *("--build-arg", f"BASE=twinshop/{name}:{version}", "--tag", f"twinshop/{name}-variants:{version}"),
            str(sources),
            environment={"DOCKER_BUILDKIT": "1"},
            timeout_s=1800,
        )


def names() -> list[str]:
    """Return all images that docker-compose.yml names but the optional ones, and those that ours are built on."""
    variants = {f"twinshop/{name}-variants:{VERSION}" for name in APPLICATIONS}
    images = set(_compose("config", "--images").split()) | {BASE} | variants
    return sorted(name for name in images if not name.startswith(OPTIONAL))


def sizes() -> str:
    """Return the size of each of our images, and what it adds to its base, as a table."""
    base = megabytes(BASE)
    lines = [f"{'image':<32}{'MB':>6}{'added':>7}", f"{BASE:<32}{base:>6.0f}{'':>7}"]
    for name in names():
        if name.startswith("twinshop/"):
            size = megabytes(name)
            added = "" if name.startswith("twinshop/edge") else f"{size - base:.0f}"
            lines.append(f"{name:<32}{size:>6.0f}{added:>7}")
    return "\n".join(lines)


def save(path: Path) -> None:
    """Write all images into one compressed archive. Raises DeployError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _pipe(["docker", "save", *names()], ["gzip", "-1", "--stdout"], path)


def load(path: Path) -> str:
    """Read an archive of images back, and return what was read. Raises DeployError."""
    return docker("load", "--input", str(path))


def _compose(*arguments: str) -> str:
    place = os.environ.get("TWINSHOP_SECRETS") or str(secrets.folder(Home.from_environment()))
    environment = {"TWINSHOP_SECRETS": place, **PLAIN}
    return docker("compose", "--file", str(COMPOSE_FILE), "--profile", "*", *arguments, environment=environment)


def megabytes(name: str) -> float:
    """Return the size of an image with all its layers, in MB. Raises DeployError if it is not there."""
    return float(json.loads(docker("image", "inspect", name))[0]["Size"]) / 1e6


def _pipe(first: list[str], second: list[str], target: Path) -> None:
    with target.open("wb") as file, subprocess.Popen(first, stdout=subprocess.PIPE) as producer:
        packed = subprocess.run(second, stdin=producer.stdout, stdout=file, check=False)
    if producer.returncode or packed.returncode:
        target.unlink(missing_ok=True)
        raise DeployError(f"`{' '.join(first[:2])}` failed; {target} was not written.")


def main(action: str, *arguments: str) -> None:
    """Do what the command line says. Raises DeployError."""
    if action == "build":
        docker("version")  # says in one line that no engine answers
        secrets.ensure(Home.from_environment())
        command = ["docker", "compose", "--profile", "*", "build"]
        if subprocess.run(command, cwd=REPOSITORY, check=False, env={**os.environ, **PLAIN}).returncode:
            raise DeployError("The images could not be built: see above.")
        _build_variants(REPOSITORY, os.environ.get("TWINSHOP_VERSION", VERSION))
        sys.stdout.write(f"{sizes()}\n")
    elif action == "sizes":
        sys.stdout.write(f"{sizes()}\n")
    elif action == "save":
        save(Path(arguments[0]))
    elif action == "load":
        sys.stdout.write(load(Path(arguments[0])))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except DeployError as error:
        raise SystemExit(str(error)) from None
