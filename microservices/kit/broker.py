"""The connection to NATS JetStream. It comes and goes by itself: no request ever waits for the broker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StreamConfig
from nats.js.errors import BadRequestError, NoStreamResponseError, NotFoundError

from shared.contract.events import DEAD_STREAM, DEAD_SUBJECT_PREFIX, STREAM, SUBJECT_PREFIX
from shared.platform.broker import PING_EVERY_S, PINGS_UNANSWERED

log = logging.getLogger(__name__)

# A stream that is full refuses what comes, and the outbox keeps it: nothing that somebody has not read is discarded.
MAX_EVENTS_BYTES = 512 * 1024**2
TRIM_ABOVE_BYTES = MAX_EVENTS_BYTES // 2  # beyond this, what everybody has read goes
MAX_DEAD_BYTES = 256 * 1024**2  # dead letters have room of their own, and stay until somebody deals with them
PUBLISH_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 1
RECONNECT_WAIT_S = 0.2  # the client's own default is two seconds
SAME_ERROR_EVERY_S = 30.0
_EVER = -1  # the client gives up after sixty tries if it is not told otherwise


STREAMS = tuple(
    StreamConfig(name=name, subjects=[f"{prefix}>"], max_bytes=most, max_age=0, discard=DiscardPolicy.NEW)
    for name, prefix, most in (
        (STREAM, SUBJECT_PREFIX, MAX_EVENTS_BYTES),
        (DEAD_STREAM, DEAD_SUBJECT_PREFIX, MAX_DEAD_BYTES),
    )
)


@dataclass(frozen=True)
class ConsumerProgress:
    """How far the readers of the stream of events are: all have handled every event up to `sequence`.

    `store` names the life of the stream: a broker that lost its disk begins another one, with numbers from 1.
    """

    store: str
    sequence: int


class Broker:
    """A client that reconnects for ever. `jetstream()` waits until there is a connection and the streams exist."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self.name = name
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._ready = asyncio.Event()
        self._logged, self._log_again_at = "", 0.0

    async def run(self) -> None:
        """Connect, make the streams, and stay until cancelled; then close. Runs beside the app."""
        try:
            while not self._ready.is_set():
                await self._connect()
            await asyncio.Event().wait()
        finally:
            if self._client is not None:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(1):
                        await self._client.close()

    async def jetstream(self) -> JetStreamContext:
        """Return the JetStream context as soon as there is one."""
        await self._ready.wait()
        assert self._jetstream is not None
        return self._jetstream

    async def publish(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> int:
        """Return the message's number in its stream. Raises nats.errors.Error or TimeoutError; a full stream refuses.

        A broker that has lost its streams gets them again, for the next try.
        """
        jetstream = await self.jetstream()
        try:
            return (await jetstream.publish(subject, payload, timeout=PUBLISH_TIMEOUT_S, headers=headers)).seq
        except NoStreamResponseError:
            await make_streams(jetstream)
            raise

    async def progress(self) -> ConsumerProgress:
        """Return how far all readers are, and make room where the stream has grown. Raises as `publish`."""
        jetstream = await self.jetstream()
        try:
            stream = await jetstream.stream_info(STREAM)
        except NotFoundError:
            await make_streams(jetstream)
            stream = await jetstream.stream_info(STREAM)
        handled = stream.state.last_seq  # as of before the readers are asked: who owes nothing now, owed none of these
        for reader in await jetstream.consumers_info(STREAM):
            if reader.num_pending or reader.num_ack_pending:
                handled = min(handled, reader.ack_floor.stream_seq if reader.ack_floor else 0)
        if stream.state.bytes > TRIM_ABOVE_BYTES and handled >= stream.state.first_seq:
            await jetstream.purge_stream(STREAM, seq=handled + 1)
        return ConsumerProgress(str(stream.created), handled)

    async def _log_error(self, error: Exception) -> None:
        """Log what the client meets; a broker that is away is tried several times a second, and told of seldom."""
        text = str(error) or type(error).__name__
        if text != self._logged or time.monotonic() >= self._log_again_at:
            self._logged, self._log_again_at = text, time.monotonic() + SAME_ERROR_EVERY_S
            log.warning("broker: %s", text)

    async def _connect(self) -> None:
        try:
            if self._client is None:
                self._client = await nats.connect(
                    self._url,
                    name=self.name,
                    inbox_prefix=f"_INBOX.{self.name}",  # the only one that its user may listen to
                    connect_timeout=CONNECT_TIMEOUT_S,
                    reconnect_time_wait=RECONNECT_WAIT_S,
                    max_reconnect_attempts=_EVER,
                    ping_interval=PING_EVERY_S,
                    max_outstanding_pings=PINGS_UNANSWERED,
                    error_cb=self._log_error,
                )
            self._jetstream = self._client.jetstream(timeout=PUBLISH_TIMEOUT_S)
            await make_streams(self._jetstream)
        except Exception:
            log.warning("the broker is not ready yet", exc_info=True)
            await asyncio.sleep(RECONNECT_WAIT_S)
        else:
            self._ready.set()


async def make_streams(jetstream: JetStreamContext) -> None:
    """Create the streams if they are not there. Every service does; the first one wins."""
    for stream in STREAMS:
        try:
            await jetstream.add_stream(stream)
        except BadRequestError:
            # It exists with other settings. One without a bound was made before there were bounds, and gets them;
            # any other setting is the operator's decision and is left alone.
            if (await jetstream.stream_info(str(stream.name))).config.max_bytes == -1:
                with contextlib.suppress(nats.errors.TimeoutError):  # only who publishes may, and will
                    await jetstream.update_stream(stream)
