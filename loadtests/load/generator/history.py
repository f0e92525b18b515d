"""The client's own history of what it changed, what was asked and answered: a witness of the reconciliation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

GATEWAY_TIMEOUT = 504
READS = "reads.jsonl"


@dataclass(frozen=True)
class OrderCall:
    """One POST /orders, POST /orders/{id}/cancel, or change of a product. Times are seconds since the epoch.

    `order_id` is a product's sku where its price is changed, or its stock. `status` 0 means that no answer came (reset,
    refused, timed out). `answer` is the body as it came, byte for byte.
    """

    kind: Literal["place", "cancel", "price", "restock"]
    sent_at: float
    answered_at: float
    customer: str
    key: str
    body: dict[str, Any] | None
    order_id: str
    status: int
    code: str
    answer: str

    @property
    def answered(self) -> bool:
        """False where nobody can know the outcome: no answer, or the edge's 504."""
        return self.status not in (0, GATEWAY_TIMEOUT)

    def answer_json(self) -> Any:
        """Return the answer's body decoded. Raises json.JSONDecodeError (a ValueError) if it is not JSON."""
        return json.loads(self.answer)


class OrderHistory:
    """Writes calls to a file of JSON lines as they end, so that a killed generator leaves what it knows."""

    def __init__(self, path: Path, *, with_reads: bool = False) -> None:
        """`with_reads`: what products and orders look like is kept beside it, too."""
        self._file: IO[str] = path.open("w", encoding="utf-8", buffering=1)
        self._reads: IO[str] | None = path.with_name(READS).open("w", encoding="utf-8") if with_reads else None

    def add(self, call: OrderCall) -> None:
        """Keep one call."""
        self._file.write(json.dumps(asdict(call) | {"answered": call.answered}) + "\n")

    def add_read(self, sent_at: float, answered_at: float, customer: str, answer: bytes) -> None:
        """Keep the answer to a GET, if reads are kept. Times are seconds since the epoch."""
        if self._reads is not None:
            times = {"sent_at": sent_at, "answered_at": answered_at}
            self._reads.write(json.dumps(times | {"customer": customer, "answer": answer.decode()}) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._reads is not None:
            self._reads.close()


def read_history(path: Path) -> Iterator[OrderCall]:
    """Yield the calls of an `orders.jsonl`."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            call = json.loads(line)
            del call["answered"]
            yield OrderCall(**call)
