"""How long after an order's 201 each part of the system agrees: watched from outside, by looking again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import httpx
import psycopg

from loadtests.measure.latency import LatencyHistogram
from loadtests.measure.parties import Parties
from shared.domain.notification import NotificationKind, message_id

LOOK_EVERY_S = 0.01
STOCK = "stock sold"
ROW = "notification written"
PAYMENT = "payment visible"
MAIL = "mail received"
FACTS = (PAYMENT, STOCK, ROW, MAIL)
_QUESTIONS = {
    STOCK: (
        "v_reservations",
        "SELECT order_id::text FROM v_reservations WHERE order_id::text = ANY(%s) "
        "GROUP BY order_id HAVING bool_and(status = 'sold')",
    ),
    ROW: ("v_notifications", "SELECT order_id::text FROM v_notifications WHERE order_id::text = ANY(%s)"),
}


class Watch:
    """Looks every 10 ms whether a fact holds for the orders it was told of; notes when it first did."""

    def __init__(self, holds: Callable[[list[str]], Iterable[str]]) -> None:
        """`holds` returns those of the given orders for which the fact holds."""
        self._holds = holds
        self._waiting: dict[str, float] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self.lags_ms: list[float] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def add(self, order_id: str, answered_at: float) -> None:
        """Watch one more order, answered at this moment of `time.time()`."""
        with self._lock:
            self._waiting[order_id] = answered_at

    def end(self, within_s: float) -> int:
        """Wait until all facts hold, or for `within_s`; return for how many orders they still did not."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self._waiting:
            time.sleep(LOOK_EVERY_S)
        self._ending.set()
        self._thread.join()
        return len(self._waiting)

    def _look(self) -> None:
        while not self._ending.is_set():
            with self._lock:
                waiting = list(self._waiting)
            if waiting:
                held = set(self._holds(waiting))
                now = time.time()
                with self._lock:
                    self.lags_ms += [max(0.0, (now - self._waiting.pop(order_id)) * 1000) for order_id in held]
            time.sleep(LOOK_EVERY_S)


def watches(parties: Parties) -> tuple[dict[str, Watch], list[psycopg.Connection[Any]]]:
    """Return the watches of what the databases know, and the connections that they use."""
    watching: dict[str, Watch] = {}
    connections: list[psycopg.Connection[Any]] = []
    for fact, (view, question) in _QUESTIONS.items():
        for url in parties.databases:
            connection = psycopg.connect(url, autocommit=True)
            having = connection.execute("SELECT to_regclass(%s)", (view,)).fetchone()
            if having and having[0]:
                connections.append(connection)
                watching[fact] = Watch(_asking(connection, question))
                break
            connection.close()
    return watching, connections


def _asking(connection: psycopg.Connection[Any], question: str) -> Callable[[list[str]], Iterable[str]]:
    def holds(order_ids: list[str]) -> Iterable[str]:
        return [row[0] for row in connection.execute(question.encode(), (order_ids,))]

    return holds


def mail_lags_ms(parties: Parties, answered_at: Mapping[str, float], within_s: float = 0.0) -> tuple[list[float], int]:
    """Return how long after its 201 each order's mail was received (the mail server's clock), and how many were not.

    Mails that are not there yet are waited for, all together for `within_s`.
    """
    lags, missing = [], 0
    deadline = time.monotonic() + within_s
    with httpx.Client(base_url=parties.mail, trust_env=False, timeout=10) as mail:
        for order_id, moment in answered_at.items():
            id_ = message_id(order_id, NotificationKind.ORDER_CONFIRMED, parties.mail_domain)
            while not (messages := _messages(mail, id_)) and time.monotonic() < deadline:
                time.sleep(LOOK_EVERY_S)
            if messages:
                first = min(datetime.fromisoformat(one["received_at"]).timestamp() for one in messages)
                lags.append(max(0.0, (first - moment) * 1000))
            else:
                missing += 1
    return lags, missing


def _messages(mail: httpx.Client, id_: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (
        mail.get("/messages", params={"message_id": id_}).raise_for_status().json()["messages"]
    )
    return messages


def summary(lags_ms: list[float]) -> dict[str, float]:
    """Return count, p50, p95, p99 and max of these lags, in ms."""
    whole = LatencyHistogram.of(lags_ms).summary()
    return {name: whole[name] for name in ("count", "p50", "p95", "p99", "max")}
