"""What the edge adds where tracing is on: a line for each request of a kept trace.

Envoy passes `traceparent` on as it is. Its own spans would need a collector beside it; its access log needs nothing,
knows when a request came and when its answer had left, and is filtered by the id that decides what is kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploy.envoy.fragments import fragment
from deploy.model.home import read_json, write_atomically, writing
from shared.platform.tracing import TRACEPARENT

Json = dict[str, Any]

FILE = "edge.jsonl"
SETTINGS_FILE = "traced.json"  # beside Envoy's configuration
FLUSH_OPTION = ("--file-flush-interval-msec", "500")
_LARGEST = 0xFFF  # of the three digits that a filter looks at
_KEPT_PARENT = {"suffix": "-01"}  # the flags of `traceparent`


def configure(envoy_folder: Path, log_folder: str, ratio: float | None) -> bool:
    """Write down that an edge logs to this folder what is kept of `ratio` of all traces, or nothing any more.

    Return whether that is news.
    """
    file = envoy_folder / SETTINGS_FILE
    before = file.read_text("utf-8") if file.exists() else ""
    if ratio is None:
        file.unlink(missing_ok=True)
        return bool(before)
    now = json.dumps({"log": f"{log_folder}/{FILE}", "ratio": ratio})
    with writing(Path(log_folder)):
        Path(log_folder).mkdir(parents=True, exist_ok=True)
        write_atomically(file, now)
    return now != before


def with_access_log(listeners: list[Json], envoy_folder: Path) -> list[Json]:
    """Return the listeners of an edge, with its log where it was told to keep one."""
    settings = read_json(envoy_folder / SETTINGS_FILE)
    if settings is None:
        return listeners
    for listener in listeners:
        public = listener["name"] == "edge"
        condition = {"safe_regex": {"regex": sampled_ids(settings["ratio"])}} if public else _KEPT_PARENT
        header = {"name": "x-request-id" if public else TRACEPARENT, "string_match": condition}
        for filter_ in listener["filter_chains"][0]["filters"]:
            filter_["typed_config"]["access_log"] = [_log(listener["name"], settings["log"], header)]
    return listeners


def sampled_ids(ratio: float) -> str:
    """Return the expression of the request ids whose traces are kept: a few more than are, and none less.

    It compares the first three of the random digits of a UUID (see shared/platform/trace_context.py).
    """
    largest = min(int(ratio * (_LARGEST + 1)), _LARGEST)
    first, second, third = largest >> 8, largest >> 4 & 15, largest & 15
    patterns = [f"{first:x}{second:x}-{_up_to(third)}"]
    if second:
        patterns.append(f"{first:x}{_up_to(second - 1)}-.")
    if first:
        patterns.append(f"{_up_to(first - 1)}.-.")
    return f".{{21}}({'|'.join(patterns)}).*"


def _up_to(digit: int) -> str:
    return f"[{'0123456789abcdef'[: digit + 1]}]"


def _log(listener: str, path: str, header: Json) -> Json:
    log = fragment("access_log")
    log["filter"] = {"header_filter": {"header": header}}
    log["typed_config"]["path"] = path
    log["typed_config"]["log_format"]["json_format"]["listener"] = listener
    return log
