"""What a broker owes its consumers, and what it owes nobody any more."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from loadtests.measure.backlog import events_on_their_way


def consumer(pending: int, waiting: int = 1, **config: Any) -> dict[str, Any]:
    """A consumer as JetStream's monitor shows it; `waiting` are the requests of who reads."""
    return {"num_pending": pending, "num_ack_pending": 2, "num_waiting": waiting, "config": config}


@pytest.mark.parametrize(
    ("one", "owed"),
    [
        (consumer(5), 7),
        (consumer(5, waiting=0), 7),
        (consumer(5, inactive_threshold=600_000_000_000), 7),
        (consumer(5, waiting=0, inactive_threshold=600_000_000_000), 0),
    ],
    ids=["read", "its part is away", "read, and may be forgotten", "waits to be forgotten"],
)
def test_a_consumer_that_waits_to_be_forgotten_is_owed_nothing(
    monkeypatch: pytest.MonkeyPatch, one: dict[str, Any], owed: int
) -> None:
    shown = {"account_details": [{"stream_detail": [{"consumer_detail": [one]}]}]}

    def answer(url: str, params: dict[str, str], timeout: float) -> httpx.Response:
        assert params == {"consumers": "true", "config": "true"}
        return httpx.Response(200, json=shown, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", answer)

    assert events_on_their_way("http://broker") == owed
