"""How an architecture is drawn: where its parts stand, and which links there are between them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from deploy.model.topology import SERVICES

WIDTH, HEIGHT = 640, 330


@dataclass(frozen=True)
class Node:
    """A part, or somebody outside. `x`, `y` are its middle; `inside` are modules that live in it."""

    id: str
    kind: str  # people, envoy, app, postgres, nats, outside
    x: int
    y: int
    inside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """A way between two nodes. `flow` names what is counted on it: `outer:orders`, `database:web`."""

    start: str
    end: str
    flow: str


def of(stack: str) -> dict[str, Any]:
    """Return the drawing of a stack as plain values for the page."""
    nodes, links = _monolith() if stack == "monolith" else _services()
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "nodes": [asdict(node) for node in nodes],
        "links": [asdict(link) for link in links],
    }


def _monolith() -> tuple[list[Node], list[Link]]:
    nodes = [
        Node("customers", "people", 55, 150),
        Node("edge", "envoy", 165, 150),
        Node("web", "app", 325, 150, inside=SERVICES),
        Node("db", "postgres", 500, 150),
        Node("provider", "outside", 500, 285),
        Node("mail", "outside", 325, 285),
    ]
    links = [
        Link("customers", "edge", "edge"),
        Link("edge", "web", "outer:web"),
        Link("web", "db", "database:web"),
        Link("web", "provider", "provider:web"),
        Link("web", "mail", "mail:web"),
    ]
    return nodes, links


def _services() -> tuple[list[Node], list[Link]]:
    rows = {service: 40 + 62 * row for row, service in enumerate(SERVICES)}
    nodes = [Node("customers", "people", 55, 133), Node("edge", "envoy", 165, 133)]
    links = [Link("customers", "edge", "edge")]
    for service, y in rows.items():
        nodes += [Node(service, "app", 335, y), Node(f"{service}-db", "postgres", 545, y)]
        links += [
            Link("edge", service, f"outer:{service}"),
            Link(service, f"{service}-db", f"database:{service}"),
            Link(service, "broker", f"broker:{service}"),
        ]
    nodes += [
        Node("broker", "nats", 440, 296),
        Node("provider", "outside", 110, 296),
        Node("mail", "outside", 270, 296),
    ]
    links += [
        Link("orders", "catalog", "inner:catalog"),
        Link("orders", "payments", "inner:payments"),
        Link("payments", "provider", "provider:payments"),
        Link("notifications", "mail", "mail:notifications"),
    ]
    return nodes, links
