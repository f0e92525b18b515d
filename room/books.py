"""Checks the books of running shops at rest, and keeps the outcome for the control room: `twinshop books`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local.runner import LocalRunner
from deploy.model.errors import NotRunning
from deploy.model.home import Home, write_atomically
from deploy.runner.console import console
from loadtests.measure.parties import Parties
from loadtests.measure.reconcile import reconcile, tell
from room.generation import generation
from room.load import GENERATION, HISTORY, folder


def file_of(home: Home, stack: str) -> Path:
    """Return where the last outcome for a stack is kept."""
    return home.root / "room" / f"books-{stack}.json"


def check(stacks: Sequence[str]) -> bool:
    """Reconcile each stack that is up, say what was found, and return whether all promises are kept."""
    home = Home.from_environment()
    runners = [runner for name in stacks if name != "outside" and (runner := LocalRunner(name)).status().up]
    if not runners:
        raise NotRunning("No shop is up: `twinshop up` first.")
    clean = True
    for runner in runners:
        history = _history(home, runner)
        outcome, _ = reconcile(Parties.of(runner), history)
        clean = clean and outcome.is_clean
        for line in tell(outcome):
            console.print(line, markup=False)
        content = {"at": time.time(), "with_history": history is not None, **outcome.as_dict()}
        path = file_of(home, runner.stack.name)
        path.parent.mkdir(parents=True, exist_ok=True)  # nobody may have sent anything here yet
        write_atomically(path, json.dumps(content))
    return clean


def _history(home: Home, runner: LocalRunner) -> Path | None:
    """Join what the generators saw on the data that is there now; None if nobody sent anything."""
    now = generation(runner)
    name = runner.stack.name
    runs = [
        out
        for out in sorted(folder(home).glob(f"*-{name}"))
        if (out / GENERATION).exists() and (out / GENERATION).read_text() == now and (out / HISTORY).exists()
    ]
    if not runs:
        return None
    joined = home.root / "room" / f"history-{name}.jsonl"
    with joined.open("w", encoding="utf-8") as file:
        for out in runs:
            file.write((out / HISTORY).read_text("utf-8"))
    return joined
