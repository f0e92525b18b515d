"""L8: the same script without faults ends in the same state in both builds."""

from __future__ import annotations

from loadtests.measure.books import Attempt, Books, Key
from loadtests.measure.liveness import pieces
from loadtests.measure.verdict import Verdict


def both_end_alike(one: Books, other: Books) -> Verdict:
    """L8: what the same client, with the same seed, left behind in two builds. Only steps that both got count."""
    verdict = Verdict("L8")
    mine, theirs = _by_step(one), _by_step(other)
    for step in sorted(mine.keys() & theirs.keys()):
        a, b = _end_of(one, mine[step]), _end_of(other, theirs[step])
        verdict.look(a == b, " ".join(step), f"{other.stack}: {b}", f"as in {one.stack}: {a}")
    if mine.keys() == theirs.keys():
        stock = {row.sku: row for row in other.stock}
        for row in one.stock:
            seen = f"{other.stack}: {stock.get(row.sku)}"
            verdict.look(stock.get(row.sku) == row, row.sku, seen, f"as in {one.stack}: {row}")
    return verdict


def _by_step(books: Books) -> dict[Key, list[Attempt]]:
    """Return the client's orders by (customer, number in the script). A key is a run's name, a dash and that number."""
    return {(customer, key.rpartition("-")[2]): tries for (customer, key), tries in books.attempts_by_key.items()}


def _end_of(books: Books, attempts: list[Attempt]) -> str:
    """Return in words how the order of a key ended: state, total, stock, money and messages, without any id."""
    rows = books.orders_by_key.get((attempts[0].customer, attempts[0].key), [])
    ends = []
    for row in rows:
        held = sorted(pieces([line]) for line in books.reservations_by_order.get(row.order_id, ()))
        kinds = sorted(books.kinds_by_order.get(row.order_id, ()))
        ends.append(f"{row.status} {row.reason or ''} {row.total} {held} kept {books.kept_of(row.order_id)} {kinds}")
    return "; ".join(sorted(ends)) or "absent"
