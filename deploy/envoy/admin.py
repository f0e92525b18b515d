"""Asks a running Envoy, or changes it, through its admin port."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlencode

from deploy.model.errors import NotRunning

TIMEOUT_S = 2.0


def replica_ports(admin_port: int, part: str) -> set[int]:
    """Return the ports of the replicas that Envoy knows of a part. Raises NotRunning."""
    answer = json.loads(ask(admin_port, "/clusters?format=json"))
    for status in answer.get("cluster_statuses", []):
        if status["name"] == part:
            return {host["address"]["socket_address"]["port_value"] for host in status.get("host_statuses", [])}
    return set()


def routes_versions(admin_port: int) -> dict[str, str]:
    """Return the version of each listener's routes by which Envoy decides now, by name. Raises NotRunning."""
    dump = json.loads(ask(admin_port, "/config_dump?resource=dynamic_route_configs"))
    return {one["route_config"]["name"]: str(one.get("version_info", "")) for one in dump.get("configs", [])}


def set_runtime(admin_port: int, values: Mapping[str, str]) -> None:
    """Set runtime keys; they last until Envoy restarts. Raises NotRunning."""
    ask(admin_port, f"/runtime_modify?{urlencode(values)}", method="POST")


def ask(admin_port: int, path: str, method: str = "GET") -> str:
    """Return what the admin port answers. Raises NotRunning."""
    request = urllib.request.Request(f"http://127.0.0.1:{admin_port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError) as error:
        raise NotRunning(f"Envoy does not answer on its admin port {admin_port}: {error}") from error
