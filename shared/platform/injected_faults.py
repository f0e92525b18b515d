"""Faults of a module, made on purpose: hog, leak, poison, failures. Off unless enabled; local mode only.

`FAULTS_FILE` names a JSON file that is read whenever it has changed, so that a fault comes and goes without a
restart: `{"payments": {"hog_ms": 300, "leak_mb": 5, "memory_limit_mb": 300, "poison": "text", "fail_share": 0.2}}`.
A file that is not there is no fault. Each module has one entrance at which it happens, the same one in both builds:
catalog: a list of products is read; orders: an order is placed; payments: a charge is made; notifications: a
customer reads his own.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import Any

from shared.platform.kill import kill_self

MODULES = ("catalog", "orders", "payments", "notifications")
_LEAK_PIECE = 1 << 20

_file: str = ""
_read_at: int = -1
_faults: dict[str, dict[str, Any]] = {}
_leaked: list[bytearray] = []


class InjectedFailure(Exception):
    """A defect made on purpose; to whoever answers it is one like any other: a 500."""


def enable(faults_file: str, *, local_mode: bool) -> None:
    """Look at this file from now on; an empty name turns faults off. Raises ValueError outside local mode."""
    global _file, _read_at, _faults
    if faults_file and not local_mode:
        raise ValueError("faults are refused outside local mode: unset FAULTS_FILE")
    _file, _read_at, _faults = faults_file, -1, {}


def inject(module: str, about: str = "") -> None:
    """Mark that a module is entered; `about` is what poison is looked for in. Free of charge when off.

    Raises InjectedFailure where failures are made.
    """
    if not _file:
        return
    fault = _current().get(module)
    if not fault:
        return
    if fault.get("poison") and fault["poison"] in about:
        kill_self()  # as a defect in a native library would end it
    if hog_ms := fault.get("hog_ms"):
        _burn(hog_ms / 1000)
    if leak_mb := fault.get("leak_mb"):
        _leak(leak_mb, fault.get("memory_limit_mb"))
    if random.random() < fault.get("fail_share", 0.0):
        raise InjectedFailure(module)


def _current() -> dict[str, dict[str, Any]]:
    global _read_at, _faults  # noqa: PLW0603
    try:
        changed_at = os.stat(_file).st_mtime_ns
        if changed_at != _read_at:
            with open(_file, encoding="utf-8") as file:
                _faults = json.load(file)
            _read_at = changed_at
    except (OSError, ValueError):
        _read_at, _faults = -1, {}
        _leaked.clear()
    return _faults


def _burn(cpu_s: float) -> None:
    """Use CPU, by this thread's own clock: what waits for the interpreter's lock burns no less."""
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        sum(range(2_000))


def _leak(megabytes: int, limit_mb: int | None) -> None:
    for _ in range(megabytes):
        _leaked.append(bytearray(os.urandom(64)) * (_LEAK_PIECE // 64))  # touched, so that it is really there
    if limit_mb and _resident_mb() > limit_mb:
        kill_self()  # as the kernel does to a container above its limit


def _resident_mb() -> float:
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    import resource  # noqa: PLC0415  (not on every system)

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
