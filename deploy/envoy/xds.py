"""The files that Envoy watches: replaced by a rename, read again at once, without a request lost.

Envoy sees renames only: a write in place goes unnoticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.model.home import write_atomically

FILE = "resources.json"
ENDPOINTS_FILE = "endpoints.json"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


def source(folder: Path, file: str = FILE) -> dict[str, Any]:
    """Return where Envoy finds the resources of this folder."""
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(folder / file), "watched_directory": {"path": str(folder)}},
    }


def publish(folder: Path, kind: str, resources: Sequence[dict[str, Any]], file: str = FILE) -> str:
    """Replace the resources and return their version, by which Envoy can be asked what it has. No news, no rename."""
    folder.mkdir(parents=True, exist_ok=True)
    typed = [{"@type": kind, **resource} for resource in resources]
    version = hashlib.sha256(json.dumps(typed).encode()).hexdigest()[:12]
    content = json.dumps({"version_info": version, "resources": typed}, indent=1)
    path = folder / file
    if not path.exists() or path.read_text("utf-8") != content:
        write_atomically(path, content)
    return version


def discovery_folder(envoy_folder: Path, part: str) -> Path:
    """Return the folder that Envoy watches for the replicas of this part."""
    return envoy_folder / "discovery" / part


def publish_replicas(envoy_folder: Path, part: str, ports: Sequence[int]) -> None:
    """Replace the list of a part's replicas."""
    assignment = load_assignment(part, [("127.0.0.1", port) for port in sorted(ports)])
    publish(discovery_folder(envoy_folder, part), ENDPOINTS, [assignment], ENDPOINTS_FILE)


def load_assignment(cluster: str, addresses: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Return the endpoints of a cluster, which are (host, port)."""
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}} for host, port in addresses
    ]
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": endpoints}] if endpoints else []}
