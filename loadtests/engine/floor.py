"""The floor: what PostgreSQL itself needs for the SQL of one order, and of one list, driven by pgbench."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from deploy.model.errors import DeployError
from deploy.runner import binaries
from deploy.runner.interface import Runner
from loadtests.measure import accounting
from loadtests.measure.accounting import Spent

HERE = Path(__file__).parent
SETUP = HERE / "floor_setup.sql"
SCRIPTS = {"order": HERE / "floor_order.sql", "list": HERE / "floor_list.sql"}
DATABASE_PART = "db"
BACKENDS_LEAVE_S = 0.3
_DONE = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")


class FloorFailed(DeployError):
    """psql or pgbench failed."""


@dataclass(frozen=True)
class FloorSlice:
    """A slice of pgbench: CPU of the database server alone, and beside it what pgbench itself took."""

    units: int
    spent: Spent
    pgbench_cpu_ms: float
    wall_s: float


@dataclass(frozen=True)
class Floor:
    """A copy of the monolith's tables on its own database server, in a schema of its own."""

    runner: Runner
    products: int

    @property
    def _environment(self) -> dict[str, str]:
        (part,) = [part for part in self.runner.stack.parts if part.environment.get("DATABASE_URL")]
        url = urlsplit(part.environment["DATABASE_URL"])
        return {
            "PATH": os.defpath,
            "PGHOST": url.hostname or "",
            "PGPORT": str(url.port),
            "PGUSER": url.username or "",
            "PGPASSWORD": url.password or "",
            "PGDATABASE": url.path.lstrip("/"),
        }

    def set_up(self) -> None:
        """Make the copy, anew if there is one."""
        self._psql("-f", str(SETUP))

    def take_down(self) -> None:
        """Remove the copy."""
        self._psql("-c", "DROP SCHEMA IF EXISTS floor CASCADE")

    def run(self, unit: str, *, clients: int, duration_s: float, cores: Sequence[int] | None) -> FloorSlice:
        """Run the SQL of `order` or `list` as fast as it goes. Raises FloorFailed."""
        command = [str(binaries.postgres("pgbench")), "-n", "-M", "prepared", "-c", str(clients), "-j", "1"]
        command += ["-T", str(max(1, round(duration_s))), "-D", f"products={self.products}", "-f", str(SCRIPTS[unit])]
        before = accounting.take(self.runner)
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=self._environment | {"PGOPTIONS": "-c search_path=floor"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, cores)
        said, cpu_ms = _wait(process)
        wall_s = time.monotonic() - began
        time.sleep(BACKENDS_LEAVE_S)  # so that the server has waited for its backends, and their CPU is counted
        spent = accounting.between(before, accounting.take(self.runner))
        done, failed = _DONE.search(said), _FAILED.search(said)
        if process.returncode != 0 or done is None or (failed and int(failed.group(1))):
            raise FloorFailed(f"pgbench failed on {SCRIPTS[unit].name}:\n{said[-2000:]}")
        database = {DATABASE_PART: spent.cpu_ms[DATABASE_PART]}
        return FloorSlice(int(done.group(1)), Spent(spent.wall_s, database, spent.restarted), cpu_ms, wall_s)

    def _psql(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(binaries.postgres("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments],
            env=self._environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode != 0:
            raise FloorFailed(f"psql {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")


def _wait(process: subprocess.Popen[str]) -> tuple[str, float]:
    """Return what pgbench said and the CPU milliseconds that it took itself, sampled until it ends."""
    watched = psutil.Process(process.pid)
    cpu_ms = 0.0
    while True:
        try:
            said, _ = process.communicate(timeout=0.2)
        except subprocess.TimeoutExpired:
            times = watched.cpu_times()
            cpu_ms = (times.user + times.system) * 1000
            continue
        return said, cpu_ms
