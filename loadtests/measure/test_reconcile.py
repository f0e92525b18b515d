"""The reconciliation finds each kind of broken promise that is planted into right books, and nothing in right ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.measure.books import (
    Attempt,
    Books,
    Charge,
    Mail,
    NotificationRow,
    OrderRow,
    PaymentRow,
    ReservationRow,
    StockRow,
    UnfinishedRow,
)
from loadtests.measure.reconcile import check, compare, tell
from loadtests.measure.verdict import PROMISES
from shared.domain import notification

OF_READS = {"S8", "S9", "S10"}  # see test_reads.py, test_prices.py
DOMAIN = "testshop.twinshop.example"
BOUGHT, PENDED, DECLINED, CANCELLED = "id-bought", "id-pended", "id-declined", "id-cancelled"


def order(order_id: str, status: str, reason: str | None = None, total: int = 500) -> OrderRow:
    """An order of CRUNCHY-CHAIR, named after what became of it; its key is the id's last word."""
    return OrderRow(order_id, "ada", status, total, "EUR", f"pay-{order_id}", reason, key_of(order_id))


def key_of(order_id: str) -> str:
    """The key with which this order was placed."""
    return f"run-{order_id.removeprefix('id-')}"


def placed(order_id: str, status: int, code: str = "", body: str = "") -> Attempt:
    """The client's POST /orders."""
    lines = (("CRUNCHY-CHAIR", 1),)
    return Attempt("order", "ada", key_of(order_id), status, code, order_id, lines, body or f"body of {order_id}")


def payment(order_id: str, status: str, refunded: int = 0) -> PaymentRow:
    """A payment of 500."""
    captured = 500 if status == "captured" else 0
    return PaymentRow(f"pay-{order_id}", order_id, status, 500, captured, refunded, 0, "EUR")


def note(order_id: str, kind: str) -> NotificationRow:
    """A message that was sent."""
    return NotificationRow(order_id, kind, "sent", notification.message_id(order_id, kind, DOMAIN), "ada")


def mail(order_id: str, kind: str) -> Mail:
    """What the mail server kept of it."""
    message_id = notification.message_id(order_id, kind, DOMAIN)
    return Mail(message_id, "ada@customers.example", notification.subject_of(kind))


TOLD = (
    (BOUGHT, "order_confirmed"),
    (PENDED, "payment_pending"),
    (PENDED, "order_confirmed"),
    (CANCELLED, "order_confirmed"),
    (CANCELLED, "order_cancelled"),
)


def right_books() -> Books:
    """Four orders of one chair each: bought, bought after a pending payment, declined, and cancelled."""
    return Books(
        stack="testshop",
        mail_domain=DOMAIN,
        attempts=(
            placed(BOUGHT, 201),
            placed(PENDED, 202),
            placed(DECLINED, 402, "payment_declined"),
            placed(CANCELLED, 201),
            Attempt("cancel", "ada", "", 200, "", CANCELLED),
            Attempt("order", "ada", "run-lost", 0, "", "", (("CRUNCHY-CHAIR", 1),)),
        ),
        orders=(
            order(BOUGHT, "confirmed"),
            order(PENDED, "confirmed"),
            order(DECLINED, "rejected", "payment_declined"),
            order(CANCELLED, "cancelled"),
        ),
        payments=(
            payment(BOUGHT, "captured"),
            payment(PENDED, "captured"),
            payment(DECLINED, "declined"),
            payment(CANCELLED, "captured", refunded=500),
        ),
        stock=(StockRow("CRUNCHY-CHAIR", 10, 2, 10, 0, 2), StockRow("QUIET-LAMP", 10, 0, 10, 0, 0)),
        reservations=(
            ReservationRow(BOUGHT, "CRUNCHY-CHAIR", 1, "sold"),
            ReservationRow(PENDED, "CRUNCHY-CHAIR", 1, "sold"),
            ReservationRow(DECLINED, "CRUNCHY-CHAIR", 1, "released"),
            ReservationRow(CANCELLED, "CRUNCHY-CHAIR", 1, "returned"),
        ),
        notifications=tuple(note(*told) for told in TOLD),
        charges=(
            Charge(BOUGHT, "ch-1", "captured", 500, "EUR"),
            Charge(PENDED, "ch-2", "captured", 500, "EUR"),
            Charge(DECLINED, "ch-3", "declined", 500, "EUR"),
            Charge(CANCELLED, "ch-4", "captured", 500, "EUR", ((f"cancel-{CANCELLED}", 500),)),
        ),
        mails=tuple(mail(*told) for told in TOLD),
        earlier={PENDED: "payment_pending", CANCELLED: "cancelled"},
        listed={"ada": frozenset({BOUGHT, PENDED, DECLINED, CANCELLED})},
        replays=(placed(BOUGHT, 201), placed(PENDED, 201), placed(DECLINED, 402, "payment_declined")),
        prices={"CRUNCHY-CHAIR": 500, "QUIET-LAMP": 900},
    )


