"""L8: the same script without faults ends in the same state in both builds."""

from __future__ import annotations

from loadtests.measure.books import Attempt, Books, Key
from loadtests.measure.liveness import pieces
from loadtests.measure.verdict import Verdict

SERVER_ERROR = 500


def both_end_alike(one: Books, other: Books) -> Verdict:
    """L8: what the same client, with the same seed, left behind in two builds. Only steps that both answered count.

    A step that one build was too busy for (5xx, no answer) was not the same in both: error shares tell of it.
    """
    verdict = Verdict("L8")
    mine, theirs = _by_step(one), _by_step(other)
    same_script = mine.keys() == theirs.keys()
    for step in sorted(mine.keys() & theirs.keys()):
        a, b = _end_of(one, mine[step]), _end_of(other, theirs[step])
        if a != b and not (_answered(mine[step]) and _answered(theirs[step])):
            same_script = False
            continue
        verdict.look(a == b, " ".join(step), f"{other.stack}: {b}", f"as in {one.stack}: {a}")
    if same_script:
        stock = {row.sku: row for row in other.stock}
        for row in one.stock:
            actual = f"{other.stack}: {stock.get(row.sku)}"
            verdict.look(stock.get(row.sku) == row, row.sku, actual, f"as in {one.stack}: {row}")
    return verdict


def _answered(tries: list[Attempt]) -> bool:
    return all(0 < one.status < SERVER_ERROR for one in tries)


def _by_step(books: Books) -> dict[Key, list[Attempt]]:
    """Return the client's orders by (customer, number in the script). A key is a run's name, a dash and that number."""
    return {(customer, key.rpartition("-")[2]): tries for (customer, key), tries in books.attempts_by_key.items()}


def _end_of(books: Books, attempts: list[Attempt]) -> str:
    """Return in words how the order of a key ended: state, total, stock, money and messages, without any id.

    Whether somebody was told in between that the bank takes its time is a matter of time, and no end.
    """
    rows = books.orders_by_key.get((attempts[0].customer, attempts[0].key), [])
    ends = []
    for row in rows:
        held = sorted(pieces([line]) for line in books.reservations_by_order.get(row.order_id, ()))
        kinds = sorted(set(books.kinds_by_order.get(row.order_id, ())) - {"payment_pending"})
        ends.append(f"{row.status} {row.reason or ''} {row.total} {held} kept {books.kept_of(row.order_id)} {kinds}")
    return "; ".join(sorted(ends)) or "absent"
