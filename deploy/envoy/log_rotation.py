"""Keeps the edge's log of traced requests from growing for ever: put aside when it is large, as parts do with spans."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.envoy import admin
from deploy.envoy.access_log import SETTINGS_FILE

MAX_BYTES = 32 << 20  # of a file; the one before it is kept too
OLDER = ".1"


def rotate(envoy_folder: Path, socket_path: str, max_bytes: int = MAX_BYTES) -> bool:
    """Put the log aside if it is larger, in place of what was put aside before; return whether it was.

    Envoy writes on into the file that it has open until it is told, so no line is lost. Raises NotRunning, OSError.
    """
    try:
        log = Path(json.loads((envoy_folder / SETTINGS_FILE).read_text("utf-8"))["log"])
    except FileNotFoundError:
        return False
    older = log.with_name(log.name + OLDER)
    is_large = log.exists() and log.stat().st_size > max_bytes
    if is_large:
        log.replace(older)
    if is_large or (older.exists() and not log.exists()):  # it may not have heard of it the last time
        admin.ask(socket_path, "/reopen_logs", method="POST")
    return is_large