def changed(books: Books, field: str, about: str, **values: object) -> Books:
    """The books with one row replaced: the first whose first or second value is `about`."""
    rows = list(getattr(books, field))
    at = next(i for i, row in enumerate(rows) if about in tuple(vars(row).values()))
    rows[at] = replace(rows[at], **values)
    return replace(books, **{field: tuple(rows)})


def added(books: Books, field: str, *rows: object) -> Books:
    """The books with more rows."""
    return replace(books, **{field: (*getattr(books, field), *rows)})


def without(books: Books, field: str, about: str) -> Books:
    """The books without the rows that have `about` among their values."""
    kept = tuple(row for row in getattr(books, field) if about not in tuple(vars(row).values()))
    return replace(books, **{field: kept})


Plant = Callable[[Books], Books]

# promise, what is planted, the id that the violation must name, a word of what was seen
PLANTED: list[tuple[str, str, Plant, str, str]] = [
    ("S1", "oversold", lambda b: changed(b, "stock", "QUIET-LAMP", available=-1, sold=11), "QUIET-LAMP", "-1"),
    ("S1", "a reservation of nothing", lambda b: changed(b, "reservations", BOUGHT, quantity=-1), BOUGHT, "-1 of"),
    ("S2", "a piece lost", lambda b: changed(b, "stock", "QUIET-LAMP", available=9), "QUIET-LAMP", "= 9"),
    ("S2", "restock forgotten", lambda b: changed(b, "stock", "CRUNCHY-CHAIR", restocked=3), "CRUNCHY-CHAIR", "= 12"),
    (
        "S3",
        "captured twice",
        lambda b: added(b, "charges", Charge(BOUGHT, "ch-9", "captured", 500, "EUR")),
        BOUGHT,
        "2 captures",
    ),
    ("S3", "another amount", lambda b: changed(b, "charges", BOUGHT, amount=499), BOUGHT, "captured 499"),
    ("S3", "another currency", lambda b: changed(b, "charges", BOUGHT, currency="USD"), BOUGHT, "USD"),
    ("S3", "a price of the client's", lambda b: changed(b, "orders", BOUGHT, total=1), BOUGHT, "a total of 1"),
    (
        "S4",
        "two orders of one key",
        lambda b: added(b, "orders", replace(order("id-second", "confirmed"), idempotency_key=key_of(BOUGHT))),
        BOUGHT,
        "2 orders",
    ),
    (
        "S4",
        "another body at the replay",
        lambda b: added(b, "attempts", placed(BOUGHT, 201, body="other")),
        BOUGHT,
        "other",
    ),
    (
        "S5",
        "an end state left",
        lambda b: replace(b, earlier={DECLINED: "confirmed"}),
        DECLINED,
        "rejected -> confirmed",
    ),
    (
        "S5",
        "a confirmed order rejected",
        lambda b: changed(b, "orders", BOUGHT, status="rejected"),
        BOUGHT,
        "confirmed -> rejected",
    ),
    (
        "S6",
        "refunded too much",
        lambda b: changed(b, "charges", CANCELLED, refunds=(("cancel", 500), ("admin", 1))),
        CANCELLED,
        "501 of 500",
    ),
    (
        "S6",
        "a refund twice",
        lambda b: changed(b, "charges", CANCELLED, refunds=(("cancel", 250), ("cancel", 250))),
        CANCELLED,
        "used twice",
    ),
    ("S6", "in the payment", lambda b: changed(b, "payments", BOUGHT, refunded=501), BOUGHT, "refunded 501"),
    ("S7", "a lost order", lambda b: replace(b, listed={"ada": frozenset({PENDED})}), BOUGHT, "not among"),
    (
        "L1",
        "an outbox row",
        lambda b: replace(b, unfinished=(UnfinishedRow("outbox", "ev-1", "unsent", 70.0),)),
        "ev-1",
        "unsent",
    ),
    ("L1", "an order", lambda b: changed(b, "orders", PENDED, status="payment_pending"), PENDED, "payment_pending"),
    (
        "L1",
        "an event that nobody can apply",
        lambda b: replace(b, events_owed=1),
        "testshop",
        "1 events are not handled",
    ),
    ("L1", "a dead letter", lambda b: replace(b, dead_letters=1), "testshop", "1 dead"),
    ("L2", "captured but not sold", lambda b: without(b, "orders", BOUGHT), BOUGHT, "keeps 500"),
    ("L2", "sold but not captured", lambda b: without(b, "charges", BOUGHT), BOUGHT, "keeps 0"),
    ("L2", "an admin refund unsent", lambda b: changed(b, "payments", BOUGHT, refunded_by_admin=100), BOUGHT, "500"),
    ("L3", "a capture of no order", lambda b: without(b, "orders", BOUGHT), BOUGHT, "absent"),
    ("L3", "a late capture kept", lambda b: changed(b, "charges", DECLINED, status="captured"), DECLINED, "rejected"),
    (
        "L4",
        "not given back",
        lambda b: changed(b, "reservations", CANCELLED, status="sold"),
        CANCELLED,
        "CRUNCHY-CHAIR sold",
    ),
    (
        "L4",
        "given back twice",
        lambda b: added(b, "reservations", ReservationRow(CANCELLED, "CRUNCHY-CHAIR", 1, "returned")),
        CANCELLED,
        "returned, 1",
    ),
    (
        "L4",
        "the counter gave twice",
        lambda b: changed(b, "stock", "CRUNCHY-CHAIR", available=11, sold=1),
        "CRUNCHY-CHAIR",
        "1 sold",
    ),
    ("L4", "another quantity", lambda b: changed(b, "reservations", BOUGHT, quantity=3), BOUGHT, "3 CRUNCHY-CHAIR"),
    ("L4", "sold for nothing", lambda b: without(b, "reservations", BOUGHT), BOUGHT, "untouched"),
    (
        "L4",
        "a rejected order holds",
        lambda b: changed(b, "reservations", DECLINED, status="reserved"),
        DECLINED,
        "reserved",
    ),
    ("L5", "not told", lambda b: without(b, "notifications", BOUGHT), BOUGHT, "told nothing"),
    (
        "L5",
        "told twice",
        lambda b: added(b, "notifications", note(BOUGHT, "order_confirmed")),
        BOUGHT,
        "2 order_confirmed",
    ),
    (
        "L5",
        "told what is not due",
        lambda b: added(b, "notifications", note(BOUGHT, "order_rejected")),
        BOUGHT,
        "order_rejected",
    ),
    ("L5", "not mailed", lambda b: without(b, "mails", mail(BOUGHT, "order_confirmed").message_id), BOUGHT, "missing"),
    ("L5", "a stray mail", lambda b: added(b, "mails", Mail("<stray>", "ada", "Hello")), "<stray>", "without"),
    (
        "L6",
        "a declined order holds stock",
        lambda b: changed(b, "reservations", DECLINED, status="reserved"),
        DECLINED,
        "reserved",
    ),
    (
        "L6",
        "money of a declined order",
        lambda b: changed(b, "charges", DECLINED, status="captured"),
        DECLINED,
        "keeps 500",
    ),
    (
        "L6",
        "a mail about a failure",
        lambda b: added(b, "notifications", note(DECLINED, "order_rejected")),
        DECLINED,
        "told",
    ),
    (
        "L6",
        "half an unanswered order",
        lambda b: added(
            added(b, "orders", order("id-lost", "rejected", "payment_voided")),
            "reservations",
            ReservationRow("id-lost", "CRUNCHY-CHAIR", 1, "reserved"),
        ),
        "id-lost",
        "not answered",
    ),
    (
        "L7",
        "a retry is refused",
        lambda b: added(b, "replays", placed(BOUGHT, 409, "request_in_flight")),
        BOUGHT,
        "409",
    ),
    (
        "L7",
        "a retry buys again",
        lambda b: added(b, "replays", replace(placed(BOUGHT, 201), order_id="id-new")),
        BOUGHT,
        "id-new",
    ),
    ("L7", "still pending", lambda b: changed(b, "replays", PENDED, status=202), PENDED, "202"),
]


