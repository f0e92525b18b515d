"""The books of a shop that somebody else runs, as far as its public API shows them: every order is read back.

Nothing is sent that changes anything. Stock, the provider's ledger and mails are not seen, and not checked.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx

from loadtests.load.generator.plan import DEFAULT_CUSTOMERS, DEFAULT_PREFIX
from loadtests.load.users import world
from loadtests.measure import evidence, history, liveness, safety
from loadtests.measure.books import Attempt, Books, OrderRow
from loadtests.measure.parties import Parties
from loadtests.measure.verdict import Verdict

SETTLES_WITHIN_S = 60.0
LOOK_EVERY_S = 2.0


def read(parties: Parties, orders: Path | None) -> tuple[Books, float]:
    """Return what customers are shown of the orders in `orders`, the client's history, and how long that settled, in s.

    Raises WorldNotReady, httpx.HTTPError.
    """
    attempts = history.attempts_of(orders) if orders else ()
    began = time.monotonic()
    with httpx.Client(timeout=evidence.HTTP_TIMEOUT_S) as client:
        while True:
            rows, listed = _read_back(client, parties, attempts)
            waited_s = time.monotonic() - began
            if waited_s > SETTLES_WITHIN_S or not any(row.status in liveness.UNFINISHED for row in rows):
                break
            time.sleep(LOOK_EVERY_S)
    return Books(parties.stack, mail_domain="", attempts=attempts, orders=rows, listed=listed), waited_s


def _read_back(
    client: httpx.Client, parties: Parties, attempts: tuple[Attempt, ...]
) -> tuple[tuple[OrderRow, ...], dict[str, frozenset[str]]]:
    own = {one.order_id for one in attempts if one.kind == "order" and one.order_id}
    buyers = dict.fromkeys(one.customer for one in attempts if one.order_id in own)
    tokens = world.customers(parties.identity, DEFAULT_CUSTOMERS, DEFAULT_PREFIX) if buyers else []
    rows, listed = [], {}
    for customer in [one for one in tokens if one.subject in buyers][: evidence.MAX_LISTS]:
        orders = list(evidence.orders_of(client, parties.shop, customer.token))
        listed[customer.subject] = frozenset(order["id"] for order in orders)
        rows += [
            OrderRow(order["id"], customer.subject, order["status"], order["total"]["amount"],
                     order["total"]["currency"], "", None, None)
            for order in orders if order["id"] in own
        ]  # fmt: skip
    return tuple(rows), listed


def totals_are_as_answered(books: Books) -> Verdict:
    """S3, as far as a customer sees it: an order's total is the one that it was confirmed with."""
    verdict = Verdict("S3")
    for attempt in books.attempts:
        order = books.order_by_id.get(attempt.order_id)
        if order and attempt.kind == "order" and attempt.status == httpx.codes.CREATED:
            total = json.loads(attempt.body)["total"]
            answer, total_now = f"{total['amount']} {total['currency']}", f"{order.total} {order.currency}"
            verdict.look(total_now == answer, order.order_id, f"a total of {total_now}", f"{answer}, as confirmed")
    return verdict


def orders_are_finished(books: Books) -> Verdict:
    """L1, as far as a customer sees it."""
    verdict = Verdict("L1")
    liveness.look_at_orders(verdict, books)
    return verdict


CHECKS = (
    totals_are_as_answered,
    safety.one_order_for_each_key,
    safety.only_legal_transitions,
    safety.confirmed_orders_are_listed,
    orders_are_finished,
)
