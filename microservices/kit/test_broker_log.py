"""A broker that is away is tried several times a second, and told of once in a while."""

from __future__ import annotations

import asyncio

import pytest

from microservices.kit.broker import Broker


def test_the_same_trouble_is_logged_once_and_another_at_once(caplog: pytest.LogCaptureFixture) -> None:
    broker = Broker("nats://nowhere", "test")

    for error in (OSError("refused"), OSError("refused"), TimeoutError(), OSError("refused")):
        asyncio.run(broker._log_error(error))

    assert [record.getMessage() for record in caplog.records] == [
        "broker: refused",
        "broker: TimeoutError",
        "broker: refused",
    ]
