"""Placing an order has the same numbered steps in both builds, and the same failpoints between them."""

from __future__ import annotations

import re

from deploy.model.home import REPOSITORY

STEP = re.compile(r"# (\d\. [^.\n]+\.)")
FAILPOINT = re.compile(r'failpoint\("([^"]+)"\)')


def steps_of(build: str) -> list[str]:
    """Return the step comments and failpoints of a build's place_order.py, top to bottom."""
    lines = (REPOSITORY / build / "orders/place_order.py").read_text("utf-8").splitlines()
    return [match[1] for line in lines if (match := STEP.search(line) or FAILPOINT.search(line))]


def test_steps_and_failpoints_stand_in_the_same_order() -> None:
    steps = steps_of("monolith")

    assert steps == steps_of("microservices")
    assert steps == [
        "0. One order for each customer and key.",
        "order.placed",
        "1. Price and reserve.",
        "order.reserved",
        "2. Take the money.",
        "3. Confirm.",
        "4. Tell the customer.",
        "order.confirmed",
    ]