def test_right_books_have_no_violation_and_every_promise_was_looked_at() -> None:
    outcome = check(right_books())

    assert outcome.violations == ()
    assert outcome.is_clean
    assert outcome.confirmed == 2
    assert all(count > 0 for promise, count in outcome.looked_at.items() if promise not in OF_READS)


@pytest.mark.parametrize(
    ("promise", "name", "plant", "about", "seen"), PLANTED, ids=[f"{p[0]}: {p[1]}" for p in PLANTED]
)
def test_a_planted_violation_is_named(promise: str, name: str, plant: Plant, about: str, seen: str) -> None:
    outcome = check(plant(right_books()))

    found = [v for v in outcome.violations if v.promise == promise and v.about == about]
    assert any(seen in violation.seen for violation in found), outcome.violations
    assert not outcome.is_clean
    assert any(promise in line and "BROKEN" in line for line in tell(outcome))


def test_every_promise_has_a_planted_violation() -> None:
    assert {promise for promise, *_ in PLANTED} == PROMISES.keys() - {"L8", *OF_READS}


def test_an_order_with_a_broken_promise_is_not_counted_as_goodput() -> None:
    books = changed(right_books(), "charges", BOUGHT, amount=499)

    assert check(books).confirmed == 1


def test_a_key_that_a_503_set_free_may_be_used_again() -> None:
    called_off = replace(order("id-off", "rejected", "unavailable"), idempotency_key=key_of(BOUGHT))
    books = added(right_books(), "orders", called_off)

    assert check(books).violations == ()


