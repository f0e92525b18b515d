"""The configuration of Envoys in containers, which find replicas by DNS: `python -m deploy.compose.edge_config FOLDER`.

An engine answers a service's name with the addresses of all containers that run, ready or not. So Envoy asks
each new one itself before it sends it anything.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from deploy.compose.site import ADMIN_PORT, STACKS, ComposeSite, inside, service_name
from deploy.envoy.bootstrap import bootstrap
from deploy.envoy.clusters import ASK_EVERY_S, GONE_AFTER, health_checks
from deploy.envoy.clusters import cluster as eds_cluster
from deploy.envoy.fragments import fragment
from deploy.envoy.xds import load_assignment
from deploy.model.parts import Part, Secrets, Stack
from deploy.model.ports import PORTS

ANY = "0.0.0.0"  # noqa: S104  (in a container; what others reach is decided by its networks)
LOOK_UP_EVERY_S = 1.0
ASK_TIMEOUT_S = 5.0  # a part that is overloaded answers late: that is no reason to send it nothing
GONE_WITHIN_S = GONE_AFTER * (ASK_EVERY_S + ASK_TIMEOUT_S) + LOOK_UP_EVERY_S
MAILPIT_UI = 8025

Json = dict[str, Any]

ADMIN: Json = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": ADMIN_PORT}}}


def for_containers(stack: Stack) -> Json:
    """Return the configuration of a shop's edge. Its admin port answers only inside the container."""
    edge = stack.part("edge")
    configuration = bootstrap(stack, edge, Path(), ANY)
    configuration["admin"] = ADMIN
    apps = [part for part in stack.parts if part.kind == "app"]
    configuration["static_resources"]["clusters"] = [replicas(stack.name, part) for part in apps]
    return configuration


def replicas(stack_name: str, part: Part) -> Json:
    """Return the cluster of all containers that carry a part's name."""
    cluster = eds_cluster(part.name, Path())
    del cluster["type"], cluster["eds_cluster_config"]
    return cluster | {
        "cluster_type": _look_up(LOOK_UP_EVERY_S),
        "common_lb_config": cluster["common_lb_config"] | {"healthy_panic_threshold": {"value": 0}},
        "health_checks": health_checks(ASK_TIMEOUT_S),
        "load_assignment": load_assignment(part.name, [(service_name(stack_name, part.name), part.port("http"))]),
    }


def outside() -> Json:
    """Return the configuration of the outside world's edge: it passes connections on, and reads nothing."""
    site = ComposeSite(Secrets(b""))
    targets = {
        name: (numbers["http"], name, site.ports("outside", name)["http"]) for name, numbers in PORTS["outside"].items()
    }
    targets["mailpit"] = (MAILPIT_UI, "mailpit", MAILPIT_UI)
    return {
        "node": {"id": "outside", "cluster": "outside"},
        "admin": ADMIN,
        "static_resources": {
            "listeners": [_passing_on(name, port) for name, (port, _, _) in targets.items()],
            "clusters": [
                {
                    "name": name,
                    "connect_timeout": "0.5s",
                    "cluster_type": _look_up(LOOK_UP_EVERY_S if name != "mailpit" else 30),  # mostly not there
                    "load_assignment": load_assignment(name, [(host, port)]),
                }
                for name, (_, host, port) in targets.items()
            ],
        },
    }


def main(folder: str) -> None:
    """Write one file for each edge."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for name in STACKS:
        config = outside() if name == "outside" else for_containers(inside(Secrets(b""), name))
        (place / f"{name}.json").write_text(json.dumps(config, indent=1), "utf-8")


def _look_up(every_s: float) -> Json:
    cluster_type = fragment("dns_cluster")
    cluster_type["typed_config"] |= {
        "dns_refresh_rate": f"{every_s}s",
        "dns_failure_refresh_rate": {"base_interval": f"{every_s}s", "max_interval": f"{every_s}s"},
    }
    return cluster_type


def _passing_on(name: str, port: int) -> Json:
    proxy = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": name,
        "cluster": name,
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": ANY, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}],
    }


if __name__ == "__main__":
    main(sys.argv[1])
