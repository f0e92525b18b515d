"""The files that Envoy watches: replaced by a rename, read again at once, without a request lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.model.home import write_atomically

FILE = "resources.json"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


def source(folder: Path) -> dict[str, Any]:
    """Return where Envoy finds the resources of this folder."""
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(folder / FILE), "watched_directory": {"path": str(folder)}},
    }


def publish(folder: Path, kind: str, resources: Sequence[dict[str, Any]]) -> str:
    """Replace the resources and return their version, by which Envoy can be asked what it has. No news, no rename."""
    folder.mkdir(parents=True, exist_ok=True)
    typed = [{"@type": kind, **resource} for resource in resources]
    version = hashlib.sha256(json.dumps(typed).encode()).hexdigest()[:12]
    content = json.dumps({"version_info": version, "resources": typed}, indent=1)
    path = folder / FILE
    if not path.exists() or path.read_text("utf-8") != content:
        write_atomically(path, content)
    return version
