"""uvicorn, with a moment between being told to stop and stopping (see shared/platform/draining.py)."""

from __future__ import annotations

import sys
import threading
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from microservices.kit.settings import ServiceSettings
from shared.platform import logs
from shared.platform.draining import DrainingAsgi

STARTUP_FAILED = 3  # what `uvicorn.run` exits with
# Longer than the edge keeps an idle connection, so that it is never us who close one that is about to be used.
KEEP_ALIVE_S = 75
GRACE_S = 8  # after SIGTERM, for requests under way: as long as the edge waits for them


def serve(app: ASGIApp, settings: ServiceSettings, name: str) -> None:
    """Run the app on uvicorn until SIGTERM: one worker, no access log."""
    logs.configure(name, settings.log_level)
    _run(
        app,
        settings.drain_s,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing of ours asks for the client's address
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


def _run(app: ASGIApp, drain_s: float, **options: Any) -> None:
    """Serve until SIGTERM, and `drain_s` longer. Exits with status 3 if the application could not start."""
    draining = DrainingAsgi(app) if drain_s else None
    server = _Server(uvicorn.Config(draining or app, **options), draining, drain_s)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILED)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, draining: DrainingAsgi | None, drain_s: float) -> None:
        super().__init__(config)
        self._draining = draining
        self._drain_s = drain_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop after draining; at once if there is none, or if told again."""
        stop = partial(super().handle_exit, sig, frame)
        draining, self._draining = self._draining, None
        if draining is None:
            stop()
            return
        draining.begin()
        timer = threading.Timer(self._drain_s, stop)
        timer.daemon = True
        timer.start()
