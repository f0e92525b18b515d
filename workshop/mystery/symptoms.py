"""Looks at a shop as somebody would who wants to know what is wrong: a dozen lists, some orders, logs, CPU."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from deploy.runner.interface import Runner
from workshop.customer import Answer, Visitor, until

LISTS, ORDERS = 12, 5
TOLD_WITHIN_S = 4.0
LOG_LINES = 400
ERRORS = re.compile(r"No space left on device|read-only transaction|\w+ answered [45]\d\d|\w+ did not answer")


@dataclass(frozen=True)
class Symptoms:
    """What was seen of one shop. Milliseconds are medians, failures included."""

    lists_ms: float
    lists_failed: int
    orders_ms: float
    order_answers: Mapping[str, int]
    mails: int  # how many of the orders had their mail soon after
    busiest: str  # the application that used most CPU meanwhile, with ms
    restarts: int
    memory_mb: float
    errors_in_logs: Mapping[str, int] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str]]:
        """Return it as a person reads it."""
        answers = ", ".join(f"{count} times {answer}" for answer, count in self.order_answers.items())
        errors = ", ".join(f"{name} {count}" for name, count in self.errors_in_logs.items())
        return [
            ("a list of 20 products, median", f"{self.lists_ms:.0f} ms"),
            ("lists that failed", f"{self.lists_failed} of {LISTS}"),
            ("an order, median", f"{self.orders_ms:.0f} ms"),
            ("orders were answered", answers),
            (f"mails within {TOLD_WITHIN_S:.0f} s", f"{self.mails} of {ORDERS}"),
            ("most CPU meanwhile", self.busiest),
            ("restarts so far", str(self.restarts)),
            ("memory of the applications", f"{self.memory_mb:.0f} MB"),
            ("errors in the logs", errors or "none"),
        ]


def look_at(runner: Runner) -> Symptoms:
    """Ask a shop that is up. Raises DeployError."""
    visitor = Visitor.at(runner, "detective-dora")
    apps = [part.name for part in runner.stack.parts if part.kind == "app"]
    before = _cpu_of(runner)
    logged = _errors_in_logs(runner)
    lists = _at_once(LISTS, 3, lambda: visitor.get("/products?limit=20"))
    skus = [item["sku"] for answer in lists for item in answer.body.get("items", ()) if item.get("available", 0) > 0]
    sku = skus[0] if skus else "none"
    orders = _at_once(ORDERS, ORDERS, lambda: visitor.buy((sku, 1)))
    ids = [answer.body["id"] for answer in orders if answer.status in (201, 202) and "id" in answer.body]
    until(lambda: all(visitor.mails_about(one) for one in ids), TOLD_WITHIN_S)
    used = {part: cpu_s - before.get(part, 0.0) for part, cpu_s in _cpu_of(runner).items() if part in apps}
    busiest = max(used, key=lambda part: used[part])
    stats = runner.stats()
    return Symptoms(
        lists_ms=statistics.median(answer.waited_ms for answer in lists),
        lists_failed=sum(answer.status != 200 for answer in lists),
        orders_ms=statistics.median(answer.waited_ms for answer in orders),
        order_answers=Counter(_answer_in_words(answer) for answer in orders),
        mails=sum(bool(visitor.mails_about(one)) for one in ids),
        busiest=f"{busiest}, {1000 * used[busiest]:.0f} ms",
        restarts=sum(one.restarts for one in stats),
        memory_mb=sum(one.memory_bytes for one in stats if one.part in apps) / 2**20,
        errors_in_logs=_errors_in_logs(runner) - logged,
    )


def _at_once(count: int, at_once: int, ask: Callable[[], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(at_once) as hands:
        return [waiting.result() for waiting in [hands.submit(ask) for _ in range(count)]]


def _answer_in_words(answer: Answer) -> str:
    what = answer.body.get("status" if answer.status in (201, 202) else "code")
    return f"{answer.status} {what or 'no answer'}"


def _cpu_of(runner: Runner) -> dict[str, float]:
    return {one.part: one.cpu_s for one in runner.stats(memory=False)}


def _errors_in_logs(runner: Runner) -> Counter[str]:
    return Counter(
        f"'{error}' ({part.name})"
        for part in runner.stack.parts
        if part.kind in ("app", "postgres")
        for error in ERRORS.findall(runner.logs(part.name, LOG_LINES))
    )
