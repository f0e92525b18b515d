"""Tells a running Envoy which replicas there are: one file for each part, replaced by a rename."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from deploy.model.home import write_atomically

FILE = "endpoints.json"


def folder(envoy_folder: Path, part: str) -> Path:
    """Return the folder that Envoy watches for this part."""
    return envoy_folder / "discovery" / part


def publish(envoy_folder: Path, part: str, ports: Sequence[int], host: str = "127.0.0.1") -> None:
    """Replace the list of a part's replicas. Envoy sees renames only: a write in place goes unnoticed."""
    place = folder(envoy_folder, part)
    place.mkdir(parents=True, exist_ok=True)
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}} for port in sorted(ports)
    ]
    resource = {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": part,
        "endpoints": [{"lb_endpoints": endpoints}] if endpoints else [],
    }
    write_atomically(place / FILE, json.dumps({"resources": [resource]}))
