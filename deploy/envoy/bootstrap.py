"""A stack's Envoy as JSON: what it starts with, and what it reads again whenever it is replaced (see xds.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploy.envoy import discovery, shares, xds
from deploy.envoy.clusters import cluster
from deploy.envoy.listeners import listener, route_configuration
from deploy.envoy.routes import edge_routes, inner_routes
from deploy.home import write_atomically
from deploy.parts import Part, Stack

FILE = "envoy.json"
EDGE = "edge"


def bootstrap(stack: Stack, edge: Part, discovery_root: str, address: str = "127.0.0.1") -> dict[str, Any]:
    """Return the whole configuration in one document. Every application of the stack is a cluster.

    `edge` names the listeners' ports. Whoever has no folder that Envoy could watch takes this form.
    """
    return _frame(stack, edge, address) | {
        "static_resources": {
            "listeners": _listeners(stack, edge, address, routes_folder=None),
            "clusters": _clusters(stack, discovery_root),
        },
    }


def write(stack: Stack, edge: Part, folder: Path) -> Path:
    """Write what Envoy starts with, and the list of replicas (none yet) of each application; return its path."""
    for part in stack.parts:
        if part.kind == "app":
            discovery.publish(folder, part.name, [])
    reload(stack, edge, folder)
    sources = {f"{kind}_config": xds.source(folder / kind) for kind in ("cds", "lds")}
    path = folder / FILE
    write_atomically(path, json.dumps(_frame(stack, edge) | {"dynamic_resources": sources}, indent=1))
    return path


def reload(stack: Stack, edge: Part, folder: Path) -> str:
    """Replace clusters, listeners and routes; a running Envoy follows at once. Returns the version of the routes.

    What did not change goes on as it was: no connection is closed, no request is lost.
    """
    for part in stack.parts:
        if part.kind == "app" and not (discovery.folder(folder, part.name) / discovery.FILE).exists():
            discovery.publish(folder, part.name, [])
    xds.publish(folder / "cds", xds.CLUSTER, _clusters(stack, str(folder / "discovery")))
    routes = xds.publish(folder / "rds", xds.ROUTES, [_edge_routes(stack, folder)])
    listeners = _listeners(stack, edge, "127.0.0.1", routes_folder=folder / "rds")
    xds.publish(folder / "lds", xds.LISTENER, listeners)
    return routes


def _edge_routes(stack: Stack, folder: Path) -> dict[str, Any]:
    return route_configuration(EDGE, edge_routes(stack, shares.read(folder)))


def _frame(stack: Stack, edge: Part, address: str = "127.0.0.1") -> dict[str, Any]:
    return {
        "node": {"id": stack.name, "cluster": stack.name},
        "admin": {"address": {"socket_address": {"address": address, "port_value": edge.port("admin")}}},
        # Histograms are brought up to date when somebody asks, not by a timer: a chart of the control room moves every
        # second, and without one nothing is spent on it.
        "stats_flush_on_admin": True,
        "layered_runtime": {
            "layers": [{"name": "base", "static_layer": {}}, {"name": "by-hand", "admin_layer": {}}],
        },
    }


def _clusters(stack: Stack, discovery_root: str) -> list[dict[str, Any]]:
    return [cluster(part.name, f"{discovery_root}/{part.name}") for part in stack.parts if part.kind == "app"]


def _listeners(stack: Stack, edge: Part, address: str, *, routes_folder: Path | None) -> list[dict[str, Any]]:
    """Return the public listener and the inner ones; `routes_folder` is where the public routes are, if not inside."""
    public: dict[str, Any] = {"route_config": route_configuration(EDGE, edge_routes(stack))}
    if routes_folder is not None:
        public = {"rds": {"route_config_name": EDGE, "config_source": xds.source(routes_folder)}}
    found = [listener(EDGE, address, edge.port("http"), public, public=True)]
    for service, port in edge.ports.items():
        if service not in ("http", "admin"):
            inner = {"route_config": route_configuration(f"inner-{service}", inner_routes(service))}
            found.append(listener(f"inner-{service}", address, port, inner, public=False))
    return found
