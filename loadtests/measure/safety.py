"""The promises that hold at any moment, S1 to S7, checked on plain rows."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

from loadtests.measure.books import Attempt, Books, Key
from loadtests.measure.verdict import Verdict
from shared.domain.order import NEXT, OrderStatus, RejectReason


def stock_is_never_negative(books: Books) -> Verdict:
    """S1."""
    verdict = Verdict("S1")
    for row in books.stock:
        counts = {"available": row.available, "reserved": row.reserved, "sold": row.sold}
        actual = ", ".join(f"{name} {count}" for name, count in counts.items())
        verdict.look(min(counts.values()) >= 0, row.sku, actual, "no count below 0")
    for held in books.reservations:
        if held.status != "tombstone":
            fine = held.quantity is not None and held.quantity > 0
            verdict.look(fine, held.order_id, f"{held.quantity} of {held.sku} {held.status}", "a positive quantity")
    return verdict


def stock_adds_up(books: Books) -> Verdict:
    """S2. What the client was told is restocked was put in."""
    verdict = Verdict("S2")
    added: Counter[str] = Counter()
    for change in books.changes:
        if change.kind == "restock" and change.answered_at < math.inf:
            added[change.sku] += change.amount
    for row in books.stock:
        put_in, there = row.initial + row.restocked, row.available + row.reserved + row.sold
        actual = f"{row.available} available + {row.reserved} reserved + {row.sold} sold = {there}"
        verdict.look(put_in == there, row.sku, actual, f"{row.initial} initial + {row.restocked} restocked = {put_in}")
        if row.sku in added:
            actual = f"{row.restocked} restocked"
            verdict.look(
                row.restocked >= added[row.sku], row.sku, actual, f"at least the {added[row.sku]} of the client"
            )
    return verdict


def money_is_taken_once_and_right(books: Books) -> Verdict:
    """S3."""
    verdict = Verdict("S3")
    for order_id, charges in books.charges_by_order.items():
        captures = [charge for charge in charges if charge.status == "captured"]
        verdict.look(len(captures) <= 1, order_id, f"{len(captures)} captures", "at most one")
        order = books.order_by_id.get(order_id)
        for charge in captures if order else ():
            captured_text = f"{charge.amount} {charge.currency}"
            due = f"{order.total} {order.currency}" if order else ""
            verdict.look(captured_text == due, order_id, f"captured {captured_text}", f"the order's total, {due}")
    for attempt in books.attempts:
        order = books.order_by_id.get(attempt.order_id)
        if attempt.kind != "order" or attempt.status != 201 or order is None:
            continue
        if all(sku in books.prices for sku, _ in attempt.lines) and attempt.lines:
            due_cents = sum(books.prices[sku] * quantity for sku, quantity in attempt.lines)
            actual = f"a total of {order.total}"
            verdict.look(order.total == due_cents, order.order_id, actual, f"{due_cents} at the catalog's prices")
    return verdict


def one_order_for_each_key(books: Books) -> Verdict:
    """S4. An order that was called off with a 503 leaves its key free, so it does not count (rule 4)."""
    verdict = Verdict("S4")
    for (customer, key), rows in books.orders_by_key.items():
        standing = [row.order_id for row in rows if row.reason != RejectReason.UNAVAILABLE]
        actual = f"{len(standing)} orders of {customer} with the key {key}: {', '.join(standing)}"
        verdict.look(len(standing) <= 1, rows[0].order_id, actual, "at most one")
    answers: dict[Key, list[Attempt]] = {}
    for attempt in (*books.attempts, *books.replays):
        if attempt.kind == "order" and attempt.is_final:
            answers.setdefault((attempt.customer, attempt.key), []).append(attempt)
    for same in answers.values():
        first = same[0]
        for other in same[1:]:
            fine = (other.status, other.body) == (first.status, first.body)
            actual = f"{other.status} {_short(other.body)}"
            about = first.order_id or f"{first.customer} {first.key}"
            verdict.look(fine, about, actual, f"{first.status} {_short(first.body)}")
    return verdict


def only_legal_transitions(books: Books) -> Verdict:
    """S5. What was seen of an order one after the other must be reachable step by step."""
    verdict = Verdict("S5")
    orders_by_key: dict[str, list[str]] = {}
    for attempts in books.attempts_by_key.values():
        status = _status_told(attempts[0])
        if status and attempts[0].order_id:
            orders_by_key.setdefault(attempts[0].order_id, []).append(status)
    for attempt in books.attempts:
        if attempt.kind == "cancel" and (status := _status_told(attempt)):
            orders_by_key.setdefault(attempt.order_id, []).append(status)
    for order_id, status in books.earlier.items():
        orders_by_key.setdefault(order_id, []).append(status)
    for row in books.orders:
        path = [*orders_by_key.get(row.order_id, ()), row.status]
        fine = all(b in REACHABLE[OrderStatus(a)] for a, b in pairwise(path))
        verdict.look(fine, row.order_id, " -> ".join(path), "a path of the life cycle")
    return verdict


def refunds_stay_below_captures(books: Books) -> Verdict:
    """S6."""
    verdict = Verdict("S6")
    for charge in books.charges:
        captured = charge.amount if charge.status == "captured" else 0
        actual = f"the ledger refunded {charge.refunded} of {captured} captured"
        verdict.look(charge.refunded <= captured, charge.key, actual, "no more than was captured")
        keys = Counter(key for key, _ in charge.refunds)
        twice = [key for key, count in keys.items() if count > 1]
        verdict.look(not twice, charge.key, f"refund keys used twice: {', '.join(twice)}", "each key once")
    for row in books.payments:
        actual = f"the payment says refunded {row.refunded} of {row.captured} captured"
        verdict.look(row.refunded <= row.captured, row.order_id, actual, "no more than was captured")
    return verdict


def confirmed_orders_are_listed(books: Books) -> Verdict:
    """S7. Looks at the customers whose lists were read."""
    verdict = Verdict("S7")
    for attempt in books.attempts:
        if attempt.kind == "order" and attempt.status == 201 and attempt.customer in books.listed:
            fine = attempt.order_id in books.listed[attempt.customer]
            actual = f"not among the {len(books.listed[attempt.customer])} orders that {attempt.customer} is shown"
            verdict.look(fine, attempt.order_id, actual, "in its owner's list")
    return verdict


def _reachable() -> dict[OrderStatus, frozenset[OrderStatus]]:
    """Return, for each state, itself and all that legal steps lead to."""
    closure = {state: {state, *following} for state, following in NEXT.items()}
    for _ in NEXT:
        for following in closure.values():
            following.update(*(closure[state] for state in tuple(following)))
    return {state: frozenset(following) for state, following in closure.items()}


REACHABLE = _reachable()


def _status_told(attempt: Attempt) -> str:
    """Return the order's state that an answer implies; empty if it implies none."""
    if attempt.kind == "cancel":
        return {200: "cancelled", 202: "cancelling"}.get(attempt.status, "")
    if attempt.status == 202:
        return "payment_pending"
    if attempt.is_final:
        return "confirmed" if attempt.status == 201 else "rejected"
    return ""


def _short(body: str) -> str:
    return body if len(body) <= 120 else body[:117] + "..."
