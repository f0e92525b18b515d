"""Asks a running Envoy, or changes it, through the Unix socket of its admin interface."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from deploy.envoy.access_log import SETTINGS_FILE
from deploy.model.errors import NotRunning
from deploy.model.home import read_json
from deploy.runner.unix_http import UnixConnection

TIMEOUT_S = 2.0
MAX_LOG_BYTES = 32 << 20  # of a file; the one before it is kept too
OLDER = ".1"


def replica_ports(socket_path: str, part: str) -> set[int]:
    """Return the ports of the replicas that Envoy knows of a part. Raises NotRunning."""
    answer = json.loads(ask(socket_path, "/clusters?format=json"))
    for status in answer.get("cluster_statuses", []):
        if status["name"] == part:
            return {host["address"]["socket_address"]["port_value"] for host in status.get("host_statuses", [])}
    return set()


def routes_versions(socket_path: str) -> dict[str, str]:
    """Return the version of each listener's routes by which Envoy decides now, by name. Raises NotRunning."""
    dump = json.loads(ask(socket_path, "/config_dump?resource=dynamic_route_configs"))
    return {one["route_config"]["name"]: str(one.get("version_info", "")) for one in dump.get("configs", [])}


def set_runtime(socket_path: str, values: Mapping[str, str]) -> None:
    """Set runtime keys; they last until Envoy restarts. Raises NotRunning."""
    ask(socket_path, f"/runtime_modify?{urlencode(values)}", method="POST")


def rotate_log(envoy_folder: Path, socket_path: str, max_bytes: int = MAX_LOG_BYTES) -> bool:
    """Put the log of traced requests aside if it is larger, as parts do with their spans; return whether it was.

    It takes the place of what was put aside before.

    Envoy writes on into the file that it has open until it is told, so no line is lost. Raises NotRunning, OSError.
    """
    settings = read_json(envoy_folder / SETTINGS_FILE)
    if settings is None:
        return False
    log = Path(settings["log"])
    older = log.with_name(log.name + OLDER)
    is_large = log.exists() and log.stat().st_size > max_bytes
    if is_large:
        log.replace(older)
    if is_large or (older.exists() and not log.exists()):  # it may not have heard of it the last time
        ask(socket_path, "/reopen_logs", method="POST")
    return is_large


def ask(socket_path: str, path: str, method: str = "GET") -> str:
    """Return what the admin interface answers. Raises NotRunning."""
    with contextlib.closing(UnixConnection(socket_path, TIMEOUT_S)) as connection:
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise NotRunning(f"Envoy does not answer at {socket_path}: {error}") from error
    if answer.status != http.HTTPStatus.OK:
        raise NotRunning(f"Envoy answers {answer.status} to {path}: {text.strip()}")
    return text
