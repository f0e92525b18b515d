"""Start and stop of a part of the outside world: settings, sockets, one clear line when it cannot start."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Literal, NoReturn

import uvicorn
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette

from shared.platform import logs

BACKLOG = 2048
STOP_WITHIN_S = 1
_KEEP_ALIVE_S = 75  # longer than callers keep idle connections, so that it is they who close


class OutsideSettings(BaseSettings):
    """What every part of the outside world reads from its environment."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    data_dir: Path
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class CannotStart(Exception):
    """What is wrong, in a sentence for the operator."""


class _Server(uvicorn.Server):
    """Tells the application at once that it stops, so that answers that are held back do not hold up the stop."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in an orderly way; unlike uvicorn's own, without raising the signal again: we end with status 0."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let waiting requests go, then close."""
        self._stopping.set()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises CannotStart that names the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        is_in_use = error.errno == errno.EADDRINUSE
        why = "is taken by another process" if is_in_use else f"cannot be used: {error.strerror or error}"
        raise CannotStart(f"port {port} on {host} {why}") from error
    listener.setblocking(False)
    return listener


def prepare_data_dir(data_dir: Path) -> None:
    """Make the folder and prove that it can be written. Raises CannotStart."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        raise CannotStart(f"DATA_DIR {data_dir} cannot be written: {error.strerror or error}") from error


def run(part: str, settings: OutsideSettings, create_app: Callable[[asyncio.Event], Starlette]) -> None:
    """Serve until SIGTERM or SIGINT. `create_app` gets the event that is set when the stop begins."""
    logs.configure(part, settings.log_level)
    stopping = asyncio.Event()
    with ExitStack() as opened:
        try:
            prepare_data_dir(settings.data_dir)
            listener = opened.enter_context(listen(settings.host, settings.port))
            app = create_app(stopping)
        except CannotStart as error:
            refuse(part, str(error))
        except (OSError, sqlite3.Error) as error:
            refuse(part, f"DATA_DIR {settings.data_dir}: {error}")
        opened.pop_all()  # from here on the server closes it
    config = uvicorn.Config(
        app,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    logging.getLogger(__name__).info("%s listens on %s:%d", part, settings.host, settings.port)
    _Server(config, stopping).run(sockets=[listener])


def refuse(part: str, why: str) -> NoReturn:
    """Say in one line why this part does not start, and exit with status 1."""
    sys.stderr.write(f"{part}: {why}\n")
    raise SystemExit(1)
