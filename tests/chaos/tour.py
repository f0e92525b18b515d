"""A tour on which every failpoint is followed, once, by every other: all pairs, each a crash in a recovery."""

from __future__ import annotations

from collections.abc import Sequence

from shared.platform.failpoints import NAMES

# Who passes a failpoint in the services; in the monolith it is the one application.
SERVICE_OF = {
    "order.placed": "orders",
    "order.reserved": "orders",
    "payment.recorded": "payments",
    "payment.charged": "payments",
    "payment.settled": "payments",
    "order.confirmed": "orders",
    "cancel.started": "orders",
    "refund.recorded": "payments",
    "refund.sent": "payments",
    "refund.settled": "payments",
    "cancel.done": "orders",
    "mail.claimed": "notifications",
    "mail.sent": "notifications",
    "outbox.published": "orders",
    "inbox.applied": "catalog",
}


def failpoints_of(build: str) -> list[str]:
    """Return the failpoints that a build has: the monolith has neither outbox nor inbox."""
    return [name for name in NAMES if build != "monolith" or not name.startswith(("outbox", "inbox"))]


def tour_of(points: Sequence[str]) -> list[str]:
    """Return a closed walk that takes each pair of points exactly once. Needs an odd number of points.

    That is an Euler circuit of the complete graph, found as Hierholzer did.
    """
    if len(points) % 2 == 0:
        raise ValueError("with an even number of points some pair would have to be walked twice")
    unvisited = {point: [other for other in points if other != point] for point in points}
    walk: list[str] = []
    path = [points[0]]
    while path:
        here = path[-1]
        if not unvisited[here]:
            walk.append(path.pop())
            continue
        there = unvisited[here].pop()
        unvisited[there].remove(here)
        path.append(there)
    return walk


def stretches(walk: Sequence[str], steps: int) -> list[list[str]]:
    """Cut a walk into pieces of so many steps; each begins where the one before it ended, so that no pair is lost."""
    return [list(walk[at : at + steps + 1]) for at in range(0, len(walk) - 1, steps)]
