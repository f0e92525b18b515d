"""`make images` on a machine without an engine. None is needed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from deploy.model.home import REPOSITORY


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PATH", "/nowhere", "There is no `docker` command: install a container engine with compose v2."),
        ("DOCKER_HOST", "unix:///nowhere", "`docker version` failed:"),
    ],
    ids=["no command", "no engine"],
)
def test_images_without_an_engine_are_refused_without_a_stack_trace(variable: str, value: str, message: str) -> None:
    if variable == "DOCKER_HOST" and not any((os.access(f"{each}/docker", os.X_OK)) for each in os.get_exec_path()):
        pytest.skip("there is no `docker` command")
    command = [sys.executable, "-m", "deploy.compose.build_images", "build"]

    refused = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | {variable: value}, capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert refused.stderr.startswith(message)
    assert "Traceback" not in refused.stderr
