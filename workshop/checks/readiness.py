"""Lab 5: orders can be started while payments is away."""

from __future__ import annotations

import threading

from deploy.runner.console import console
from deploy.runner.interface import Runner
from workshop.checks import require
from workshop.customer import until
from workshop.exercise import Exercise

BACK_WITHIN_S = 20.0


def check(exercise: Exercise) -> None:
    """Hold payments down, restart orders, and buy; then let payments come back."""
    with exercise.up("microservices") as customers:
        customer, runner = customers["microservices"], exercise.runner("microservices")
        sku = customer.some_skus(1)[0]
        runner.hold("payments", kill=True)
        before = _process_of_orders(runner)
        restart = threading.Thread(target=exercise.attempt, args=("restart", "orders"), daemon=True)
        restart.start()
        until(lambda: _process_of_orders(runner) not in (None, before), BACK_WITHIN_S)
        order = until(lambda: _accepted(customer.buy((sku, 1)).status), BACK_WITHIN_S)
        console.print(f"Payments held, orders restarted: the shop {'takes' if order else 'takes no'} orders")
        runner.release("payments")
        restart.join()
        require(
            order,
            f"After {BACK_WITHIN_S:.0f} s orders was not back: without payments it cannot start, and without it nobody "
            "can buy, whom payments would have cost only a wait.",
        )
        last = customer.get("/orders").body["items"][0]["id"]
        status = until(lambda: customer.get(f"/orders/{last}").body["status"] == "confirmed", within_s=40)
        console.print(f"Payments is back: the order is {'confirmed' if status else 'still pending'}")
        require(status, f"The order {last} was not confirmed within 40 s after payments was back.")


def _process_of_orders(runner: Runner) -> int | None:
    return next(one.pid for one in runner.status().instances if one.part == "orders")


def _accepted(status: int) -> bool:
    return status == 202
