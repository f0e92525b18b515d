"""Clusters: how Envoy reaches the replicas of a part, and how much of a failing one it takes."""

from __future__ import annotations

from typing import Any

# Below the applications' own keep-alive (75 s in uvicorn, 30 s in Granian): it must be Envoy who closes an idle
# connection, or a request meets one that is just being closed, and its outcome is unknown.
UPSTREAM_IDLE_S = 10
CONNECT_TIMEOUT_S = 0.5
MAX_CONNECTIONS = 256
MAX_PENDING = 512
MAX_REQUESTS = 1024
MAX_RETRIES = 16
# A frozen replica takes connections and answers nothing. It is out of turn after two questions without an answer, and
# back with the first answer. Where no replica answers, all are sent to: they may only be slow.
ASK_EVERY_S = 1
ASK_TIMEOUT_S = 2
GONE_AFTER = 2


def cluster(name: str, discovery_folder: str) -> dict[str, Any]:
    """Return a cluster whose replicas are listed by a file in `discovery_folder` (see discovery.py)."""
    return {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {
            "eds_config": {
                "resource_api_version": "V3",
                "path_config_source": {
                    "path": f"{discovery_folder}/endpoints.json",
                    "watched_directory": {"path": discovery_folder},
                },
            }
        },
        "connect_timeout": f"{CONNECT_TIMEOUT_S}s",
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": MAX_CONNECTIONS,
                    "max_pending_requests": MAX_PENDING,
                    "max_requests": MAX_REQUESTS,
                    "max_retries": MAX_RETRIES,
                }
            ]
        },
        "outlier_detection": _ejection(),
        "health_checks": health_checks(ASK_TIMEOUT_S),
        "ignore_health_on_host_removal": True,  # who is not listed any more was told to stop
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}, "update_merge_window": "0s"},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {}},
                "common_http_protocol_options": {"idle_timeout": f"{UPSTREAM_IDLE_S}s"},
            }
        },
    }


def health_checks(timeout_s: float) -> list[dict[str, Any]]:
    """Return how replicas are asked whether they live; `timeout_s` is how long one may take to answer."""
    return [
        {
            "timeout": f"{timeout_s}s",
            "interval": f"{ASK_EVERY_S}s",
            "no_traffic_interval": f"{ASK_EVERY_S}s",
            "healthy_threshold": 1,
            "unhealthy_threshold": GONE_AFTER,
            "http_health_check": {"path": "/healthz"},
        }
    ]


def _ejection() -> dict[str, Any]:
    """Eject a replica that cannot be connected to, for a moment. Answers of 5xx are answers: they eject nobody."""
    return {
        "interval": "0.5s",
        "base_ejection_time": "0.5s",
        "max_ejection_time": "1s",
        "max_ejection_percent": 50,
        "always_eject_one_host": False,
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 3,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
    }