def test_a_message_that_is_undeliverable_is_finished_and_has_told_nobody() -> None:
    books = changed(right_books(), "notifications", BOUGHT, status="undeliverable")
    books = replace(books, mails=tuple(one for one in books.mails if BOUGHT not in one.message_id))

    violations = check(books).violations

    assert [(violation.promise, violation.about) for violation in violations] == [("L5", BOUGHT)]


def test_orders_whose_keys_were_forgotten_have_nothing_in_common() -> None:
    forgotten = [replace(row, idempotency_key=None) for row in right_books().orders]
    books = replace(right_books(), orders=tuple(forgotten), attempts=(), replays=())

    outcome = check(books)

    assert [violation for violation in outcome.violations if violation.promise in ("S4", "L6", "L7")] == []


def test_an_admin_refund_is_subtracted_from_the_books() -> None:
    books = changed(right_books(), "payments", BOUGHT, refunded=200, refunded_by_admin=200)
    books = changed(books, "charges", BOUGHT, refunds=(("admin-1", 200),))

    assert check(books).violations == ()


def test_mail_that_was_sent_again_with_the_same_message_id_is_fine() -> None:
    books = added(right_books(), "mails", mail(BOUGHT, "order_confirmed"))

    assert check(books).violations == ()


def test_an_unanswered_order_may_be_whole() -> None:
    books = without(right_books(), "attempts", BOUGHT)
    books = added(books, "attempts", replace(placed(BOUGHT, 504), order_id=""))

    assert check(books).violations == ()


def test_an_unanswered_order_that_was_given_up_later_is_whole_with_both_its_messages() -> None:
    books = added(right_books(), "orders", order("id-lost", "rejected", "payment_voided"))
    books = added(books, "attempts", replace(placed("id-lost", 0), order_id=""))
    for kind in ("payment_pending", "order_rejected"):
        books = added(added(books, "notifications", note("id-lost", kind)), "mails", mail("id-lost", kind))

    assert check(books).violations == ()


def test_planted_poison_is_no_dead_letter_of_ours() -> None:
    assert check(replace(right_books(), dead_letters=2, planted_poison=2)).violations == ()


def test_the_same_script_ends_alike_although_ids_differ() -> None:
    books = right_books()
    other = replace(
        books,
        stack="othershop",
        attempts=tuple(replace(a, key=a.key.replace("run-", "again-")) for a in books.attempts),
        orders=tuple(
            replace(o, idempotency_key=(o.idempotency_key or "").replace("run-", "again-")) for o in books.orders
        ),
    )

    verdict = compare(books, other)

    assert verdict.looked_at == 7
    assert verdict.violations == []


def test_a_step_that_one_build_was_too_busy_for_is_not_compared_and_a_slow_bank_is_no_end() -> None:
    other = without(right_books(), "notifications", BOUGHT)  # it ended otherwise ...
    other = without(other, "attempts", BOUGHT)
    other = added(other, "attempts", replace(placed(BOUGHT, 504), order_id=""))  # ... and its answer never came
    slow = added(right_books(), "notifications", note(BOUGHT, "payment_pending"))

    assert compare(right_books(), replace(other, stack="othershop")).violations == []
    assert compare(right_books(), replace(slow, stack="othershop")).violations == []


@pytest.mark.parametrize(
    ("plant", "about"),
    [
        (lambda b: changed(b, "orders", DECLINED, status="confirmed", reason=None), "ada declined"),
        (lambda b: changed(b, "stock", "QUIET-LAMP", available=9, sold=1), "QUIET-LAMP"),
        (lambda b: without(b, "notifications", BOUGHT), "ada bought"),
    ],
)
def test_l8_names_what_ended_differently(plant: Plant, about: str) -> None:
    found = compare(right_books(), replace(plant(right_books()), stack="othershop")).violations

    assert [(violation.promise, violation.about) for violation in found] == [("L8", about)]
