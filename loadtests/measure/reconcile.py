"""Reconciles the books of a stack from outside, by content: client, public API, SQL views, provider, mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.measure import evidence, liveness, prices, public_books, reads, safety, sameness
from loadtests.measure.books import Books
from loadtests.measure.parties import Parties
from loadtests.measure.verdict import PROMISES, Verdict, Violation
from loadtests.measure.views import wait_until_finished

EXPECTED_S = 30.0
FAILED_S = 60.0

CHECKS: tuple[Callable[[Books], Verdict], ...] = (
    safety.stock_is_never_negative,
    safety.stock_adds_up,
    safety.money_is_taken_once_and_right,
    safety.one_order_for_each_key,
    safety.only_legal_transitions,
    safety.refunds_stay_below_captures,
    safety.confirmed_orders_are_listed,
    reads.order_reads_never_go_backwards,
    reads.stock_is_never_shown_above_what_was_there,
    prices.prices_were_true_when_charged,
    liveness.nothing_is_unfinished,
    liveness.the_money_is_all_there,
    liveness.every_capture_has_its_reason,
    liveness.stock_follows_the_order,
    liveness.everybody_was_told,
    liveness.failures_left_nothing,
    liveness.retries_get_the_final_answer,
)


@dataclass(frozen=True)
class Reconciliation:
    """The outcome. `looked_at`: on how many things each promise was checked; `waited_s`: until all was finished."""

    stack: str
    waited_s: float
    confirmed: int
    looked_at: dict[str, int]
    violations: tuple[Violation, ...]

    @property
    def is_clean(self) -> bool:
        """Whether no promise is broken."""
        return not self.violations

    @property
    def is_late(self) -> bool:
        """Whether it took longer than expected to settle, though not so long that it failed."""
        return self.waited_s > EXPECTED_S

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in result.json."""
        return {
            "waited_s": round(self.waited_s, 2),
            "late": self.is_late,
            "confirmed": self.confirmed,
            "looked_at": self.looked_at,
            "violations": [violation.as_dict() for violation in self.violations],
        }


def check(books: Books, waited_s: float = 0.0, checks: Sequence[Callable[[Books], Verdict]] = CHECKS) -> Reconciliation:
    """Check every promise on these books. Pure: reads nothing but its arguments."""
    verdicts = [look(books) for look in checks]
    violations = tuple(violation for verdict in verdicts for violation in verdict.violations)
    broken = {violation.about for violation in violations}
    # Goodput: an order counts if it is finished and nothing about it is wrong.
    confirmed = sum(row.status == "confirmed" and row.order_id not in broken for row in books.orders)
    return Reconciliation(books.stack, waited_s, confirmed, {v.promise: v.looked_at for v in verdicts}, violations)


def compare(one: Books, other: Books) -> Verdict:
    """Return how two builds ended differently after the same script (L8). Only for runs without faults."""
    return sameness.both_end_alike(one, other)


def reconcile(parties: Parties, orders: Path | None) -> tuple[Reconciliation, Books]:
    """Wait until the stack is at rest (60 s at most), read everything, and check it.

    `orders` is the client's history, an `orders.jsonl`; without one only the parties' own books are compared. Of a shop
    that somebody else runs its orders are read back by the public API, and nothing else is seen.
    """
    if parties.are_public:
        public, waited_s = public_books.read(parties, orders)
        return check(public, waited_s, public_books.CHECKS), public
    waited_s = wait_until_finished(parties.databases, timeout_s=FAILED_S, broker_monitor=parties.broker_monitor)
    books = evidence.read(parties, orders)
    return check(books, waited_s), books


def tell(outcome: Reconciliation) -> list[str]:
    """Return the lines that a person reads: what was checked, and every violation."""
    lines = [f"{outcome.stack}: at rest after {outcome.waited_s:.1f} s, {outcome.confirmed} confirmed orders"]
    for promise, looked_at in sorted(outcome.looked_at.items(), key=lambda item: (item[0][0], int(item[0][1:]))):
        broken = sum(violation.promise == promise for violation in outcome.violations)
        state = f"BROKEN {broken} times" if broken else "kept" if looked_at else "not shown"
        lines.append(f"  {promise}  {state:<18} {looked_at:>7} looked at   {PROMISES[promise]}")
    lines += [f"  ! {violation}" for violation in outcome.violations]
    return lines
