"""Logging: one line of JSON an event, with the part's name and the trace id."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Any

from shared.platform import tracing

# What PostgreSQL adds to an error is the row or the key at fault, with a customer's address in it.
_ROW_OF_ERROR = re.compile(r"\nDETAIL: .*")


class _JsonLine(logging.Formatter):
    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "part": self._part,
            "logger": record.name,
            "message": _ROW_OF_ERROR.sub("", record.getMessage()),
        }
        if trace_id := tracing.current():
            line["trace_id"] = trace_id
        if record.exc_info:
            line["exception"] = _ROW_OF_ERROR.sub("", self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def configure(part: str, level: str) -> None:
    """Send all logging of this process to stderr as JSON lines. Call once, from a part's main."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine(part))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "alembic", "uvicorn.access", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
