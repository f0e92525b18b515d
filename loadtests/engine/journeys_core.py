"""Proves that the builds behave alike before they are compared: the core of the journeys, on the running stacks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY
from loadtests.engine.arm import Arm
from loadtests.engine.study import PRODUCTS

TIMEOUT_S = 180
TAIL = 4000


class JourneysDiffer(DeployError):
    """A journey failed on a build, so a comparison would compare different work."""


def prove(arms: Mapping[str, Arm], log: Path) -> str:
    """Give all arms the same fresh data, run the journeys marked `core`, and return pytest's last line.

    Raises JourneysDiffer. What the journeys leave behind is no ground for a measurement: reset again.
    """
    with ThreadPoolExecutor(max_workers=len(arms)) as pool:
        list(pool.map(lambda arm: arm.fresh_data(PRODUCTS), arms.values()))
    site = next(iter(arms.values())).runner.site
    place = {"TWINSHOP_HOME": site.data, "TWINSHOP_PORT_SHIFT": str(site.shift)} if site.mode == "local" else {}
    command = [sys.executable, "-m", "pytest", "tests/journeys", "-m", "core", "--running", "--arms", ",".join(arms)]
    command += ["-q", "-p", "no:cacheprovider", "--no-header", "--tb=short"]
    try:
        done = subprocess.run(
            command, cwd=REPOSITORY, env=os.environ | place, capture_output=True, text=True, check=False,
            timeout=TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise JourneysDiffer(f"The journeys did not end within {TIMEOUT_S} s.") from error
    log.write_text(done.stdout + done.stderr, "utf-8")
    if done.returncode != 0:
        raise JourneysDiffer(
            "A journey failed, so there is nothing to compare yet:\n" + (done.stdout + done.stderr)[-TAIL:]
        )
    return done.stdout.strip().splitlines()[-1].strip("= ")
