"""Checks an arm's books once, after many slices on live data, and writes what is found to the last of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loadtests.engine import rows
from loadtests.engine.arm import Arm
from loadtests.engine.study import Study
from loadtests.report.result import Run
from loadtests.report.words import slug


def close_books(study: Study, arm: Arm, histories: Iterable[Path], last: Run) -> None:
    """Reconcile the arm with the joined histories (`orders.jsonl`) of its slices; `last` is the row that says so."""
    study.progress.doing(f"Checking the books of {arm.name}")
    joined = study.folder / f"orders-{slug(arm.name)}.jsonl"
    joined.write_text("".join(path.read_text("utf-8") for path in sorted(histories)), "utf-8")
    outcome, _ = arm.reconcile(joined)
    rows.note_books(last, outcome)
    study.progress.done(f"{arm.name:<14} books {'right' if outcome.is_clean else '[red]WRONG[/]'}")
