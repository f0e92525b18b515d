"""The whole configuration of a stack's Envoy, as one JSON document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploy.envoy import discovery
from deploy.envoy.clusters import cluster
from deploy.envoy.listeners import listener
from deploy.envoy.routes import edge_routes, inner_routes
from deploy.home import write_atomically
from deploy.parts import Part, Stack

FILE = "envoy.json"


def bootstrap(stack: Stack, edge: Part, discovery_root: str, address: str = "127.0.0.1") -> dict[str, Any]:
    """Return the configuration. Every application of the stack is a cluster; `edge` names the listeners' ports."""
    listeners = [listener("edge", address, edge.port("http"), edge_routes(stack), public=True)]
    for service, port in edge.ports.items():
        if service not in ("http", "admin"):
            listeners.append(listener(f"inner-{service}", address, port, inner_routes(service), public=False))
    return {
        "node": {"id": stack.name, "cluster": stack.name},
        "admin": {"address": {"socket_address": {"address": address, "port_value": edge.port("admin")}}},
        # Histograms are brought up to date when somebody asks, not by a timer: a chart of the control room moves every
        # second, and without one nothing is spent on it.
        "stats_flush_on_admin": True,
        "layered_runtime": {
            "layers": [{"name": "base", "static_layer": {}}, {"name": "by-hand", "admin_layer": {}}],
        },
        "static_resources": {
            "listeners": listeners,
            "clusters": [
                cluster(part.name, f"{discovery_root}/{part.name}") for part in stack.parts if part.kind == "app"
            ],
        },
    }


def write(stack: Stack, edge: Part, folder: Path) -> Path:
    """Write the configuration, and the list of replicas (none yet) of each application, and return its path."""
    for part in stack.parts:
        if part.kind == "app":
            discovery.publish(folder, part.name, [])
    path = folder / FILE
    write_atomically(path, json.dumps(bootstrap(stack, edge, str(folder / "discovery")), indent=1))
    return path
