"""The server process: Granian with one worker, which lives and dies as one with it."""

from __future__ import annotations

import gc
import multiprocessing
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.synchronize import Event
from multiprocessing.util import Finalize
from typing import Any, TypeVar

import psycopg
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from monolith.config import Settings
from monolith.modules import Modules
from shared.domain.errors import ShopError
from shared.platform import clock, failpoints, injected_faults, logs
from shared.platform.draining import DrainingWsgi
from shared.platform.kill import kill_self
from shared.platform.settings import load_or_exit

DATABASE_STARTS_WITHIN_S = 30.0
S = TypeVar("S", bound=Settings)


def serve(settings_class: type[S], create_app: Callable[[S], Flask], prepare: Callable[[S], None]) -> None:
    """Read the settings, `prepare` the database, and serve until SIGTERM.

    Exit with status 1 (2 for settings) and one line if that cannot be.
    """
    settings = load_or_exit(settings_class)
    start_up(settings, prepare)
    draining = multiprocessing.get_context("spawn").Event() if settings.drain_s else None
    gc.freeze()  # code stays for good: a collection that looked at it would copy the pages that the worker shares
    _Server(
        "monolith.app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,  # a worker that dies takes its parent along, and the whole part is started again
        blocking_threads=settings.web_threads,
        blocking_threads_idle_timeout=600,
        http=HTTPModes.http1,
        log_level=LogLevels.error,
        workers_kill_timeout=10,
    ).serve_until_told(draining, settings.drain_s, partial(_load, settings, create_app, draining))


def start_up(settings: S, prepare: Callable[[S], None]) -> None:
    """Log, check the port, and `prepare` the database. Exit with status 1 and one line if that cannot be."""
    logs.configure("monolith", settings.log_level)
    try:
        failpoints.enable(settings.crash_at, settings.reached_file, local_mode=settings.is_local)
        injected_faults.enable(settings.faults_file, local_mode=settings.is_local)
        clock.set_off(settings.clock_off_s, local_mode=settings.is_local)
        _check_port(settings.host, settings.port)
        if settings.migrate_on_start:
            _prepare(settings, prepare)
    except (OSError, ValueError, psycopg.Error, ShopError) as error:
        sys.stderr.write(f"monolith: {error}\n")
        raise SystemExit(1) from None


class _Server(Granian):  # type: ignore[misc, valid-type]  # which class it is depends on the interpreter
    """Granian, with a moment between being told to stop and stopping (see shared/platform/draining.py)."""

    _draining: Event | None = None
    _drain_s = 0.0

    def serve_until_told(self, draining: Event | None, drain_s: float, load: Callable[[], Any]) -> None:
        """Serve what `load` returns in the worker. `draining` is set `drain_s` before the stop."""
        self._draining, self._drain_s = draining, drain_s
        self.serve(target_loader=load, wrap_loader=False)

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Stop after draining; at once if there is none, or if told again."""
        stop = partial(super().signal_handler_interrupt, *args, **kwargs)
        draining, self._draining = self._draining, None
        if draining is None:
            stop()
            return
        draining.set()
        timer = threading.Timer(self._drain_s, stop)
        timer.daemon = True
        timer.start()


def _load(settings: S, create_app: Callable[[S], Flask], draining: Event | None = None) -> Any:
    """Return the WSGI callable, in the worker process; the threads of the modules run from here on."""
    failpoints.enable(settings.crash_at, settings.reached_file, local_mode=settings.is_local)
    injected_faults.enable(settings.faults_file, local_mode=settings.is_local)
    logs.configure("monolith", settings.log_level)
    threading.Thread(target=_die_with_parent, name="parent", daemon=True).start()
    app = create_app(settings)
    modules: Modules = app.extensions["modules"]
    modules.start()
    # A worker process runs no atexit handlers; this one is its own way of ending well.
    Finalize(None, modules.close, exitpriority=1)
    return DrainingWsgi(app.wsgi_app, draining) if draining is not None else app.wsgi_app


def _die_with_parent() -> None:
    """Without this, a worker whose parent was killed would go on serving beside its successor."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        kill_self()


def _check_port(host: str, port: int) -> None:
    """Raise OSError if the port is taken. Granian would share it with whoever has it, and say nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(f"port {port} on {host} cannot be used: {error.strerror}") from error


def _prepare(settings: S, prepare: Callable[[S], None]) -> None:
    """Call `prepare`, waiting for a database that is still starting. Raises what it raises."""
    give_up_at = time.monotonic() + DATABASE_STARTS_WITHIN_S
    while True:
        try:
            prepare(settings)
            return
        except psycopg.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)
