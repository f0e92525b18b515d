"""What a run under faults must have met at least once: a promise that was never tried has not been kept.

After the 'sometimes' assertions of fault-injecting testers (FoundationDB, Antithesis): beside what must always hold, a
list of what has to happen now and then, or the run was too easy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from loadtests.measure.books import Books
from shared.domain.order import RejectReason
from shared.platform.failpoints import LANDMARKS, NAMES

Answers = Mapping[tuple[str, int, str], int]


@dataclass(frozen=True)
class Evidence:
    """What a run leaves behind: its books, the points that processes passed, the adversarial client's answers."""

    books: Books
    passed: Mapping[str, int]
    to_client: Answers

    def answers(self, status: int, code: str = "") -> int:
        """How often an order or a cancel was answered so."""
        return sum(one.status == status and one.code == code for one in self.books.attempts)

    def was_told(self, scenario: str, status: int, code: str = "") -> int:
        """How often this scenario of the adversarial client was answered so."""
        return self.to_client.get((scenario, status, code), 0)

    def rejected(self, reason: RejectReason) -> int:
        """How many orders ended so."""
        return sum(order.reason == reason for order in self.books.orders)

    def reservations(self, status: str) -> int:
        """How many lines of reservations ended so."""
        return sum(row.status == status for row in self.books.reservations)


def _passed(point: str, evidence: Evidence) -> int:
    return evidence.passed.get(point, 0)


_SOMETIMES: dict[str, Callable[[Evidence], int]] = {
    "answer: confirmed": lambda run: run.answers(201),
    "answer: payment pending": lambda run: run.answers(202),
    "answer: cancelled": lambda run: run.was_told("cancel", 200),
    "answer: none": lambda run: sum(one.is_unanswered for one in run.books.attempts),
    "answer: unavailable": lambda run: run.answers(503, "unavailable"),
    "refusal: declined": lambda run: run.answers(402, "payment_declined"),
    "refusal: out of stock": lambda run: run.was_told("last_unit", 409, "out_of_stock"),
    "refusal: price changed": lambda run: run.was_told("old_price", 409, "price_changed"),
    "refusal: key with another body": lambda run: run.was_told("other_body", 422, "idempotency_key_reused"),
    "refusal: request in flight": lambda run: run.was_told("twice_at_once", 409, "request_in_flight"),
    "refusal: pending order cancelled": lambda run: run.was_told("cancel_pending", 409, "not_cancellable"),
    "refusal: refund above the capture": lambda run: run.was_told("refund_too_much", 409, "refund_exceeds_capture"),
    "refusal: somebody else's order": lambda run: run.was_told("not_mine", 404, "not_found"),
    "replay: of a final answer": lambda run: run.was_told("again_when_final", 201),
    "replay: of a pending order": lambda run: run.was_told("again_while_pending", 202),
    "replay: of a cancel": lambda run: run.was_told("cancel_again", 200),
    "compensation: reservation released": lambda run: run.reservations("released"),
    "compensation: stock given back by a cancel": lambda run: run.reservations("returned"),
    "compensation: money given back by a cancel": lambda run: sum(bool(one.refunds) for one in run.books.charges),
    "compensation: charge voided": lambda run: run.rejected(RejectReason.PAYMENT_VOIDED),
    "compensation: a part of the money given back": lambda run: run.was_told("refund", 200),
    "recovery: charge sent again and captured": lambda run: _settled_late(run.books),
}  # fmt: skip
# One transaction does in the monolith what takes messages in the services.
_IN_SERVICES: dict[str, Callable[[Evidence], int]] = {
    "compensation: release before the reservation (tombstone)": lambda run: run.reservations("tombstone"),
    "compensation: order called off": lambda run: run.rejected(RejectReason.UNAVAILABLE),
    **{f"breaker: {name.partition('.')[2]}": partial(_passed, name) for name in LANDMARKS},
}  # fmt: skip


def failpoints_of(build: str) -> tuple[str, ...]:
    """Return the failpoints that a build has: the monolith has neither outbox nor inbox."""
    return tuple(name for name in NAMES if build != "monolith" or not name.startswith(("outbox", "inbox")))


def met(build: str, evidence: Evidence) -> dict[str, int]:
    """Return how often a run met each of the things that it has to meet."""
    counters = _SOMETIMES | (_IN_SERVICES if build != "monolith" else {})
    points = {f"failpoint: {name}": evidence.passed.get(name, 0) for name in failpoints_of(build)}
    return {name: count(evidence) for name, count in counters.items()} | points


def never(counts: Mapping[str, int]) -> list[str]:
    """Return what was not met."""
    return [name for name, count in counts.items() if not count]


def count_points(lines: Iterable[str]) -> Counter[str]:
    """Return how often each point was passed, from the lines of a REACHED_FILE."""
    return Counter(line.strip() for line in lines)


def _settled_late(books: Books) -> int:
    """How many orders were answered 202 and are confirmed, or were before they were cancelled."""
    pending = {one.order_id for one in books.attempts if one.status == 202 and one.kind == "order"}
    return sum(books.order_by_id[one].status == "confirmed" for one in pending if one in books.order_by_id)
