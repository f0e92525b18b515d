"""A stack's Envoy as JSON: what it starts with, and what it reads again whenever it is replaced (see xds.py)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.envoy import traffic_split, xds
from deploy.envoy.access_log import with_access_log
from deploy.envoy.clusters import cluster
from deploy.envoy.fragments import fragment
from deploy.envoy.listeners import listener, route_configuration
from deploy.envoy.routes import COUNTED, edge_routes, inner_routes
from deploy.envoy.traffic_split import TrafficSplit
from deploy.model.home import write_atomically
from deploy.model.parts import Part, Stack
from shared.platform.tracing import TRACEPARENT

FILE = "envoy.json"
EDGE = "edge"


def bootstrap(stack: Stack, edge: Part, folder: Path, address: str = "127.0.0.1") -> dict[str, Any]:
    """Return the whole configuration in one document. Every application of the stack is a cluster.

    `edge` names the listeners' ports. Whoever has no folder that Envoy could watch takes this form.
    """
    return _frame(stack, edge) | {
        "static_resources": {
            "listeners": _listeners(stack, edge, address, routes_folder=None),
            "clusters": _clusters(stack, folder),
        },
    }


def write(stack: Stack, edge: Part, folder: Path) -> Path:
    """Write what Envoy starts with, and the list of replicas (none yet) of each application; return its path."""
    for part in stack.parts:
        if part.kind == "app":
            xds.publish_replicas(folder, part.name, [])
    reload(stack, edge, folder)
    sources = {f"{kind}_config": xds.source(folder / kind) for kind in ("cds", "lds")}
    path = folder / FILE
    write_atomically(path, json.dumps(_frame(stack, edge) | {"dynamic_resources": sources}, indent=1))
    return path


def reload(stack: Stack, edge: Part, folder: Path) -> dict[str, str]:
    """Replace clusters, listeners and routes; a running Envoy follows at once. Returns the versions of the routes.

    What did not change goes on as it was: no connection is closed, no request is lost.
    """
    for part in stack.parts:
        if part.kind == "app" and not (xds.discovery_folder(folder, part.name) / xds.ENDPOINTS_FILE).exists():
            xds.publish_replicas(folder, part.name, [])
    xds.publish(folder / "cds", xds.CLUSTER, _clusters(stack, folder))
    shares = traffic_split.read(folder)
    # A folder for each: Envoy expects nothing but what it has asked for.
    versions = {
        routes["name"]: xds.publish(folder / "rds" / routes["name"], xds.ROUTES, [routes])
        for routes in _all_routes(stack, edge, shares)
    }
    listeners = with_access_log(_listeners(stack, edge, "127.0.0.1", routes_folder=folder / "rds"), folder)
    xds.publish(folder / "lds", xds.LISTENER, listeners)
    return versions


def _all_routes(stack: Stack, edge: Part, shares: Sequence[TrafficSplit] = ()) -> list[dict[str, Any]]:
    """Return the routes of each listener, the public one first.

    A stranger decides neither what is traced nor under which id.
    """
    public = route_configuration(EDGE, edge_routes(stack, shares), COUNTED)
    inner = [service for service in edge.ports if service != "http"]
    return [
        public | {"request_headers_to_remove": [TRACEPARENT, "tracestate"]},
        *(route_configuration(f"inner-{service}", inner_routes(stack, service, shares)) for service in inner),
    ]


def _frame(stack: Stack, edge: Part) -> dict[str, Any]:
    return fragment("bootstrap") | {
        "node": {"id": stack.name, "cluster": stack.name},
        "admin": {"address": {"pipe": {"path": edge.admin, "mode": 0o600}}},
    }


def _clusters(stack: Stack, folder: Path) -> list[dict[str, Any]]:
    apps = [part.name for part in stack.parts if part.kind == "app"]
    return [cluster(name, xds.discovery_folder(folder, name)) for name in apps]


def _listeners(stack: Stack, edge: Part, address: str, *, routes_folder: Path | None) -> list[dict[str, Any]]:
    """Return the public listener and the inner ones; `routes_folder` is where their routes are, if not inside."""
    configs = []
    for routes in _all_routes(stack, edge):
        name = routes["name"]
        route_source: dict[str, Any] = {"route_config": routes}
        if routes_folder is not None:
            route_source = {"rds": {"route_config_name": name, "config_source": xds.source(routes_folder / name)}}
        port = edge.port("http" if name == EDGE else name.removeprefix("inner-"))
        configs.append(listener(name, address, port, route_source, public=name == EDGE))
    return configs
