"""Lab 8: two versions of a service that live side by side understand each other, whichever is deployed first."""

from __future__ import annotations

from deploy.model.home import REPOSITORY
from deploy.runner.console import console
from workshop.checks import require
from workshop.customer import Visitor, until
from workshop.exercise import Exercise

OLD: dict[str, str | None] = {"PYTHONPATH": str(REPOSITORY), "PYTHONSAFEPATH": "1"}
NEW: dict[str, str | None] = dict.fromkeys(OLD)
# What runs the old code while the rest runs the copy.
ROLLOUTS = {"both new": (), "orders first": ("notifications",), "notifications first": ("orders",)}


def check(exercise: Exercise) -> None:
    """Buy while only one side has the new version: a mail comes each time, to the right address."""
    with exercise.up("microservices") as customers:
        customer, runner = customers["microservices"], exercise.runner("microservices")
        is_mailed = {}
        for name, old in ROLLOUTS.items():
            for part in old:
                runner.configure(part, OLD)
            is_mailed[name] = _is_mailed(customer)
            for part in old:
                runner.configure(part, NEW)
    for name, mailed in is_mailed.items():
        console.print(f"{name}: the mail {'came' if mailed else 'did not come'}")
    for name, mailed in is_mailed.items():
        require(mailed, f"With {name} no mail came: the one side does not read what the other side writes.")
    changed = [file for _, _, file in exercise.changes()]
    require(not changed or "shared/contract/events.py" in changed, "The event's form is in shared/contract/events.py.")


def _is_mailed(customer: Visitor) -> bool:
    sku = customer.some_skus(1)[0]
    order = until(lambda: _confirmed(customer, sku), within_s=15)
    require(order, "No order is confirmed any more.")
    mails = until(lambda: customer.mails_about(order), within_s=10)
    return bool(mails) and mails[0]["to"].startswith("crunchy-carla@")


def _confirmed(customer: Visitor, sku: str) -> str:
    answer = customer.buy((sku, 1))
    return str(answer.body["id"]) if answer.status == 201 else ""
