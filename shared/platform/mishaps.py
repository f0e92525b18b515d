"""Mishaps of a module, made on purpose: hog, leak, poison, failures. Off unless enabled; local mode only.

`FAULTS_FILE` names a JSON file that is read whenever it has changed, so that a mishap comes and goes without a
restart: `{"payments": {"hog_ms": 300, "leak_mb": 5, "memory_limit_mb": 300, "poison": "text", "fail_share": 0.2}}`.
A file that is not there is no mishap. Each module has one entrance at which it happens, the same one in both builds:
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

from shared.platform.dying import die

MODULES = ("catalog", "orders", "payments", "notifications")
_LEAK_PIECE = 1 << 20

_file: str = ""
_read_at: int = -1
_mishaps: dict[str, dict[str, Any]] = {}
_leaked: list[bytearray] = []


class PlantedFailure(Exception):
    """A defect made on purpose; to whoever answers it is one like any other: a 500."""


def enable(faults_file: str, *, local_mode: bool) -> None:
    """Look at this file from now on; an empty name turns mishaps off. Raises ValueError outside local mode."""
    global _file, _read_at, _mishaps
    if faults_file and not local_mode:
        raise ValueError("mishaps are refused outside local mode: unset FAULTS_FILE")
    _file, _read_at, _mishaps = faults_file, -1, {}


def enter(module: str, about: str = "") -> None:
    """Mark that a module is entered; `about` is what poison is looked for in. Free of charge when off.

    Raises PlantedFailure where failures are planted.
    """
    if not _file:
        return
    mishap = _current().get(module)
    if not mishap:
        return
    if mishap.get("poison") and mishap["poison"] in about:
        die()  # as a defect in a native library would end it
    if hog_ms := mishap.get("hog_ms"):
        _burn(hog_ms / 1000)
    if leak_mb := mishap.get("leak_mb"):
        _leak(leak_mb, mishap.get("memory_limit_mb"))
    if random.random() < mishap.get("fail_share", 0.0):
        raise PlantedFailure(module)


def _current() -> dict[str, dict[str, Any]]:
    global _read_at, _mishaps  # noqa: PLW0603
    try:
        changed_at = os.stat(_file).st_mtime_ns
        if changed_at != _read_at:
            with open(_file, encoding="utf-8") as file:
                _mishaps = json.load(file)
            _read_at = changed_at
    except (OSError, ValueError):
        _read_at, _mishaps = -1, {}
        _leaked.clear()
    return _mishaps


def _burn(cpu_s: float) -> None:
    """Use CPU, by this thread's own clock: what waits for the interpreter's lock burns no less."""
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        sum(range(2_000))


def _leak(megabytes: int, limit_mb: int | None) -> None:
    for _ in range(megabytes):
        _leaked.append(bytearray(os.urandom(64)) * (_LEAK_PIECE // 64))  # touched, so that it is really there
    if limit_mb and _resident_mb() > limit_mb:
        die()  # as the kernel does to a container above its limit


def _resident_mb() -> float:
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    import resource  # noqa: PLC0415  (not on every system)

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
