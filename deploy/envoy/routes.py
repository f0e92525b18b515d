"""Which public path goes to which part. What is not listed is answered 404 by the edge itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from deploy.envoy import faults
from deploy.envoy.fragments import fragment
from deploy.envoy.traffic_split import TrafficSplit
from deploy.model.extras import RECOMMENDATIONS
from deploy.model.parts import WEB_ORDERS, Stack

EDGE_DEADLINE_S = 8.0
ANSWERED_BY = "x-answered-by"  # which cluster, where requests are shared out
INNER_PREFIX = "/internal"
INNER_DEADLINE_S = 4.0  # behind the callers' own deadline of 3 s: only for a caller that forgot

# /healthz, /readyz, /metrics and /internal are for operators and services: they are not in this list on purpose.
SERVICE_OF_PREFIX = {
    "/storefront": "catalog",
    "/docs": "catalog",
    "/products": "catalog",
    "/categories": "catalog",
    "/orders": "orders",
    "/payments": "payments",
    "/webhooks/payments": "payments",
    "/notifications": "notifications",
}
# Kinds of requests that are counted and timed at the edge: in a monolith one application answers all of them.
COUNTED = {
    "orders": {":method": "POST", ":path": "/orders"},
    "browsing": {":method": "GET", ":path": "/(products|categories).*"},
}
# A part that only some shops have answers below a path of another; it is asked within a page, so it has little time.
RECOMMENDATIONS_PATH = "/products/[^/]+/recommendations"
RECOMMENDATIONS_DEADLINE_S = 2.0
WHOLE_SHOP = {"monolith": "web", "colocated": "app"}  # one application behind the same public paths
POOLED = ("orders", "payments")  # what a pool of its own answers, where the monolith has one


def owner_of(stack: Stack, service: str) -> str:
    """Return the part that answers the public routes of a service: itself, or the application that holds it."""
    if service in POOLED and any(part.name == WEB_ORDERS for part in stack.parts):
        return WEB_ORDERS
    return service if service in stack.extracted else WHOLE_SHOP.get(stack.name, service)


def edge_routes(stack: Stack, shares: Sequence[TrafficSplit] = ()) -> list[dict[str, Any]]:
    """Return the routes of the public listener. `shares` come first: they say it of some requests, not of all."""
    routed = {part.name for part in stack.parts if part.kind == "app"}
    owners = {prefix: owner_of(stack, service) for prefix, service in SERVICE_OF_PREFIX.items()}
    routes = [
        _route(prefix, owner, EDGE_DEADLINE_S, faults.CUSTOMER) for prefix, owner in owners.items() if owner in routed
    ]
    start_page = [{**route, "match": {"path": "/"}} for route in routes[:1]]  # the storefront's owner has it too
    applicable = [share for share in shares if not share.inner and set(share.weights) <= routed]
    return (
        _recommendations(routed)
        + [_shared(share, EDGE_DEADLINE_S, faults.CUSTOMER) for share in applicable]
        + start_page
        + routes
    )


def inner_routes(stack: Stack, service: str, shares: Sequence[TrafficSplit] = ()) -> list[dict[str, Any]]:
    """Return the routes of the listener through which other parts call this service.

    A monolith also hands on through it what came to it after the service had left.
    """
    routed = {part.name for part in stack.parts if part.kind == "app"}
    applicable = [share for share in shares if share.inner == service and set(share.weights) <= routed]
    shared = [_shared(share, INNER_DEADLINE_S, faults.SERVICES) for share in applicable]
    routes = [*shared, _route(INNER_PREFIX, service, INNER_DEADLINE_S, faults.SERVICES)]
    if stack.name not in WHOLE_SHOP:
        return routes
    public = [prefix for prefix, owner in SERVICE_OF_PREFIX.items() if owner == service]
    routes += [_route(prefix, service, EDGE_DEADLINE_S, faults.SERVICES) for prefix in public]
    return routes + ([{**routes[-1], "match": {"path": "/"}}] if service == SERVICE_OF_PREFIX["/storefront"] else [])


def _recommendations(routed: Collection[str]) -> list[dict[str, Any]]:
    if RECOMMENDATIONS not in routed:
        return []
    route = _route("/products", RECOMMENDATIONS, RECOMMENDATIONS_DEADLINE_S, faults.CUSTOMER)
    return [{**route, "match": {"safe_regex": {"regex": RECOMMENDATIONS_PATH}}}]


def _route(prefix: str, cluster: str, deadline_s: float, caller: str) -> dict[str, Any]:
    return {
        "match": {"path_separated_prefix": prefix},
        "route": {"cluster": cluster, "timeout": f"{deadline_s}s", "retry_policy": fragment("retry_policy")},
        "typed_per_filter_config": {faults.FILTER: faults.on_link(caller, cluster)},
    }


def _shared(share: TrafficSplit, deadline_s: float, caller: str) -> dict[str, Any]:
    """Return the route whose requests are shared out. Each answer tells which cluster gave it."""
    action: dict[str, Any] = {
        "timeout": f"{deadline_s}s",
        "retry_policy": fragment("retry_policy"),
        "weighted_clusters": {
            "clusters": [
                {
                    "name": name,
                    "weight": percent,
                    "typed_per_filter_config": {faults.FILTER: faults.on_link(caller, name)},
                    "response_headers_to_add": [{"header": {"key": ANSWERED_BY, "value": name}}],
                }
                for name, percent in share.weights.items()
                if percent
            ]
        },
    }
    if share.sticky:
        action["weighted_clusters"]["use_hash_policy"] = True
        action["hash_policy"] = [{"header": {"header_name": share.sticky}}]
    if share.mirror and share.mirror_percent:
        some = {"default_value": {"numerator": share.mirror_percent, "denominator": "HUNDRED"}}
        action["request_mirror_policies"] = [{"cluster": share.mirror, "runtime_fraction": some}]
    return {"match": share.match(), "route": action}
