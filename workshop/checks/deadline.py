"""Lab 6: who waits for somebody who does not answer stops waiting before their own caller does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deploy.runner.console import console
from workshop.checks import require
from workshop.customer import ask
from workshop.exercise import Exercise

SHOPS = ("monolith", "microservices")
AT_ONCE = 4
WITHIN_MS = 5000


def check(exercise: Exercise) -> None:
    """Let the provider hang, and buy in both shops: everybody is told within five seconds that it takes longer."""
    with exercise.up(*SHOPS) as customers:
        answers_by_shop = {}
        for name, customer in customers.items():
            runner = exercise.runner(name)
            sku = customer.some_skus(1)[0]
            require(customer.buy((sku, 1)).status == 201, f"{name}: an order is not confirmed while all is well.")
            provider = f"{runner.site.url('outside', 'provider')}/control/{name}"
            ask("PUT", f"{provider}/behaviour", {"hang": True})
            with ThreadPoolExecutor(AT_ONCE) as threads:
                answers_by_shop[name] = list(threads.map(customer.buy, [(sku, 1)] * AT_ONCE))
            ask("POST", f"{provider}/heal", {})
    for name, answers in answers_by_shop.items():
        summary = ", ".join(f"{answer.status} after {answer.waited_ms:.0f} ms" for answer in answers)
        console.print(f"{name}: {summary}")
    for name, answers in answers_by_shop.items():
        for answer in answers:
            require(
                answer.status == 202 and answer.waited_ms < WITHIN_MS,
                f"In the {name} an order was answered {answer.status} after {answer.waited_ms:.0f} ms; 202 within "
                f"{WITHIN_MS} ms is possible.",
            )
