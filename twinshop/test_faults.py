"""What people write on the command line is read as they mean it, or refused."""

from __future__ import annotations

import subprocess

import pytest

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY
from twinshop.faults import duration_s, fault


def test_durations_are_read_as_people_write_them() -> None:
    assert [duration_s(text) for text in ("30s", "500ms", "2m", "7")] == [30, 0.5, 120, 7]
    for text in ("", "soon", "-1s", "2h"):
        with pytest.raises(DeployError):
            duration_s(text)


def test_a_fault_that_there_is_not_is_named_before_anything_else_is_asked() -> None:
    with pytest.raises(DeployError, match="There is no fault 'nonsense'; there are crash, "):
        fault("nonsense")


def test_make_names_the_variable_that_a_target_lacks() -> None:
    process = subprocess.run(["make", "kill"], cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert process.returncode == 2
    assert process.stdout == "SERVICE is missing: make kill SERVICE=payments\n"
