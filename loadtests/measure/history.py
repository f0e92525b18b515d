"""Reads the client's own history, `orders.jsonl`, as attempts that the promises are checked against."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loadtests.generator.history import OrderCall, read_history
from loadtests.measure.books import Attempt


def attempts_of(path: Path) -> tuple[Attempt, ...]:
    """Return the attempts of an `orders.jsonl`, in the order of their answers."""
    return to_attempts(read_history(path))


def to_attempts(calls: Iterable[OrderCall]) -> tuple[Attempt, ...]:
    """Return the attempts of a history, in the order of their answers."""
    return tuple(_attempt(call) for call in sorted(calls, key=lambda call: call.answered_at))


def _attempt(call: OrderCall) -> Attempt:
    lines = (call.body or {}).get("lines", ())
    return Attempt(
        kind="order" if call.kind == "place" else "cancel",
        customer=call.customer,
        key=call.key,
        status=call.status,
        code=call.code if call.status >= 400 else "",
        order_id=call.order_id,
        lines=tuple((line["sku"], line["quantity"]) for line in lines),
        body=call.answer,
        request=call.body or {},
    )
