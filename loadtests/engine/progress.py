"""Tells the person at the terminal how far an experiment is: a bar that moves, and a line for each run."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deploy.runner.console import console


class ProgressReporter:
    """Used as a context. Without a terminal the bar is left out and the lines remain."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("Setting up", total=None)
        self._began = time.monotonic()

    def plan(self, steps: int) -> None:
        """Say how many steps there will be."""
        self._progress.update(self._task, total=steps, completed=0)

    def doing(self, what: str) -> None:
        """Say what is being done now."""
        self._progress.update(self._task, description=what)

    def done(self, what: str = "") -> None:
        """Count a step, and tell what came of it."""
        self._progress.advance(self._task)
        if what:
            self.tell(what)

    def tell(self, what: str) -> None:
        """Print a line."""
        self._progress.console.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/]  {what}")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
