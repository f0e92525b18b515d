"""uvicorn, with a moment between being told to stop and stopping (see shared/platform/draining.py)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

from microservices.kit.runtime import ServiceRuntime
from microservices.kit.settings import ServiceSettings
from shared.platform import logs
from shared.platform.draining import DrainingAsgi
from shared.platform.settings import CommonSettings, load_or_exit

STARTUP_FAILED = 3  # what `uvicorn.run` exits with
# Longer than the edge keeps an idle connection, so that it is never us who close one that is about to be used.
KEEP_ALIVE_S = 75
GRACE_S = 8  # after SIGTERM, for requests under way: as long as the edge waits for them

S = TypeVar("S", bound=ServiceSettings)


def run(
    name: str,
    settings_class: type[S],
    create_app: Callable[[S, ServiceRuntime], ASGIApp],
    runtime_class: type[ServiceRuntime] = ServiceRuntime,
) -> None:
    """Run a service, with settings from the environment, until SIGTERM."""
    settings = load_or_exit(settings_class)
    serve(create_app(settings, runtime_class(name, settings)), settings, name)


def serve(app: ASGIApp, settings: CommonSettings, name: str) -> None:
    """Run the app on uvicorn until SIGTERM, one worker. Exits with status 3 if the application could not start."""
    logs.configure(name, settings.log_level)
    draining = DrainingAsgi(app) if settings.drain_s else None
    config = uvicorn.Config(
        draining or app,
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
    server = _Server(config, draining, settings.drain_s)
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
