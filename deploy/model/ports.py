"""Every port of every part, in one place. `TWINSHOP_PORT_SHIFT` is added to all of them."""

from __future__ import annotations

import os

from deploy.model.errors import DeployError

MAX_REPLICAS = 8  # replica i of a part listens on its port + i, so ports of parts keep a distance of ten

PORTS: dict[str, dict[str, dict[str, int]]] = {
    "outside": {
        "provider": {"http": 18401},
        "identity": {"http": 18402},
        "mail": {"smtp": 18403, "http": 18404},
    },
    "monolith": {
        "edge": {"http": 8001, "catalog": 18102, "payments": 18103, "notifications": 18104, "orders": 18105},
        "web": {"http": 18110},
        "web-orders": {"http": 18320},  # only `up monolith --with order-pool`
        "db": {"sql": 18190},
        # Only while these modules are out of the monolith (`twinshop migrate`).
        "catalog": {"http": 18120},
        "orders": {"http": 18130},
        "payments": {"http": 18140},
        "notifications": {"http": 18150},
        "broker": {"nats": 18180, "monitor": 18181},
        "catalog-db": {"sql": 18191},
        "orders-db": {"sql": 18192},
        "payments-db": {"sql": 18193},
        "notifications-db": {"sql": 18194},
    },
    "microservices": {
        "edge": {"http": 8002, "catalog": 18202, "payments": 18203, "notifications": 18204},
        "catalog": {"http": 18210},
        "orders": {"http": 18220},
        "payments": {"http": 18230},
        "notifications": {"http": 18240},
        "recommendations": {"http": 18300},  # only `up --with recommendations`
        "recommendations-db": {"sql": 18296},
        "broker": {"nats": 18280, "monitor": 18281},
        "catalog-db": {"sql": 18291},
        "orders-db": {"sql": 18292},
        "payments-db": {"sql": 18293},
        "notifications-db": {"sql": 18294},
    },
    "colocated": {
        "edge": {"http": 8003},
        "app": {"http": 18310},
        "broker": {"nats": 18380, "monitor": 18381},
        "catalog-db": {"sql": 18391},
        "orders-db": {"sql": 18392},
        "payments-db": {"sql": 18393},
        "notifications-db": {"sql": 18394},
    },
}

# Where a proxy listens while there is a fault on connections (deploy/faults/connections.py): from here on, by stack.
PROXY_PORTS = {"monolith": 18160, "microservices": 18260, "colocated": 18360}
PROXY_LISTENERS = 20

EPHEMERAL = 32_768  # from here on the system hands out ports by itself, for a while, to whoever connects
LARGEST_SHIFT = (
    EPHEMERAL
    - MAX_REPLICAS
    - max(port for parts in PORTS.values() for ports in parts.values() for port in ports.values())
)


def checked_shift(shift: int | str) -> int:
    """Return what may be added to all ports. Raises DeployError for what is no number or leads out of their range."""
    text = str(shift).strip()
    if not text.isascii() or not text.isdecimal() or int(text) > LARGEST_SHIFT:
        raise DeployError(
            f"TWINSHOP_PORT_SHIFT cannot be {text}: a whole number from 0 to {LARGEST_SHIFT}, so that all ports stay "
            f"below {EPHEMERAL}, where the system begins to hand out ports by itself."
        )
    return int(text)


def port_shift() -> int:
    """Return what `TWINSHOP_PORT_SHIFT` adds to all ports. Raises DeployError."""
    return checked_shift(os.environ.get("TWINSHOP_PORT_SHIFT") or 0)
