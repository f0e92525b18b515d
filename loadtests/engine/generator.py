"""Starts a load generator as a process of its own, on its own cores, and says when its measured part begins."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY

OPEN = "loadtests.load.arrivals"
CLOSED = "loadtests.load.closed_loop"
EXIT_VOID = 3
STOP_TIMEOUT_S = 10.0
SLACK_S = 60.0  # what a load may take beyond what was asked


class GeneratorFailed(DeployError):
    """The load generator ended without a summary."""


@dataclass(frozen=True)
class LoadSpec:
    """What is asked of a generator: its module, its arguments, and the folder it writes to."""

    module: str
    arguments: Sequence[str]
    out: Path
    timeout_s: float


# Runs what a LoadSpec says to its end; is told whom to call as its measured part begins, and with its process.
Generate = Callable[[LoadSpec, Callable[[], None], Callable[[subprocess.Popen[str]], None]], dict[str, Any]]


class Beside:
    """A generator that runs while something else is done; made by `beside`."""

    def __init__(self, spec: LoadSpec, generate: Generate) -> None:
        self._spec, self._generate = spec, generate
        self._processes: list[subprocess.Popen[str]] = []
        self._pool = ThreadPoolExecutor(1, "load")
        self._started, self._over = threading.Event(), threading.Event()
        self.began_at = 0.0  # of time.monotonic: when its measured part began

    def begin(self) -> None:
        """Start it, and return when its measured part begins. Raises GeneratorFailed."""
        self._running = self._pool.submit(self._generate, self._spec, self._begin, self._processes.append)
        self._running.add_done_callback(lambda _: self._over.set())
        self._running.add_done_callback(lambda _: self._started.set())
        self._started.wait(self._spec.timeout_s)
        if not self.began_at:
            if self._running.done():
                self.finish()
            raise GeneratorFailed("The load did not begin.")

    @property
    def now_s(self) -> float:
        """Seconds since its measured part began."""
        return time.monotonic() - self.began_at

    def wait_until(self, second: float) -> bool:
        """Wait for this second of its measured part; return whether it still runs then, at once where it has ended."""
        return not self._over.wait(max(0.0, second - self.now_s))

    def finish(self) -> dict[str, Any]:
        """Wait for its end, and return its summary. Raises GeneratorFailed."""
        return self._running.result()

    def end(self) -> None:
        """Have it ended, wherever it is."""
        for process in self._processes:
            _end(process)
        self._pool.shutdown()

    def _begin(self) -> None:
        self.began_at = time.monotonic()
        self._started.set()


Meanwhile = Callable[[Beside], None]  # what happens while a load runs, from the beginning of its measured part


def nothing(_: Beside) -> None:
    """Let the load run alone."""


def run(
    spec: LoadSpec, on_start: Callable[[], None], on_process: Callable[[subprocess.Popen[str]], None] = lambda _: None
) -> dict[str, Any]:
    """Run a generator to its end and return its summary; `on_start` is called when the measured part begins.

    `on_process` is told of its process. Raises GeneratorFailed. Ctrl-C ends the generator too.
    """
    spec.out.mkdir(parents=True, exist_ok=True)
    with (spec.out / "generator.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", spec.module, *spec.arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY, text=True,
            start_new_session=True,
        )  # fmt: skip
        on_process(process)
        try:
            _wait_for_start(process, on_start)
            process.communicate(timeout=spec.timeout_s)
        except subprocess.TimeoutExpired as error:
            raise GeneratorFailed(f"The load generator did not end within {spec.timeout_s:.0f} s.") from error
        finally:
            _end(process)
    if process.returncode not in (0, EXIT_VOID):
        said = (spec.out / "generator.log").read_text("utf-8", errors="replace").strip()
        raise GeneratorFailed(f"The load generator failed (status {process.returncode}):\n{said[-2000:]}")
    summary: dict[str, Any] = json.loads((spec.out / "summary.json").read_text("utf-8"))
    return summary


@contextlib.contextmanager
def beside(spec: LoadSpec, generate: Generate = run) -> Iterator[Beside]:
    """Have a load while the block runs, from the beginning of its measured part. No load is left, however it ends.

    `generate` is a generator that stays where there is one. Raises GeneratorFailed.
    """
    load = Beside(spec, generate)
    try:
        load.begin()
        yield load
    finally:
        load.end()


def _wait_for_start(process: subprocess.Popen[str], on_start: Callable[[], None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if '"started_at"' in line:
            on_start()
            return


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
