"""Listeners: what a request must be like to pass, and the filters it passes through."""

from __future__ import annotations

from typing import Any

from deploy.envoy import faults
from deploy.envoy.local_replies import local_replies

MAX_BODY_BYTES = 64 * 1024
MAX_HEADERS_KIB = 16
HEADERS_WITHIN_S = 3
REQUEST_WITHIN_S = 5
IDLE_STREAM_S = 10  # longer than the edge's deadline, which therefore always answers first
IDLE_CONNECTION_S = 60
MAX_CLIENT_CONNECTIONS = 10_000  # at the edge; whoever comes on top is hung up on
RATE_PER_S = 50
RATE_LIMIT_KEY = "twinshop.rate_limit_percent"
CONNECTION_LIMIT_KEY = "envoy.resource_limits.listener.edge.connection_limit"

_TYPE = "type.googleapis.com/envoy.extensions.filters"


def listener(name: str, address: str, port: int, routes: dict[str, Any], *, public: bool) -> dict[str, Any]:
    """Return a listener. `public`: it is the edge, which believes no header about the request's origin.

    `routes` is either `{"route_config": ...}`, or `{"rds": ...}`: where Envoy finds and watches them.
    """
    return {
        "name": name,
        "address": {"socket_address": {"address": address, "port_value": port}},
        "per_connection_buffer_limit_bytes": 2 * MAX_BODY_BYTES,
        "filter_chains": [{"filters": [_connection_manager(name, routes, public=public)]}],
    }


def route_configuration(name: str, routes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return routes as Envoy takes them, for every host name."""
    return {"name": name, "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}]}


def _connection_manager(name: str, routes: dict[str, Any], *, public: bool) -> dict[str, Any]:
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{_TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": name,
            "codec_type": "HTTP1",
            "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "localhost"},  # ab sends 1.0
            "server_header_transformation": "PASS_THROUGH",
            "normalize_path": True,
            "merge_slashes": True,
            # At the edge each request gets an id of its own; between services the caller's id goes on.
            "use_remote_address": public,
            "skip_xff_append": not public,
            "generate_request_id": True,
            "preserve_external_request_id": not public,
            "always_set_request_id_in_response": public,
            # Nobody is internal: else a customer's x-envoy-* headers could change deadlines and retries.
            "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
            "max_request_headers_kb": MAX_HEADERS_KIB,
            "request_headers_timeout": f"{HEADERS_WITHIN_S}s",
            "request_timeout": f"{REQUEST_WITHIN_S}s",
            "stream_idle_timeout": f"{IDLE_STREAM_S}s",
            "common_http_protocol_options": {
                "idle_timeout": f"{IDLE_CONNECTION_S}s",
                "max_headers_count": 100,
                # WSGI takes Idempotency_Key for Idempotency-Key, ASGI does not: no application gets to see the first.
                "headers_with_underscores_action": "DROP_HEADER",
            },
            "local_reply_config": local_replies(),
            **routes,
            "http_filters": _filters(public=public),
        },
    }


def _filters(*, public: bool) -> list[dict[str, Any]]:
    """The filters in order. The fault filter is the first: it must delay what the others would pass."""
    return [
        {"name": faults.FILTER, "typed_config": {"@type": faults.TYPE}},  # each route says which fault
        *([_rate_limit()] if public else []),
        _body_limit(),
        {
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": f"{_TYPE}.http.router.v3.Router", "suppress_envoy_headers": True},
        },
    ]


def _rate_limit() -> dict[str, Any]:
    """A limit for the whole edge, off until its runtime key is set to 100 through the admin interface."""
    return {
        "name": "envoy.filters.http.local_ratelimit",
        "typed_config": {
            "@type": f"{_TYPE}.http.local_ratelimit.v3.LocalRateLimit",
            "stat_prefix": "edge",
            "token_bucket": {"max_tokens": RATE_PER_S, "tokens_per_fill": RATE_PER_S, "fill_interval": "1s"},
            "filter_enabled": {"runtime_key": RATE_LIMIT_KEY, "default_value": {"numerator": 0}},
            "filter_enforced": {
                "runtime_key": "twinshop.rate_limit_enforced_percent",
                "default_value": {"numerator": 100},
            },
        },
    }


def _body_limit() -> dict[str, Any]:
    """Holds a body until it is complete, so that a slow sender costs the applications nothing."""
    return {
        "name": "envoy.filters.http.buffer",
        "typed_config": {"@type": f"{_TYPE}.http.buffer.v3.Buffer", "max_request_bytes": MAX_BODY_BYTES},
    }
