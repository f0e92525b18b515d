"""Lab 2: an order asks each other service once, however many lines it has."""

from __future__ import annotations

import re
import urllib.request

from deploy.runner.console import console
from workshop.checks import require
from workshop.exercise import Exercise

LINES = 5
ALLOWED = {"catalog": 1, "payments": 1}
_CALLS = re.compile(r'^http_client_calls_total\{outcome="[^"]*",peer="([^"]+)"\} (\S+)$', re.MULTILINE)


def check(exercise: Exercise) -> None:
    """Place an order of five lines and count the calls that the orders service makes for it."""
    with exercise.up("microservices") as customers:
        customer = customers["microservices"]
        metrics = f"{exercise.runner('microservices').site.url('microservices', 'orders')}/metrics"
        skus = customer.some_skus(LINES)
        require(customer.buy((skus[0], 1)).status == 201, "An order of one line is not confirmed.")
        before = _calls(metrics)
        order = customer.buy(*((sku, 1) for sku in skus))
        after = _calls(metrics)
        unknown = customer.buy(("NO-SUCH-THING", 1))

    calls = {peer: after[peer] - before.get(peer, 0) for peer in after}
    summary = ", ".join(f"{count:.0f} to {peer}" for peer, count in sorted(calls.items()))
    console.print(
        f"An order of {LINES} lines was answered {order.status} after {order.waited_ms:.0f} ms; calls: {summary}"
    )
    require(order.status == 201, f"The order was answered {order.status}.")
    require(unknown.status == 422, f"An order of an unknown product was answered {unknown.status}, and not 422.")
    for peer, allowed in ALLOWED.items():
        require(calls.get(peer, 0) == allowed, f"{calls.get(peer, 0):.0f} calls to {peer}; {allowed} would do.")


def _calls(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (our own part)
        text = answer.read().decode()
    sums: dict[str, float] = {}
    for peer, value in _CALLS.findall(text):
        sums[peer] = sums.get(peer, 0) + float(value)
    return sums
