"""The promises that hold once faults are healed and load has stopped, L1 to L7, checked on plain rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from loadtests.measure.books import Books, OrderRow, ReservationRow
from loadtests.measure.verdict import Verdict
from shared.domain import notification
from shared.domain.order import RejectReason

UNFINISHED = frozenset({"placed", "payment_pending", "cancelling"})
SOLD_FOR = frozenset({"confirmed", "cancelling", "cancelled"})  # an order that came this far was answered 201
OUT_OF_STOCK = frozenset({"reserved", "sold"})


def nothing_is_unfinished(books: Books) -> Verdict:
    """L1."""
    verdict = Verdict("L1")
    for row in books.unfinished:
        verdict.look(False, row.id, f"{row.kind} is {row.state} since {row.age_s:.0f} s", "an end state")
    look_at_orders(verdict, books)
    actual = f"{books.dead_letters} dead letters"
    verdict.look(books.dead_letters == books.planted_poison, books.stack, actual, f"{books.planted_poison} planted")
    verdict.look(books.events_owed == 0, books.stack, f"{books.events_owed} events are not handled", "none")
    return verdict


def look_at_orders(verdict: Verdict, books: Books) -> None:
    """Look whether every order has come to an end."""
    for order in books.orders:
        fine = order.status not in UNFINISHED
        verdict.look(fine, order.order_id, f"the order is {order.status}", "an end state")


def the_money_is_all_there(books: Books) -> Verdict:
    """L2, as a sum and order by order."""
    verdict = Verdict("L2")
    by_admin: Counter[str] = Counter()
    for payment in books.payments:
        by_admin[payment.order_id] += payment.refunded_by_admin
    due = {row.order_id: (row.total or 0) - by_admin[row.order_id] for row in books.orders if row.status == "confirmed"}
    amounts = {order_id: books.kept_of(order_id) for order_id in books.charges_by_order}
    for order_id in sorted(due.keys() | amounts.keys()):
        actual, expected = amounts.get(order_id, 0), due.get(order_id, 0)
        verdict.look(actual == expected, order_id, f"the ledger keeps {actual}", f"the books say {expected}")
    sum_kept, sum_due = sum(amounts.values()), sum(due.values())
    verdict.look(sum_kept == sum_due, books.stack, f"the ledger keeps {sum_kept} in all", f"{sum_due} in all")
    return verdict


def every_capture_has_its_reason(books: Books) -> Verdict:
    """L3."""
    verdict = Verdict("L3")
    for charge in books.charges:
        if charge.status != "captured":
            continue
        order = books.order_by_id.get(charge.key)
        state = order.status if order else "absent"
        fine = state == "confirmed" or charge.refunded == charge.amount
        actual = f"captured {charge.amount}, refunded {charge.refunded}, and the order is {state}"
        verdict.look(fine, charge.key, actual, "a confirmed order, or a full refund")
    return verdict


def stock_follows_the_order(books: Books) -> Verdict:
    """L4: confirmed means sold, cancelled means returned, rejected holds nothing; and the counters say the same."""
    verdict = Verdict("L4")
    ordered = {a.order_id: dict(a.lines) for a in books.attempts if a.kind == "order" and a.order_id and a.lines}
    ends_as = {"confirmed": "sold", "cancelled": "returned"}
    for row in books.orders:
        held = books.reservations_by_order.get(row.order_id, [])
        if row.status in ends_as:
            rows = Counter((line.sku, line.quantity, line.status) for line in held)
            lines = ordered.get(row.order_id) or {str(line.sku): line.quantity or 0 for line in held}
            expected = Counter((sku, quantity, ends_as[row.status]) for sku, quantity in lines.items())
            fine = rows == expected and bool(rows)
            actual = f"{row.status}, and its stock is {pieces(held)}"
            verdict.look(fine, row.order_id, actual, f"{len(lines)} lines {ends_as[row.status]}, each once")
        elif row.status == "rejected":
            fine = not any(line.status in OUT_OF_STOCK for line in held)
            verdict.look(fine, row.order_id, f"rejected, and its stock is {pieces(held)}", "nothing held")
    counted: Counter[tuple[str | None, str]] = Counter()
    for line in books.reservations:
        counted[line.sku, line.status] += line.quantity or 0
    for stock in books.stock:
        reserved, sold = counted[stock.sku, "reserved"], counted[stock.sku, "sold"]
        actual = f"counters say {stock.reserved} reserved, {stock.sold} sold"
        verdict.look((stock.reserved, stock.sold) == (reserved, sold), stock.sku, actual,
                     f"{reserved} and {sold}, the sum over the orders")  # fmt: skip
    return verdict


def everybody_was_told(books: Books) -> Verdict:
    """L5. A message that is undeliverable has its end, but told nobody: the customers of a load have addresses."""
    verdict = Verdict("L5")
    told_pending = {a.order_id for a in books.attempts if a.kind == "order" and a.status == 202}
    for row in books.orders:
        kinds = Counter(books.kinds_by_order.get(row.order_id, ()))
        due = _due_kinds(row, told_pending, kinds)
        actual = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing"
        expected = ", ".join(sorted(due)) or "nothing"
        verdict.look(kinds == Counter(due), row.order_id, f"{row.status}, told {actual}", f"each once: {expected}")
    mails = {mail.message_id: mail for mail in books.mails}
    for note in books.notifications:
        message_id = notification.message_id(note.order_id, note.kind, books.mail_domain)
        mail = mails.get(message_id)
        verdict.look(mail is not None and mail.subject == notification.subject_of(note.kind), note.order_id,
                     f"{note.kind} is {note.status}, its mail {'is missing' if mail is None else mail.subject!r}",
                     f"a mail with the Message-ID {message_id}")  # fmt: skip
    known = {notification.message_id(note.order_id, note.kind, books.mail_domain) for note in books.notifications}
    for stray in mails.keys() - known:
        verdict.look(False, stray, f"a mail to {mails[stray].to} without a notification", "a notification for each")
    return verdict


def failures_left_nothing(books: Books) -> Verdict:
    """L6."""
    verdict = Verdict("L6")
    for (customer, key), attempts in books.attempts_by_key.items():
        rows = books.orders_by_key.get((customer, key), [])
        if all(attempt.is_failed for attempt in attempts):
            for about, effect in [(row.order_id, _effect(books, row)) for row in rows] or [(f"{customer} {key}", "")]:
                answer = f"answered {attempts[-1].status} {attempts[-1].code}"
                verdict.look(not effect, about, f"{answer}, and {effect}", "no effect on stock, money or mail")
        elif all(attempt.is_unanswered for attempt in attempts):
            for row in rows:
                fine = (row.status in SOLD_FOR and _is_whole(books, row)) or not _effect(books, row)
                # Given up while nobody knew of the charge: the customer was told both, and nothing else was done.
                fine = fine or (row.status == "rejected" and not _holds_anything(books, row))
                actual = f"not answered; the order is {row.status}, and {_effect(books, row)}"
                verdict.look(fine, row.order_id, actual, "whole or absent")
            if not rows:
                verdict.look(True, f"{customer} {key}", "absent", "whole or absent")
    return verdict


def retries_get_the_final_answer(books: Books) -> Verdict:
    """L7. Looks at the old keys that were sent once more when everything had settled."""
    verdict = Verdict("L7")
    for replay in books.replays:
        rows = books.orders_by_key.get((replay.customer, replay.key), [])
        row = next((row for row in rows if row.reason != RejectReason.UNAVAILABLE), None)
        if row is None:
            continue
        expected = "201" if row.status in SOLD_FOR else "402, or 409 out_of_stock or price_changed"
        fine = replay.is_final and (replay.status == 201) == (row.status in SOLD_FOR)
        if replay.status == 201:
            fine = fine and replay.order_id == row.order_id
        actual = f"{replay.status} {replay.code} {replay.order_id}"
        verdict.look(fine, row.order_id, f"a retry was answered {actual}", f"{expected}, for the order is {row.status}")
    return verdict


def _due_kinds(row: OrderRow, told_pending: set[str], kinds: Counter[str]) -> set[str]:
    """Return the kinds of message that this order is due. A pending state nobody was answered may or may not show."""
    due: set[str] = set()
    if row.order_id in told_pending or kinds["payment_pending"]:
        due.add("payment_pending")
    if row.status in SOLD_FOR:
        due.add("order_confirmed")
    if row.status == "cancelled":
        due.add("order_cancelled")
    if row.status == "rejected" and due:
        due.add("order_rejected")
    return due


def _held(books: Books, row: OrderRow) -> list[ReservationRow]:
    return [line for line in books.reservations_by_order.get(row.order_id, ()) if line.status in OUT_OF_STOCK]


def _holds_anything(books: Books, row: OrderRow) -> bool:
    """Whether an order has stock or money; what was told about it is L5's."""
    return bool(_held(books, row) or books.kept_of(row.order_id))


def _effect(books: Books, row: OrderRow) -> str:
    """Return in words what an order did to stock, money or mail; empty if nothing."""
    effects = []
    if held := _held(books, row):
        effects.append(f"its stock is {pieces(held)}")
    if amount := books.kept_of(row.order_id):
        effects.append(f"the provider keeps {amount}")
    if kinds := books.kinds_by_order.get(row.order_id):
        effects.append(f"the customer was told {', '.join(kinds)}")
    return " and ".join(effects)


def _is_whole(books: Books, row: OrderRow) -> bool:
    """Whether money, stock and mail all say that this order was made."""
    if row.status != "confirmed":
        return True  # cancelled later: L2 to L5 look at it
    held = books.reservations_by_order.get(row.order_id, [])
    sold = bool(held) and all(line.status == "sold" for line in held)
    captured = any(charge.status == "captured" for charge in books.charges_by_order.get(row.order_id, ()))
    return sold and captured and "order_confirmed" in books.kinds_by_order.get(row.order_id, ())


def pieces(held: Sequence[ReservationRow]) -> str:
    """Return the lines of a reservation in words."""
    return ", ".join(f"{line.quantity} {line.sku} {line.status}" for line in held) or "untouched"
