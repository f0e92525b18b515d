"""The command `twinshop doctor`: what this machine has for both shops, what it lacks, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import typer
from rich import box
from rich.table import Table

from deploy.model.errors import DeployError, PortTaken
from deploy.model.home import Home
from deploy.runner import node, port_check
from deploy.runner.console import console
from deploy.stacks import runner_for, with_outside

NEEDED_MB, NEEDED_DISK_MB = 2000, 2000
CORES = 2
BUSY_SHARE = 0.5  # of the cores; what is measured beside more is of that load, too
STACKS = ("monolith", "microservices")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `advice` is empty where all is well; `needed`: nothing runs without it."""

    what: str
    has: str
    advice: str = ""
    needed: bool = False


def doctor() -> None:
    """Say what this machine has for both shops, what it lacks, and what to do about it."""
    checks = [*machine(), *ports(), *programs()]
    table = Table("", "what", "here", "what to do", box=box.SIMPLE_HEAD)
    for one in checks:
        mark = "[green]ok[/]" if not one.advice else "[red]no[/]" if one.needed else "[yellow]-[/]"
        table.add_row(mark, one.what, one.has, one.advice)
    console.print(table)
    if any(one.advice and one.needed for one in checks):
        raise typer.Exit(1)


def machine() -> Iterator[Check]:
    """Look at Python, cores, memory, disk and load."""
    yield Check("Python", platform.python_version())
    affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if affinity else os.cpu_count() or 1
    few = (
        "both shops run; but a build and its load share a core, so no winner in speed is named" if cores < CORES else ""
    )
    bound = "" if affinity else "no process can be bound to cores here, so no winner in speed is named"
    yield Check("cores", str(cores), few or bound)
    load = os.getloadavg()[0]
    busy = "close what else runs before you measure" if load > BUSY_SHARE * cores else ""
    yield Check("load average", f"{load:.1f}", busy)
    free_mb = psutil.virtual_memory().available // 2**20
    little = f"both shops and their load take {NEEDED_MB} MB: close something" if free_mb < NEEDED_MB else ""
    yield Check("free memory", f"{free_mb} MB", little, needed=True)
    root = Home.from_environment().root
    disk_mb = shutil.disk_usage(root if root.exists() else root.parent).free // 2**20
    full = (
        f"data and reports take up to {NEEDED_DISK_MB} MB: make room, or set TWINSHOP_HOME"
        if disk_mb < NEEDED_DISK_MB
        else ""
    )
    yield Check("free disk", f"{disk_mb} MB", full, needed=True)


def ports() -> Iterator[Check]:
    """Look whether the ports of both shops are free, or ours."""
    for name in with_outside(STACKS):
        runner = runner_for(name)
        if runner.status().up:
            yield Check(f"ports of {name}", "it is up")
            continue
        try:
            port_check.require_free(runner.stack)
            yield Check(f"ports of {name}", "free")
        except PortTaken as error:
            yield Check(f"ports of {name}", "taken", str(error), needed=True)


def programs() -> Iterator[Check]:
    """Look at programs that only some things need."""
    uses = {
        ("git",): "exercises of the labs",
        ("chromium", "chromium-browser", "google-chrome"): "tests of the pages, and `make screenshots`",
        ("docker",): "`make compose-up` and `make test-compose`",
        ("kubectl",): "`make test-kubernetes`",
    }
    for names, use in uses.items():
        path = next(filter(None, map(shutil.which, names)), None)
        yield Check(names[0], path or "not here", "" if path else f"only for {use}")
    try:
        yield Check("node", str(node.find()))
    except DeployError as error:
        yield Check("node", "not here", f"only for the notifications in TypeScript; {error}")
