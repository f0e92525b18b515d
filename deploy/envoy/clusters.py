"""Clusters: how Envoy reaches the replicas of a part, and how it notices that one does not live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.envoy import xds
from deploy.envoy.fragments import fragment

# A frozen replica takes connections and answers nothing. It is out of turn after two questions without an answer, and
# back with the first answer. Where no replica answers, all are sent to: they may only be slow.
ASK_EVERY_S = 1
ASK_TIMEOUT_S = 2
GONE_AFTER = 2


def cluster(name: str, discovery_folder: Path) -> dict[str, Any]:
    """Return a cluster whose replicas are listed by a file in `discovery_folder` (see xds.publish_replicas)."""
    return fragment("cluster") | {
        "name": name,
        "eds_cluster_config": {"eds_config": xds.source(discovery_folder, xds.ENDPOINTS_FILE)},
        "health_checks": health_checks(ASK_TIMEOUT_S),
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
