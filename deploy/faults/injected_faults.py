"""The file that makes modules of a running stack hog, leak or crash (shared/platform/injected_faults.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.model.home import write_atomically
from deploy.runner.interface import Runner

SETTING = "FAULTS_FILE"


def file_of(runner: Runner) -> Path:
    """Return where a stack's applications look for faults once they are armed."""
    return Path(runner.site.data) / runner.stack.name / "faults.json"


def arm(runner: Runner, part: str) -> None:
    """Let a part look at the file; it is restarted for that, unless it does already."""
    environment = runner.status().environment
    if not any(SETTING in environment.get(name, {}) for name in (part, "*")):
        runner.configure(part, {SETTING: str(file_of(runner))})


def disarm_all(runner: Runner) -> list[str]:
    """Let no part look at the file any more; return the parts that were restarted for it."""
    file_of(runner).unlink(missing_ok=True)
    return reset_setting(runner, SETTING)


def reset_setting(runner: Runner, setting: str) -> list[str]:
    """Bring a setting back to its default in each part that was given it; return the parts restarted for that."""
    parts = [part for part, values in runner.status().environment.items() if setting in values and part != "*"]
    for part in parts:
        runner.configure(part, {setting: None})
    return parts


def set_fault(runner: Runner, module: str, fault: Mapping[str, Any]) -> dict[str, Any]:
    """Make a module misbehave; an empty fault heals it. Returns what it was told before."""
    path = file_of(runner)
    try:
        faults: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        faults = {}
    before: dict[str, Any] = faults.pop(module, {})
    if fault:
        faults[module] = dict(fault)
    if faults:
        write_atomically(path, json.dumps(faults), mode=0o644)
    else:
        path.unlink(missing_ok=True)
    return before
