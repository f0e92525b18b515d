"""Draws the stacks from the topology: Mermaid in Markdown, as code hosts show it. `twinshop pictures`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deploy.envoy.routes import SERVICE_OF_PREFIX, WHOLE_SHOP
from deploy.model.home import REPOSITORY, write_atomically
from deploy.model.parts import Part, Secrets, Site, Stack
from deploy.model.topology import SHOPS, stack
from deploy.runner.console import console

PAGE = REPOSITORY / "docs" / "architecture.md"
TITLES = {
    "monolith": "The monolith",
    "microservices": "The services",
    "colocated": "Colocated: the same services in one process",
}
HEAD = """# The parts and who speaks to whom

Drawn by `twinshop pictures` from [deploy/model/topology.py](../deploy/model/topology.py), which is what runs; a test
fails if this page is stale. A line is an address in the settings of a part, or a route of the edge. Dotted: the
outside world, the same for all shops and part of none.
"""
_PORT = re.compile(r":(\d{4,5})\b")
_SHAPES = {"app": ("[", "]"), "postgres": ("[(", ")]"), "nats": ("{{", "}}"), "envoy": ("([", "])")}
_SITE = Site(Secrets(b"drawn"), keys="keys", data="data")  # standard ports; nothing is generated

ON_DEMAND = ("NOTIFICATIONS_URL",)  # known to the orders service, and used only where that is asked for


def pictures() -> None:
    """Draw both architectures anew, from the topology, into docs/architecture.md."""
    write_atomically(PAGE, page())
    console.print(f"Drawn: {PAGE.relative_to(REPOSITORY)}")


def page() -> str:
    """Return the page: a picture and a table for each shop."""
    outside = stack("outside", _SITE)
    sections = [f"## {TITLES[name]}\n\n{_picture(shop, outside)}\n{_table(shop)}" for name, shop in _shops()]
    return "\n".join([HEAD, *sections])


def _shops() -> Iterator[tuple[str, Stack]]:
    for name in SHOPS:
        yield name, stack(name, _SITE)


def _picture(shop: Stack, outside: Stack) -> str:
    lines = ["```mermaid", "flowchart LR", "    customer((customer))"]
    lines += [f"    {_node(part)}" for part in shop.parts]
    lines.append('    subgraph outside ["the outside world"]')
    lines += [f"        {_node(part)}" for part in outside.parts]
    lines.append("    end")
    lines.append("    customer --> edge")
    lines += [f"    {line}" for line in dict.fromkeys(_lines(shop, outside))]
    return "\n".join([*lines, "```", ""])


def _lines(shop: Stack, outside: Stack) -> Iterator[str]:
    """Yield the edge's routes, and then the addresses in the settings of each part."""
    apps = {part.name for part in shop.parts if part.kind == "app"}
    paths: dict[str, list[str]] = {}
    for prefix, service in SERVICE_OF_PREFIX.items():
        owner = WHOLE_SHOP.get(shop.name, service)
        if owner in apps:
            paths.setdefault(owner, []).append(prefix)
    for owner, prefixes in paths.items():
        yield f'edge -- "{" ".join(prefixes)}" --> {_id(owner)}' if len(paths) > 1 else f"edge --> {_id(owner)}"
    inner = {port: name for part in shop.parts if part.kind == "envoy" for name, port in part.ports.items()}
    shop_parts = {port: part.name for part in shop.parts if part.kind != "envoy" for port in part.ports.values()}
    outside_parts = {port: part.name for part in outside.parts for port in part.ports.values()}
    for part in shop.parts:
        for name, value in part.environment.items():
            ports = [int(port) for port in _PORT.findall(value)]
            if name.endswith("_PORT") and value.isdigit():
                ports.append(int(value))
            for port in ports:
                if shop_parts.get(port, part.name) != part.name:
                    yield f"{_id(part.name)} --> {_id(shop_parts[port])}"
                elif inner.get(port) in apps:
                    arrow = (
                        '-. "in the variant direct_notification" .->'
                        if name in ON_DEMAND
                        else '-- "through the edge" -->'
                    )
                    yield f"{_id(part.name)} {arrow} {_id(inner[port])}"
                elif port in outside_parts:
                    yield f"{_id(part.name)} -.-> {_id(outside_parts[port])}"


def _node(part: Part) -> str:
    opening, closing = _SHAPES[part.kind]
    label = "Envoy: edge" if part.kind == "envoy" else "NATS: broker" if part.kind == "nats" else part.name
    return f'{_id(part.name)}{opening}"{label}"{closing}'


def _id(name: str) -> str:
    return name.replace("-", "_")


def _table(shop: Stack) -> str:
    rows = ["| part | what runs | ports | needs | replicas |", "|---|---|---|---|---|"]
    for part in shop.parts:
        command = " ".join(part.command[:3]) if part.command[0] == "python" else part.command[0]
        ports = ", ".join(f"{name} {port}" for name, port in part.ports.items())
        many = "any number" if part.scalable else "one"
        rows.append(f"| {part.name} | `{command}` | {ports} | {', '.join(part.needs)} | {many} |")
    return "\n".join([*rows, ""])
