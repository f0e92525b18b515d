"""The promises about the order of what customers read, S8 and S9, checked on the answers that the load was given.

One read comes after another only if it was sent after the other was answered. Reads that overlap may show either state.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from loadtests.measure.books import Books, Read
from loadtests.measure.safety import REACHABLE
from loadtests.measure.verdict import Verdict
from shared.domain.order import OrderStatus

CLOCKS_AGREE_S = 0.05  # the witnesses' clocks are those of two processes of one machine


def order_reads_never_go_backwards(books: Books) -> Verdict:
    """S8. What a read of one's own orders shows must be reachable from what was shown, or answered, before.

    Answers to POST come before reads, never after: a replay is the first answer, whatever the order is by now.
    """
    verdict = Verdict("S8")
    first: dict[str, dict[str, float]] = defaultdict(dict)  # by order and state: when it was first known
    last: dict[str, dict[str, float]] = defaultdict(dict)  # by order and state: when the last read of it was sent
    for order_id, status, read in _orders_shown(books):
        first[order_id][status] = min(read.answered_at, first[order_id].get(status, read.answered_at))
        last[order_id][status] = max(read.sent_at, last[order_id].get(status, read.sent_at))
    for attempt in books.attempts:
        if attempt.status in (200, 201, 202) and attempt.answered_at:
            status = json.loads(attempt.body)["status"]
            known_at = first[attempt.order_id].get(status, attempt.answered_at)
            first[attempt.order_id][status] = min(attempt.answered_at, known_at)
    for order_id, statuses in last.items():
        for status, sent_at in statuses.items():
            before = [one for one, at in first[order_id].items() if at + CLOCKS_AGREE_S <= sent_at]
            wrong = [one for one in before if OrderStatus(status) not in REACHABLE[OrderStatus(one)]]
            verdict.look(not wrong, order_id, f"shown {status} after {', '.join(wrong)}", "no step back")
    return verdict


def stock_is_never_shown_above_what_was_there(books: Books) -> Verdict:
    """S9. Not more than was ever put in, less what was sold for good before the read was sent."""
    verdict = Verdict("S9")
    put_in = {row.sku: row.initial + row.restocked for row in books.stock}
    sold: dict[str, list[tuple[float, int]]] = defaultdict(list)
    confirmed = {row.order_id for row in books.orders if row.status == "confirmed"}
    answers = {one.order_id: one for one in books.attempts if one.kind == "order" and one.status == 201}
    for order_id in confirmed & answers.keys():
        for sku, quantity in answers[order_id].lines:
            sold[sku].append((answers[order_id].answered_at + CLOCKS_AGREE_S, quantity))
    times = {sku: sorted(at for at, _ in sales) for sku, sales in sold.items()}
    sums = {sku: [0, *accumulate(quantity for _, quantity in sorted(sales))] for sku, sales in sold.items()}
    for product, read in products_shown(books):
        sku, available = product["sku"], product["available"]
        if sku in put_in:
            sold_before = sums[sku][bisect_right(times[sku], read.sent_at)] if sku in sums else 0
            most = put_in[sku] - sold_before
            verdict.look(0 <= available <= most, sku, f"{available} shown as available", f"0 to {most}")
    return verdict


def _orders_shown(books: Books) -> Iterator[tuple[str, str, Read]]:
    for read in books.reads:
        for item in read.body.get("items", ()):
            if "status" in item:
                yield item["id"], item["status"], read


def products_shown(books: Books) -> Iterator[tuple[dict[str, Any], Read]]:
    for read in books.reads:
        for item in read.body.get("items", [read.body]):
            if "available" in item:
                yield item, read
