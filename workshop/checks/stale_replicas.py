"""Lab 4: what every replica answers is the same, for none keeps a memory of its own."""

from __future__ import annotations

from deploy.runner.console import console
from workshop.checks import require
from workshop.customer import Visitor
from workshop.exercise import Exercise

PARTS = {"monolith": "web", "microservices": "catalog"}
REPLICAS = 3
LOOKS = 40


def check(exercise: Exercise) -> None:
    """Change a price while three replicas serve, and look forty times; in both builds."""
    for shop, part in PARTS.items():
        with exercise.up(shop) as customers:
            exercise.twinshop("scale", part, str(REPLICAS), "--stack", shop)
            customer, admin = customers[shop], exercise.admin(shop)
            sku = customer.some_skus(1)[0]
            product = customer.get(f"/products/{sku}").body
            _look(customer, sku)  # so that every replica has seen it
            price = product["price"]["amount"] + 100
            words = {name: product[name] for name in ("name", "description", "category")}
            changed = admin.send("PUT", f"/products/{sku}", words | {"price": product["price"] | {"amount": price}})
            require(changed.status == 200, f"PUT /products/{sku} was answered {changed.status}.")
            before = _look(customer, sku)
        old = LOOKS - before.count(price)
        console.print(f"{shop}: {REPLICAS} replicas, {LOOKS} looks after the change: {old} saw the old price")
        require(not old, f"In the {shop} {old} of {LOOKS} customers still saw the old price.")


def _look(customer: Visitor, sku: str) -> list[int]:
    answers = [customer.get(f"/products/{sku}") for _ in range(LOOKS)]
    return [answer.body["price"]["amount"] for answer in answers if answer.status == 200]
