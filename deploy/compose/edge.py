"""Asks the Envoy in a container or a Pod, or changes it: its admin port answers only inside."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from deploy.compose.site import ADMIN_PORT

Execute = Callable[..., str]  # runs a command inside the container and returns what it wrote

ASK = (
    f"exec 3<>/dev/tcp/127.0.0.1/{ADMIN_PORT} && "
    r"printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' $1 $2 >&3 && cat <&3"
)


def serving_addresses(edge: Execute) -> dict[str, set[str]]:
    """Return the addresses that requests for each part are sent to: found by DNS, and asked for their health.

    By part, because an address that one container has left is given to the next.
    """
    addresses: dict[str, set[str]] = {}
    for cluster in json.loads(_ask(edge, "GET", "/clusters?format=json")).get("cluster_statuses", []):
        hosts = [host for host in cluster.get("host_statuses", []) if not _is_refused(host["health_status"])]
        addresses[cluster["name"]] = {host["address"]["socket_address"]["address"] for host in hosts}
    return addresses


def set_runtime(edge: Execute, values: Mapping[str, str]) -> None:
    """Set runtime keys; they last until the edge restarts."""
    _ask(edge, "POST", f"/runtime_modify?{urlencode(values)}")


def _is_refused(health: dict[str, Any]) -> bool:
    return any(health.get(flag) for flag in ("failed_active_health_check", "failed_outlier_check"))


def _ask(edge: Execute, method: str, path: str) -> str:
    """Send a request from inside the container. Raises DeployError."""
    text = edge("bash", "-c", ASK, "ask", method, path).encode()
    reader: Any = SimpleNamespace(makefile=lambda *_: io.BytesIO(text))  # what `http.client` needs of a socket
    answer = http.client.HTTPResponse(reader)
    answer.begin()
    return answer.read().decode()
