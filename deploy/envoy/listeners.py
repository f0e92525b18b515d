"""Listeners: what a request must be like to pass, and the filters it passes through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.envoy.fragments import fragment
from deploy.envoy.local_replies import local_replies

BUFFER_BYTES = 128 * 1024  # of a connection: twice the largest body
RATE_LIMIT_KEY = "twinshop.rate_limit_percent"
RATE_LIMIT = "envoy.filters.http.local_ratelimit"


def listener(name: str, address: str, port: int, routes: dict[str, Any], *, public: bool) -> dict[str, Any]:
    """Return a listener. `public`: it is the edge, which believes no header about the request's origin.

    `routes` is either `{"route_config": ...}`, or `{"rds": ...}`: where Envoy finds and watches them.
    """
    manager = fragment("connection_manager")
    manager |= {
        "stat_prefix": name,
        # At the edge each request gets an id of its own; between services the caller's id goes on.
        "use_remote_address": public,
        "skip_xff_append": not public,
        "preserve_external_request_id": not public,
        "always_set_request_id_in_response": public,
        "local_reply_config": local_replies(),
        "http_filters": [one for one in manager["http_filters"] if public or one["name"] != RATE_LIMIT],
        **routes,
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": address, "port_value": port}},
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def route_configuration(
    name: str, routes: list[dict[str, Any]], counted: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, Any]:
    """Return routes as Envoy takes them, for every host name.

    `counted`: kinds of requests with statistics of their own, whichever part answers them; each has a regular
    expression for each header that decides, such as {":method": "GET"}.
    """
    kinds = [
        {"name": kind, "headers": [{"name": header, "string_match": {"safe_regex": {"regex": regex}}}
                                   for header, regex in headers.items()]}
        for kind, headers in (counted or {}).items()
    ]  # fmt: skip
    host = {"name": name, "domains": ["*"], "routes": routes} | ({"virtual_clusters": kinds} if kinds else {})
    return {"name": name, "virtual_hosts": [host]}
