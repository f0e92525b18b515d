"""What time it is on the other machines: asked over Locust's own connection, since nobody else has set their clocks.

As NTP does it: half of the time that question and answer took is the most that an answer can be wrong by (Mills, RFC
5905, section 8), and of several answers the quickest is taken.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import AsyncResult

ASK, SAY = "arrivals_ask_time", "arrivals_say_time"
QUESTIONS = 9
PATIENCE_S = 2.0


@dataclass(frozen=True)
class Clock:
    """How far another process's clock is ahead of ours, in seconds, and what that may be wrong by."""

    offset_s: float
    within_s: float

    def as_ms(self) -> dict[str, float]:
        """Return it for a report."""
        return {"offset_ms": round(1000 * self.offset_s, 3), "within_ms": round(1000 * self.within_s, 3)}


def answer_for_the_time(runner: Any) -> None:
    """Have a process say what time it is whenever it is asked."""

    def say(msg: Any, **_event: Any) -> None:
        runner.send_message(SAY, {"asked_at": msg.data["asked_at"], "time": time.time()})

    runner.register_message(ASK, say)


class Clocks:
    """The master's side."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._answers: dict[tuple[str, float], AsyncResult[float]] = {}
        runner.register_message(SAY, self._on_say)

    def ask(self, client_id: str) -> Clock | None:
        """Return what is known of a process's clock; None if it does not answer."""
        clocks = []
        for _ in range(QUESTIONS):
            asked_at = time.time()
            answer = self._answers[client_id, asked_at] = AsyncResult()
            self._runner.send_message(ASK, {"asked_at": asked_at}, client_id=client_id)
            try:
                their_time = answer.get(timeout=PATIENCE_S)
            except gevent.Timeout:
                return None
            finally:
                del self._answers[client_id, asked_at]
            took_s = time.time() - asked_at
            clocks.append(Clock(their_time - asked_at - took_s / 2, took_s / 2))
        return min(clocks, key=lambda clock: clock.within_s)

    def _on_say(self, msg: Any, **_event: Any) -> None:
        if (answer := self._answers.get((msg.node_id, msg.data["asked_at"]))) is not None:
            answer.set(msg.data["time"])
