"""The promise about prices, S10: what is charged was true at some moment of the request, and is what was expected.

Prices are known by what the load read and by what it set. An operation takes effect at one moment between its request
and its answer; what is possible is what some order of such moments allows (Herlihy and Wing, "Linearizability", ACM
TOPLAS 12(3), 1990, for a register).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable

from loadtests.measure.books import Attempt, Books
from loadtests.measure.reads import CLOCKS_AGREE_S, products_shown
from loadtests.measure.verdict import Verdict


def prices_were_true_when_charged(books: Books) -> Verdict:
    """S10. A key's orders are priced between its first request and the answer that settles it, whoever repeats it.

    A total that the customer named is the order's, or the order is refused with another one that was true.
    """
    verdict = Verdict("S10")
    prices = _Prices(books)
    for key, attempts in books.attempts_by_key.items():
        known = [one for one in attempts if one.answered_at]  # else their times are not known
        began = min((one.sent_at for one in known), default=0.0)
        for attempt in known:
            if attempt.status in (201, 202):
                _look_at_order(verdict, prices, attempt, began)
            elif attempt.code == "price_changed":
                _look_at_refusal(verdict, prices, attempt, began)
        ended = min((one.answered_at for one in known if one.is_final or one.status == 202), default=math.inf)
        for row in books.orders_by_key.get(key, []) if known else ():
            held = books.reservations_by_order.get(row.order_id, [])
            lines = [(str(line.sku), line.quantity or 0) for line in held]
            totals = prices.totals(lines, began, ended)
            if row.total is not None and totals:
                verdict.look(row.total in totals, row.order_id, f"a total of {row.total}", _one_of(totals))
    return verdict


def _look_at_order(verdict: Verdict, prices: _Prices, attempt: Attempt, began: float) -> None:
    order = json.loads(attempt.body)
    for line in order["lines"]:
        possible, price = prices.of(line["sku"], began, attempt.answered_at), line["unit_price"]["amount"]
        if possible:
            verdict.look(price in possible, attempt.order_id, f"{line['sku']} at {price}", _one_of(possible))
    if expected := attempt.request.get("expected_total"):
        about, total = attempt.order_id, f"a total of {order['total']}"
        verdict.look(order["total"] == expected, about, total, f"{expected}, as was expected, or a refusal")


def _look_at_refusal(verdict: Verdict, prices: _Prices, attempt: Attempt, began: float) -> None:
    about, total = f"{attempt.customer} {attempt.key}", json.loads(attempt.body)["total"]
    expected = attempt.request.get("expected_total")
    verdict.look(expected not in (None, total), about, f"refused, and the total is {total}", f"another than {expected}")
    totals = prices.totals(attempt.lines, began, attempt.answered_at)
    if totals:
        verdict.look(total["amount"] in totals, about, f"refused for a total of {total['amount']}", _one_of(totals))


class _Prices:
    """Which prices may have been true when."""

    def __init__(self, books: Books) -> None:
        self._constant = books.prices
        self._repriced = {change.sku for change in books.changes if change.kind == "price"}
        self._operations: dict[str, list[tuple[float, float, int]]] = defaultdict(list)  # sent, answered, price
        for product, read in products_shown(books):
            self._operations[product["sku"]].append((read.sent_at, read.answered_at, product["price"]["amount"]))
        for change in books.changes:
            if change.kind == "price":
                self._operations[change.sku].append((change.sent_at, change.answered_at, change.amount))

    def of(self, sku: str, began: float, ended: float) -> set[int]:
        """Return the prices that may have been true between two moments; none if none is known from before.

        Of what was shown before, all that nothing else surely came after. Where the load knows all changes, only what
        had begun by the end; where it knows reads alone, also the next of them, which may tell of a change before it.
        """
        began, ended = began - CLOCKS_AGREE_S, ended + CLOCKS_AGREE_S
        operations = self._operations.get(sku, [])
        last_before = max((sent for sent, answered, _ in operations if answered <= began), default=math.inf)
        next_after = min((answered for sent, answered, _ in operations if sent >= ended), default=math.inf)
        latest = ended if sku in self._repriced else next_after
        return {price for sent, answered, price in operations if answered >= last_before and sent <= latest}

    def totals(self, lines: Iterable[tuple[str, int]], began: float, ended: float) -> set[int]:
        """Return what these lines may have come to; none if the price of one is not known."""
        totals = {0}  # of no lines, which no order has
        for sku, quantity in lines:
            constant = {self._constant[sku]} if sku in self._constant else set()
            possible = self.of(sku, began, ended) or constant
            totals = {total + price * quantity for total in totals for price in possible}
        return totals - {0}


def _one_of(amounts: set[int]) -> str:
    return f"one of {sorted(amounts)}, which were true then"
