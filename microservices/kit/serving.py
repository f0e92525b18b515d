"""uvicorn, with a moment between being told to stop and stopping (see shared/platform/leaving.py)."""

from __future__ import annotations

import sys
import threading
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from shared.platform.leaving import LeavingAsgi

STARTUP_FAILED = 3  # what `uvicorn.run` exits with


def run(app: Any, leave_s: float, **options: Any) -> None:
    """Serve until SIGTERM, and `leave_s` longer. Exits with status 3 if the application could not start."""
    leaving = LeavingAsgi(app) if leave_s else None
    server = _Server(uvicorn.Config(leaving or app, **options), leaving, leave_s)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILED)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, leaving: LeavingAsgi | None, leave_s: float) -> None:
        super().__init__(config)
        self._leaving = leaving
        self._leave_s = leave_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop after the goodbye; at once if there is none, or if told again."""
        stop = partial(super().handle_exit, sig, frame)
        leaving, self._leaving = self._leaving, None
        if leaving is None:
            stop()
            return
        leaving.begin()
        goodbye = threading.Timer(self._leave_s, stop)
        goodbye.daemon = True
        goodbye.start()
