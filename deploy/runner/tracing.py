"""Turns tracing on and off: parts are restarted with another command (see `Part.command_with`) and its settings."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.model.parts import SAMPLING
from deploy.runner.interface import Runner

FOLDER = "traces"
DIRECTORY = "TRACE_DIR"
OTLP = "OTEL_"  # what the standard calls its settings


def folder_of(runner: Runner) -> Path:
    """Return where a stack's parts keep their spans."""
    return Path(runner.site.data) / runner.stack.name / FOLDER


def settings_of(runner: Runner, sampling: float) -> dict[str, str]:
    """Return what a part is told where tracing is on: also where else spans go, if this environment says so."""
    elsewhere = {name: value for name, value in os.environ.items() if name.startswith(OTLP)}
    return {SAMPLING: f"{sampling:g}", DIRECTORY: str(folder_of(runner)), **elsewhere}


def with_tracing(
    runner: Runner, sampling: float, settings: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return settings for `Runner.begin` with tracing on. What an earlier stack has kept is thrown away."""
    shutil.rmtree(folder_of(runner), ignore_errors=True)
    changed = {name: dict(values) for name, values in settings.items()}
    for part in traced_parts(runner):
        changed[part] = {**changed.get(part, {}), **settings_of(runner, sampling)}
    return changed


def traced_parts(runner: Runner) -> list[str]:
    """Return the parts that record: the applications, and the edge where it can keep a log."""
    kinds = ("app", "envoy") if runner.edge_keeps_log else ("app",)
    return [part.name for part in runner.stack.parts if part.kind in kinds]


def turn_on(runner: Runner, sampling: float) -> None:
    """Record this share of all traces from now on.

    The applications are restarted, each beside one more replica that serves meanwhile, and then the edge, which has no
    other: a few requests fail for that moment. Raises DeployError.
    """
    _configure(runner, dict(settings_of(runner, sampling)))


def turn_off(runner: Runner) -> None:
    """Record nothing any more; what is kept stays."""
    _configure(runner, dict.fromkeys((SAMPLING, DIRECTORY)))


def sampling_of(runner: Runner) -> float | None:
    """Return which share of all traces a running stack keeps; None if tracing is off."""
    for part, settings in runner.status().environment.items():
        if SAMPLING in settings and part != "edge":
            return float(settings[SAMPLING])
    return None


def _configure(runner: Runner, settings: dict[str, str | None]) -> None:
    now = runner.status().environment
    present = {name: value for name, value in settings.items() if value is not None}
    parts = [
        part
        for part in traced_parts(runner)
        if {name: now.get(part, {}).get(name) for name in settings} != {name: present.get(name) for name in settings}
    ]
    scalable = {part.name for part in runner.stack.parts if part.scalable}

    def tell(part: str) -> None:
        with _one_more_replica(runner, part) if part in scalable else contextlib.nullcontext():
            runner.configure(part, settings)

    apps = [part for part in parts if part in scalable]
    if apps:
        with ThreadPoolExecutor(len(apps)) as pool:
            list(pool.map(tell, apps))
    for part in set(parts) - set(apps):
        tell(part)


@contextlib.contextmanager
def _one_more_replica(runner: Runner, part: str) -> Iterator[None]:
    """Have one more replica, which serves while the others are restarted one by one: no request fails."""
    count = sum(one.part == part for one in runner.status().instances)
    runner.scale(part, count + 1)
    try:
        yield
    finally:
        runner.scale(part, count)
