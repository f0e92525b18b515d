"""What a move needs to know of the broker, and to tell it: who has handled what, and who will never ask again."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from deploy.model.errors import NotRunning
from deploy.runner.broker import with_broker
from shared.contract.events import STREAM

TIMEOUT_S = 2.0


def owed(monitor_url: str, consumer: str) -> int:
    """Return how many events a consumer has not handled; 0 if there is no such consumer. Raises NotRunning."""
    return sum(
        one["num_pending"] + one["num_ack_pending"] for one in _consumers(monitor_url) if one["name"] == consumer
    )


def forget(nats_url: str, consumer: str) -> None:
    """Remove a consumer whose service has gone: nobody waits for it, and when it comes again it starts anew."""

    async def remove(jetstream: Any) -> None:
        from nats.js.errors import NotFoundError  # noqa: PLC0415

        try:
            await jetstream.delete_consumer(STREAM, consumer)
        except NotFoundError:
            return

    with_broker(nats_url, remove)


def purge_handled(nats_url: str) -> None:
    """Remove the events that all consumers have handled: a consumer that comes new need not look at them."""

    async def purge(jetstream: Any) -> None:
        from nats.js.errors import NotFoundError  # noqa: PLC0415

        try:
            consumers = await jetstream.consumers_info(STREAM)
        except NotFoundError:
            return
        floors = [one.ack_floor.stream_seq for one in consumers if one.ack_floor]
        if floors and min(floors):
            await jetstream.purge_stream(STREAM, seq=min(floors) + 1)

    with_broker(nats_url, purge)


def _consumers(monitor_url: str) -> list[dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{monitor_url}/jsz?consumers=true", timeout=TIMEOUT_S) as answer:
            document = json.loads(answer.read())
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise NotRunning(f"The broker does not tell how it is: {error}") from error
    return [
        consumer
        for account in document.get("account_details") or ()
        for stream in account.get("stream_detail") or ()
        if stream["name"] == STREAM
        for consumer in stream.get("consumer_detail") or ()
    ]
