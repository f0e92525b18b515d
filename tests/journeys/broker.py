"""The broker as an operator sees it: the events about an order, sent again in any order; dead letters."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import nats
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from shared.contract.events import DEAD_STREAM, STREAM
from tests.arms import Arm

T = TypeVar("T")

MSG_ID = "Nats-Msg-Id"  # by which the broker itself drops duplicates; we want to reach the inbox


@dataclass(frozen=True)
class Message:
    """One message of the stream."""

    subject: str
    data: bytes
    headers: dict[str, str]


def events_about(arm: Arm, order_id: str) -> list[Message]:
    """Return the events about an order, in the order in which they were published."""

    async def read(stream: JetStreamContext) -> list[Message]:
        state = (await stream.stream_info(STREAM)).state
        messages = []
        for sequence in range(state.first_seq, state.last_seq + 1):
            try:
                message = await stream.get_msg(STREAM, sequence)
            except NotFoundError:  # deleted, or not of this stream's range any more
                continue
            if order_id.encode() in (message.data or b""):
                messages.append(Message(str(message.subject), message.data or b"", dict(message.headers or {})))
        return messages

    return _with_stream(arm, read)


def publish(arm: Arm, messages: list[Message]) -> None:
    """Publish messages as they are, past the broker's own look for duplicates."""

    async def send(stream: JetStreamContext) -> None:
        for message in messages:
            headers = {name: value for name, value in message.headers.items() if name != MSG_ID}
            await stream.publish(message.subject, message.data, headers=headers or None)

    _with_stream(arm, send)


def dead_letters(arm: Arm) -> int:
    """Return how many messages could not be decoded."""

    async def count(stream: JetStreamContext) -> int:
        try:
            return (await stream.stream_info(DEAD_STREAM)).state.messages
        except NotFoundError:
            return 0

    return _with_stream(arm, count)


def kinds_of(messages: list[Message]) -> list[str]:
    """Return the types of these events."""
    return [json.loads(message.data)["type"] for message in messages]


def _with_stream(arm: Arm, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    async def connected() -> T:
        client = await nats.connect(arm.runner.stack.broker_url, connect_timeout=2, allow_reconnect=False)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    return asyncio.run(connected())
