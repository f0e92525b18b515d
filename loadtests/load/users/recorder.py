"""Keeps every request of a process: the figures always, the raw rows and the history of orders if wanted."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from loadtests.load.generator.answering_versions import AnsweringVersion
from loadtests.load.generator.history import OrderCall, OrderHistory
from loadtests.load.generator.live import LiveFile
from loadtests.load.generator.record import Row, Tally
from loadtests.load.users.journeys import Request
from loadtests.load.users.judgement import Judgement

KINDS: dict[str, Literal["place", "cancel", "price", "restock"]] = {
    "order": "place", "cancel": "cancel", "price": "price", "restock": "restock"
}  # fmt: skip
READS = frozenset({"list", "category", "search", "product", "own_orders"})


@dataclass(frozen=True)
class Exchange:
    """A request and what came back. Times are on the clock of `time.perf_counter`; `due_at` is the intended start."""

    index: int
    request: Request
    due_at: float
    sent_at: float
    answered_at: float
    status: int
    content: bytes
    judgement: Judgement
    version: str = ""  # who says it has answered, where versions share a route
    trace: str = ""  # of the request, where tracing is on and it is kept

    @property
    def latency_ms(self) -> float:
        """From the intended start: what a customer waits."""
        return (self.answered_at - self.due_at) * 1000

    @property
    def service_ms(self) -> float:
        """From the send: what most tools report."""
        return (self.answered_at - self.sent_at) * 1000


@dataclass
class Recorder:
    """`origin` is the moment, on the clock of `time.perf_counter`, at which the measured part begins."""

    origin: float = field(default_factory=time.perf_counter)
    history: OrderHistory | None = None
    rows: list[Row] | None = None
    versions: list[AnsweringVersion] | None = None
    live: LiveFile | None = None
    tally: Tally = field(default_factory=Tally)
    orders: Counter[str] = field(default_factory=Counter)
    _epoch: float = field(default_factory=lambda: time.time() - time.perf_counter())

    def epoch(self, moment: float) -> float:
        """Return seconds since the epoch for a moment of `time.perf_counter`."""
        return self._epoch + moment

    def keep(self, exchange: Exchange) -> None:
        """Keep one exchange."""
        request, judgement = exchange.request, exchange.judgement
        row = Row(
            arrival=exchange.index,
            due_s=exchange.due_at - self.origin,
            sent_s=exchange.sent_at - self.origin,
            latency_ms=exchange.latency_ms,
            service_ms=exchange.service_ms,
            journey=request.journey,
            name=f"{request.method} {request.name}",
            status=exchange.status,
            code=judgement.code,
            outcome=judgement.outcome,
            trace=exchange.trace,
        )
        self.tally.add(row)
        if self.versions is not None:
            self.versions.append(
                AnsweringVersion(exchange.index, row.due_s, request.customer, exchange.version, row.outcome)
            )
        if self.rows is not None:
            self.rows.append(row)
        if self.live is not None:
            self.live.add(row)
        if request.journey in KINDS:
            self._keep_change(exchange, measured=row.due_s >= 0)
        elif self.history is not None and request.journey in READS and exchange.status == 200:
            times = self.epoch(exchange.sent_at), self.epoch(exchange.answered_at)
            self.history.add_read(*times, request.customer, exchange.content)

    def take(self) -> tuple[Tally, Counter[str]]:
        """Return the figures since the last call, and begin anew."""
        totals = self.tally, self.orders
        self.tally, self.orders = Tally(), Counter()
        return totals

    def _keep_change(self, exchange: Exchange, *, measured: bool) -> None:
        request, judgement = exchange.request, exchange.judgement
        if request.journey == "order":
            fate = judgement.code if judgement.outcome in ("ok", "business") else judgement.outcome
            self.orders[fate] += 1
            if measured:
                self.orders[f"measured_{fate}"] += 1
        if self.history is None:
            return
        self.history.add(
            OrderCall(
                kind=KINDS[request.journey],
                sent_at=self.epoch(exchange.sent_at),
                answered_at=self.epoch(exchange.answered_at),
                customer=request.customer,
                key=request.key,
                body=request.body,
                order_id=judgement.order_id or request.about,
                status=exchange.status,
                code=judgement.code,
                answer=exchange.content.decode("utf-8", errors="replace"),
            )
        )
