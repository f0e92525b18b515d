"""Retries stop where they are told to, and a breaker lets nothing pass while it is open."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from shared.domain.errors import Unanswered, Unreached
from shared.platform.metrics import Metrics
from variants.retries.__main__ import RetryingPeer
from variants.retries.policy import Breaker, CallPolicy, CircuitOpen, Retries, policy_of


class Down(Exception):
    """The peer is away."""


def outcomes(policy: CallPolicy, calls: int, *, fails: bool) -> tuple[int, int]:
    """Return how many attempts these calls made, and how many calls failed."""
    attempts = failed = 0

    async def attempt() -> httpx.Response:
        nonlocal attempts
        attempts += 1
        if fails:
            raise Down
        return httpx.Response(200)

    async def run() -> None:
        nonlocal failed
        for _ in range(calls):
            try:
                await policy.call(attempt, (Down,))
            except (Down, CircuitOpen):
                failed += 1

    asyncio.run(run())
    return attempts, failed


def test_naive_retries_multiply_the_load_of_a_peer_that_is_down() -> None:
    assert outcomes(CallPolicy(Retries(4), None), 50, fails=True) == (200, 50)
    assert outcomes(CallPolicy(Retries(4), None), 50, fails=False) == (50, 0)


def test_a_budget_keeps_retries_to_a_tenth_of_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("variants.retries.policy.FIRST_PAUSE_S", 0.0)

    attempts, failed = outcomes(CallPolicy(Retries(4, budgeted=True), None), 100, fails=True)

    assert failed == 100
    assert 100 < attempts <= 100 + 10 + 100 * 0.1 + 1


def test_a_breaker_opens_closes_and_lets_one_call_see() -> None:
    now = 0.0
    breaker = Breaker(3, 2.0, clock=lambda: now)
    policy = CallPolicy(Retries(), breaker)

    opened = outcomes(policy, 10, fails=True)
    now = 2.5
    half_open = outcomes(policy, 10, fails=True)
    now = 5.0
    healed = outcomes(policy, 10, fails=False)

    assert opened == (3, 10)
    assert half_open == (1, 10)
    assert healed == (10, 0)


def test_an_answer_of_5xx_is_tried_again_and_then_told() -> None:
    async def attempt() -> httpx.Response:
        return httpx.Response(503)

    assert asyncio.run(CallPolicy(Retries(2), None).call(attempt, (Down,))).status_code == 503


@pytest.mark.parametrize(
    ("retries", "breaker"), [("often", ""), ("naive:0", ""), ("naive", ""), ("", "5"), ("", "a:b")]
)
def test_settings_that_make_no_sense_are_refused(retries: str, breaker: str) -> None:
    with pytest.raises(ValueError, match="want"):
        policy_of(retries, breaker)
    assert policy_of("", "") is None


def test_a_retrying_peer_sends_a_call_again_and_says_what_became_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRIES", "naive:3")
    attempts = 0

    def refuse(_: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        raise httpx.ConnectError("refused")

    async def run() -> None:
        transport = httpx.MockTransport(refuse)
        peer = RetryingPeer("payments", "http://payments", deadline_s=1, metrics=Metrics(), transport=transport)
        await peer.post("/internal/charges")

    with pytest.raises(Unreached):
        asyncio.run(run())
    assert attempts == 3


@pytest.mark.parametrize("breaker", ["", "1:60"])
def test_a_retry_that_cannot_connect_does_not_undo_the_attempt_before_it(
    breaker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRIES", "naive:2")
    monkeypatch.setenv("CIRCUIT_BREAKER", breaker)
    attempts = iter([httpx.ReadTimeout("no answer"), httpx.ConnectError("connection refused")])

    async def fail(_: httpx.Request) -> httpx.Response:
        raise next(attempts)

    async def run() -> None:
        peer = RetryingPeer(
            "peer", "http://peer", deadline_s=0.5, metrics=Metrics(), transport=httpx.MockTransport(fail)
        )
        await peer.post("/path", b"{}")

    with pytest.raises(Unanswered):
        asyncio.run(run())
