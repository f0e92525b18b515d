"""Reads the client's own history, `orders.jsonl`, as attempts and changes that the promises are checked against."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from loadtests.load.generator.history import READS, OrderCall, read_history
from loadtests.measure.books import Attempt, ProductChange, Read


def attempts_of(path: Path) -> tuple[Attempt, ...]:
    """Return the attempts of an `orders.jsonl`, in the order of their answers."""
    return to_attempts(read_history(path))


def reads_of(orders: Path) -> tuple[Read, ...]:
    """Return the reads that were kept beside an `orders.jsonl`; none, if the load was not asked to keep them.

    An answer that was cut off is no read: who sent it died in the midst of it, and nobody has seen anything.
    """
    path = orders.with_name(READS)
    if not path.exists():
        return ()
    with path.open(encoding="utf-8") as lines:
        reads = [_read(json.loads(line)) for line in lines]
    return tuple(read for read in reads if read)


def _read(row: dict[str, Any]) -> Read | None:
    try:
        return Read(row["sent_at"], row["answered_at"], row["customer"], json.loads(row["answer"]))
    except ValueError:
        return None


def to_attempts(calls: Iterable[OrderCall]) -> tuple[Attempt, ...]:
    """Return the attempts of a history, in the order of their answers."""
    placed = [call for call in calls if call.kind in ("place", "cancel")]
    return tuple(_attempt(call) for call in sorted(placed, key=lambda call: call.answered_at))


def changes_of(path: Path) -> tuple[ProductChange, ...]:
    """Return what an `orders.jsonl` says of prices and stock: all but what the shop has surely not done."""
    return tuple(
        _change(call)
        for call in read_history(path)
        if call.kind in ("price", "restock") and not 400 <= call.status < 500
    )


def _change(call: OrderCall) -> ProductChange:
    body = call.body or {}
    answered_at = call.answered_at if call.status == 200 else math.inf
    if call.kind == "price":
        return ProductChange("price", call.order_id, body["price"]["amount"], call.sent_at, answered_at)
    return ProductChange("restock", call.order_id, body["quantity"], call.sent_at, answered_at)


def _attempt(call: OrderCall) -> Attempt:
    lines = (call.body or {}).get("lines", ())
    is_cut = call.status < 300 and not call.answer  # a head without its body: who sent it died in the midst of it
    return Attempt(
        kind="order" if call.kind == "place" else "cancel",
        customer=call.customer,
        key=call.key,
        status=0 if is_cut else call.status,
        code=call.code if call.status >= 400 else "",
        order_id=call.order_id,
        lines=tuple((line["sku"], line["quantity"]) for line in lines),
        body=call.answer,
        request=call.body or {},
        sent_at=call.sent_at,
        answered_at=call.answered_at,
    )
