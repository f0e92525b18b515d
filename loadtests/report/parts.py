"""Parts of a build as the report shows them: in families, and always in the same order and colour."""

from __future__ import annotations

from collections.abc import Iterable

FAMILIES = ("edge", "applications", "broker", "databases")
_APPLICATIONS = ("web", "app", "catalog", "orders", "payments", "notifications")
_DATABASES = ("db", "catalog-db", "orders-db", "payments-db", "notifications-db")


def family(part: str) -> str:
    """Return the family of a part: edge, applications, broker or databases."""
    if part == "edge":
        return "edge"
    if part == "broker":
        return "broker"
    return "databases" if part == "db" or part.endswith("-db") else "applications"


def colour(part: str) -> str:
    """Return the name of the colour of a part; the page knows what it looks like in light and in dark."""
    kin = family(part)
    shades = {"applications": _APPLICATIONS, "databases": _DATABASES}.get(kin)
    if shades is None:
        return f"part-{kin}"
    # A lone application or database has the first shade; four of them are told apart.
    shade = max(shades.index(part) - (len(shades) - 4), 0) + 1 if part in shades else 1
    return f"part-{kin}-{shade}"


def in_order(parts: Iterable[str]) -> list[str]:
    """Return parts by family, then in the order in which an order passes them."""
    known = (*_APPLICATIONS, *_DATABASES)
    return sorted(
        set(parts),
        key=lambda part: (FAMILIES.index(family(part)), known.index(part) if part in known else len(known), part),
    )
