"""Retries and a circuit breaker for calls to other parts, both off unless set. The plain build calls once (rule 10).

They show what each of them does to a shop that is in trouble:
`RETRIES=naive:4` sends a failed call again at once, four times in all; `RETRIES=budgeted:4` waits with jitter before it
does, and only as often as a tenth of the calls allows; `CIRCUIT_BREAKER=5:2` lets nothing pass for two seconds after
five failures in a row, and then a single call to see.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from shared.platform.failpoints import failpoint

BUDGET_SHARE = 0.1  # retries per call
BUDGET_MOST = 10.0  # retries that a quiet time may save up
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0

Attempt = Callable[[], Awaitable[httpx.Response]]


class CircuitOpen(Exception):
    """Nothing was sent: the last calls all failed."""


class Breaker:
    """Opens after `failures` in a row for `open_s` seconds; then one call is let through to see."""

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._open_s, self._clock = failures, open_s, clock
        self._in_a_row = 0
        self._opened_at = 0.0
        self._probing = False

    def check(self) -> None:
        """Raise CircuitOpen unless a call may be sent now."""
        if self._in_a_row < self._limit:
            return
        if self._probing or self._clock() - self._opened_at < self._open_s:
            raise CircuitOpen
        self._probing = True
        failpoint("breaker.probed")

    def record(self, *, failed: bool) -> None:
        """Take note of how a call ended."""
        self._probing = False
        if not failed:
            if self._in_a_row >= self._limit:
                failpoint("breaker.closed")
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row >= self._limit:
            self._opened_at = self._clock()
            failpoint("breaker.opened")


@dataclass
class Retries:
    """At most `attempts` for a call. `budgeted`: with jitter, and from a budget that calls fill and retries empty."""

    attempts: int = 1
    budgeted: bool = False
    _tokens: float = BUDGET_MOST

    def begin(self) -> None:
        """A new call: it pays a little into the budget."""
        self._tokens = min(BUDGET_MOST, self._tokens + BUDGET_SHARE)

    async def again(self, attempt: int) -> bool:
        """Return whether to try again after this failed attempt (from 1), having waited as long as one should."""
        if attempt >= self.attempts:
            return False
        if self.budgeted:
            if self._tokens < 1:
                return False
            self._tokens -= 1
            await asyncio.sleep(random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**attempt)))
        return True


class CallPolicy:
    """What stands between a peer and its attempts to call."""

    def __init__(self, retries: Retries, breaker: Breaker | None) -> None:
        self._retries, self._breaker = retries, breaker

    async def call(self, attempt: Attempt, failures: tuple[type[Exception], ...]) -> httpx.Response:
        """Return an answer. Raises CircuitOpen, or what the last attempt raised. An answer of 5xx counts as failed."""
        self._retries.begin()
        number = 0
        while True:
            number += 1
            if self._breaker is not None:
                self._breaker.check()
            error, answer = None, None
            try:
                answer = await attempt()
            except failures as failure:
                error = failure
            except BaseException:  # cancelled: a breaker that waits for this call must not wait for ever
                if self._breaker is not None:
                    self._breaker.record(failed=True)
                raise
            failed = answer is None or answer.status_code >= 500
            if self._breaker is not None:
                self._breaker.record(failed=failed)
            if failed and await self._retries.again(number):
                continue
            if answer is None:
                assert error is not None
                raise error
            return answer


def policy_of(retries: str, circuit_breaker: str) -> CallPolicy | None:
    """Return the policy that settings ask for; None if they ask for nothing. Raises ValueError."""
    if not retries and not circuit_breaker:
        return None
    kind, _, attempts = retries.partition(":")
    if retries and (kind not in ("naive", "budgeted") or not attempts.isdigit() or not int(attempts)):
        raise ValueError(f"RETRIES={retries!r}: want naive:<attempts> or budgeted:<attempts>")
    failures, _, open_s = circuit_breaker.partition(":")
    try:
        breaker = Breaker(int(failures), float(open_s)) if circuit_breaker else None
    except ValueError:
        raise ValueError(f"CIRCUIT_BREAKER={circuit_breaker!r}: want <failures>:<seconds>") from None
    return CallPolicy(Retries(int(attempts or 1), kind == "budgeted"), breaker)
