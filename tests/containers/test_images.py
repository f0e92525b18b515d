"""Images: small, of one thing each, and built again alone."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from deploy.compose import build_images
from deploy.compose.engine import Engine, docker
from deploy.model.home import REPOSITORY, Home
from deploy.model.topology import SERVICES

pytestmark = [pytest.mark.containers, pytest.mark.long]

MOST_ADDED_MB = dict.fromkeys((*SERVICES, "outside"), 90) | {"monolith": 110}
APPLICATIONS = (*SERVICES, "monolith", "outside")


def files_in(image: str, folder: str) -> set[str]:
    """Return the names in a folder of an image."""
    return set(docker("run", "--rm", "--network", "none", "--entrypoint", "ls", image, "-A", folder).split())


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_image_adds_little_to_its_base(home: Home, name: str) -> None:
    assert (
        build_images.megabytes(f"twinshop/{name}:local") - build_images.megabytes(build_images.BASE)
        <= MOST_ADDED_MB[name]
    )


@pytest.mark.parametrize("service", SERVICES)
def test_the_image_of_a_service_holds_no_other(home: Home, service: str) -> None:
    image = f"twinshop/{service}:local"

    assert files_in(image, "/app") == {"microservices", "shared"}
    assert files_in(image, "/app/microservices") - {"__pycache__"} == {"__init__.py", "kit", service}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_image_runs_as_nobody_in_particular_and_cannot_change_itself(home: Home, name: str) -> None:
    image = f"twinshop/{name}:local"
    config = json.loads(docker("image", "inspect", image))[0]["Config"]

    assert config["User"] == "10001:10001"
    writable = docker(
        "run", "--rm", "--network", "none", "--entrypoint", "find", image, "/app", "/opt/venv", "-writable"
    )
    assert [line for line in writable.splitlines() if "python" not in line] == []


def test_a_foreign_file_fails_the_build(engine: Engine, tmp_path: Path) -> None:
    for name in ("shared", "microservices", "deploy", ".dockerignore"):
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)  # type: ignore[operator]
    dockerfile = tmp_path / "microservices/payments/Dockerfile"
    line = "COPY microservices/payments microservices/payments\n"
    dockerfile.write_text(
        dockerfile.read_text("utf-8").replace(line, f"{line}COPY microservices/orders microservices/orders\n"), "utf-8"
    )

    with pytest.raises(Exception, match="this image shall not hold microservices/orders/"):
        docker(
            "build",
            "--progress",
            "plain",
            "--file",
            str(dockerfile),
            str(tmp_path),
            environment={"DOCKER_BUILDKIT": "1"},
        )


def test_a_change_to_one_service_builds_its_image_alone(
    home: Home, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    copy = tmp_path / "clone"
    copy.mkdir()
    folders = ("shared", "outside", "monolith", "microservices", "variants", "deploy", "loadtests")
    for name in (*folders, ".dockerignore", "docker-compose.yml"):
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)  # type: ignore[operator]
    version = {"TWINSHOP_VERSION": "rebuild-test"}
    build_images.build(home, copy, version)
    variants = [f"{name}-variants" for name in build_images.APPLICATIONS]
    names = [f"twinshop/{name}:rebuild-test" for name in (*APPLICATIONS, *variants, "edge", "broker", "locust")]
    before = {name: identity(name) for name in names}
    try:
        with (copy / "microservices/payments/charges.py").open("a") as file:
            file.write("# changed\n")
        took_s = build_images.build(home, copy, version)
        after = {name: identity(name) for name in names}
    finally:
        docker("image", "rm", *names)

    assert {name for name in names if before[name] != after[name]} == {
        "twinshop/payments:rebuild-test",
        "twinshop/payments-variants:rebuild-test",
    }
    # Told and not asserted: how fast an engine is depends on what else the machine does.
    pytestconfig.get_terminal_writer().line(f"\nA change to one service: its image is built again in {took_s:.1f} s")


def identity(image: str) -> str:
    """Return the image's id, which is a hash of all that is in it."""
    image_id: str = json.loads(docker("image", "inspect", image))[0]["Id"]
    return image_id


def test_one_archive_carries_all_images(home: Home, tmp_path: Path) -> None:
    archive = tmp_path / "images.tar.gz"

    build_images.save(archive)

    with tarfile.open(archive) as file:
        manifest = file.extractfile("manifest.json")
        assert manifest is not None
        carried = {tag for image in json.load(manifest) for tag in image["RepoTags"]}
    assert carried == set(build_images.names())
    assert {"postgres:18", build_images.BASE, "twinshop/monolith:local", "twinshop/edge:local"} <= carried
