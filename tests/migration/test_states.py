"""Each state between the monolith and the services is a shop like any other: journeys pass, and the books are right."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.model.home import REPOSITORY
from tests.arms import STATES


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("state", STATES)
def test_journeys_pass_with_modules_out(state: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "tests/journeys", "--arms", state]

    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert process.returncode == 0, process.stdout[-4000:]
