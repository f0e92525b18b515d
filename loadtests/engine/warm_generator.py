"""One generator process for many short slices: a start costs a second of CPU, and an interleaved run has a hundred.

`python -m loadtests.engine.warm_generator` reads orders from stdin, one JSON array a line: a generator's module and its
arguments. It runs them one after the other and says `{"ended": status}` after each.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.model.home import REPOSITORY
from loadtests.engine.generator import EXIT_VOID, GeneratorFailed, LoadSpec

STOP_TIMEOUT_S = 5.0


class WarmGenerator:
    """A generator that stays. Used as a context; its log lies in `log`."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def run(
        self, spec: LoadSpec, on_start: Callable[[], None],
        on_process: Callable[[subprocess.Popen[str]], None] = lambda _: None,
    ) -> dict[str, Any]:  # fmt: skip
        """Run a load to its end and return its summary, as `generator.run` does; its process stays.

        Raises GeneratorFailed, also if it takes longer than its spec allows.
        """
        process = self._alive()
        assert process.stdin is not None
        spec.out.mkdir(parents=True, exist_ok=True)
        late = threading.Timer(spec.timeout_s, process.kill)
        late.start()
        try:
            process.stdin.write(json.dumps([spec.module, *spec.arguments]) + "\n")
            process.stdin.flush()
            status = _follow(process, on_start)
        finally:
            late.cancel()
        if status not in (0, EXIT_VOID):
            raise GeneratorFailed(f"The load generator failed (status {status}):\n{self._said()}")
        summary: dict[str, Any] = json.loads((spec.out / "summary.json").read_text("utf-8"))
        return summary

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self._process.communicate() if kind is None else self._process.kill()
        self._process.wait(STOP_TIMEOUT_S)

    def _alive(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "loadtests.engine.warm_generator"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY, text=True,
                    start_new_session=True,
                )  # fmt: skip
        return self._process

    def _said(self) -> str:
        return self._log.read_text("utf-8", errors="replace").strip()[-2000:]


def _follow(process: subprocess.Popen[str], on_start: Callable[[], None]) -> int | None:
    """Read what the generator says until its load is over; None if it ended instead."""
    assert process.stdout is not None
    for line in process.stdout:
        if '"started_at"' in line:
            on_start()
        elif '"ended"' in line:
            status: int = json.loads(line)["ended"]
            return status
    return None


def main() -> None:
    """Run orders until stdin ends."""
    for line in sys.stdin:
        module, *arguments = json.loads(line)
        sys.argv = [module, *arguments]
        status = importlib.import_module(module).main()
        sys.stdout.write(json.dumps({"ended": status}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
