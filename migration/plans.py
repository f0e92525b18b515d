"""How each module moves: its routes, how its reads go over, and what must have come to rest before it comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import psycopg

from deploy.envoy.traffic_split import TrafficSplit
from deploy.model.errors import DeployError
from deploy.runner.interface import Runner
from migration import broker, catalog, notifications, orders, payments
from migration.records import Module

MONOLITH = "web"
NOWHERE = "nats://127.0.0.1:1"
AT_REST_WITHIN_S = 3.0
LOOK_EVERY_S = 0.02
UNSENT = "SELECT count(*) FROM outbox WHERE sequence IS NULL"


@dataclass(frozen=True)
class ExtractionPlan:
    """How a module is extracted and comes back.

    `reads`: what nobody can tell from what was true some milliseconds ago is *shifted* to the copy by weight; what
    its owner reads right after having written it is *mirrored*: the copy answers too, and nobody gets its answer.
    `anonymous`: only reads without a token are shifted, for whoever changes something carries one.
    `consumers` of events are forgotten when the module is back. `stops`: the service works on its data by itself, so it
    is stopped before they are taken from it. `is_deaf_at_first`: see `first`.
    """

    module: Module
    prefixes: tuple[str, ...]
    reads: Literal["shifted", "mirrored"]
    anonymous: bool = False
    consumers: tuple[str, ...] = ()
    stops: bool = False
    is_deaf_at_first: bool = False

    def first(self) -> dict[str, str]:
        """Return the settings with which the service starts as a copy.

        A service that takes orders further by what events tell must not hear any before the orders are its own.
        """
        return {"NATS_URL": NOWHERE} if self.is_deaf_at_first else {}

    def reading(self, percent: int) -> list[TrafficSplit]:
        """Return the shares while the service is a copy: `percent` of the reads go to it."""
        name = self.module.name
        if self.reads == "mirrored":
            return [
                TrafficSplit(prefix, {MONOLITH: 100}, methods=("GET",), mirror=name, mirror_percent=percent)
                for prefix in self.prefixes
            ]
        return [
            TrafficSplit(prefix, {MONOLITH: 100 - percent, name: percent}, methods=("GET",), anonymous=self.anonymous)
            for prefix in self.prefixes
        ]

    def all_of_it(self, percent: int) -> list[TrafficSplit]:
        """Return the shares once the service is the owner: reads as far as they were, and `percent` of the rest."""
        reads = self.reading(100) if self.reads == "shifted" else []
        return reads + [
            TrafficSplit(prefix, {MONOLITH: 100 - percent, self.module.name: percent}) for prefix in self.prefixes
        ]

    def back(self, percent: int) -> list[TrafficSplit]:
        """Return the shares as it comes back: `percent` of everything goes to the monolith again."""
        return [TrafficSplit(prefix, {MONOLITH: percent, self.module.name: 100 - percent}) for prefix in self.prefixes]


PLANS: Mapping[str, ExtractionPlan] = {
    "notifications": ExtractionPlan(notifications.MODULE, ("/notifications",), "shifted", consumers=("notifications",)),
    "catalog": ExtractionPlan(
        catalog.MODULE,
        ("/products", "/categories", "/storefront", "/docs"),
        "shifted",
        anonymous=True,
        consumers=("catalog",),
    ),
    # `orders` is the consumer of payment events, whoever does the work of orders.
    "payments": ExtractionPlan(
        payments.MODULE, ("/payments", "/webhooks/payments"), "mirrored", consumers=("payments", "orders"), stops=True
    ),
    "orders": ExtractionPlan(orders.MODULE, ("/orders",), "mirrored", stops=True, is_deaf_at_first=True),
}


def come_to_rest(runner: Runner, plan: ExtractionPlan) -> None:
    """Return when everything that the monolith has told this service has taken effect. The gates are closed.

    Raises DeployError if that takes too long.
    """
    name, stack = plan.module.name, runner.stack
    monitor = runner.site.url(stack.name, "broker", "monitor")
    if name == "catalog":  # an order that is placed and not priced yet can only be carried on with the service
        placed = "SELECT count(*) FROM orders WHERE status = 'placed'"
        _until("placed orders", lambda: _count(database_of(runner, "monolith", name), placed))
    if plan.stops:
        runner.hold(name)
        return
    _until(
        f"events for {name}",
        lambda: _count(database_of(runner, "monolith", name), UNSENT) + broker.owed(monitor, name),
    )
    if name == "notifications":  # else a mail that is just being sent would be sent twice
        queued = "SELECT count(*) FROM notifications WHERE status = 'queued'"
        _until("mails", lambda: _count(database_of(runner, "service", name), queued), must=False)


def listen(runner: Runner, plan: ExtractionPlan) -> None:
    """Let a service that has become the owner of its data hear of events; it answers requests meanwhile."""
    name = plan.module.name
    monolith = database_of(runner, "monolith", name)
    _until("events of the monolith", lambda: _count(monolith, UNSENT))
    runner.scale(name, 2)
    runner.configure(name, {"NATS_URL": None})  # one after the other
    runner.scale(name, 1)


def hand_over_events(runner: Runner, plan: ExtractionPlan) -> None:
    """Tell what a service that was stopped has in its outbox, through the monolith. The gates are closed.

    What it has sent, and has not seen handled, is sent once more: the broker might lose it, and inboxes know it.
    """
    if plan.module.name != "orders":
        return  # what payments have not told is asked again
    with (
        psycopg.connect(database_of(runner, "service", "orders")) as service,
        psycopg.connect(database_of(runner, "monolith", "orders")) as monolith,
    ):
        rows = service.execute("DELETE FROM outbox RETURNING id, type, payload").fetchall()
        for _, event_type, payload in sorted(rows):
            monolith.execute("INSERT INTO outbox (type, payload) VALUES (%s, %s)", [event_type, payload])


def database_of(runner: Runner, side: str, name: str) -> str:
    """Return the address of the database that a side keeps a module in."""
    return runner.stack.part(MONOLITH if side == "monolith" else name).environment["DATABASE_URL"]


def _until(what: str, remaining: Callable[[], int], *, must: bool = True) -> None:
    deadline = time.monotonic() + AT_REST_WITHIN_S
    while remaining():
        if time.monotonic() > deadline:
            if must:
                raise DeployError(f"There were still {what} under way after {AT_REST_WITHIN_S:.0f} s.")
            return
        time.sleep(LOOK_EVERY_S)


def _count(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])
