"""The connection to NATS JetStream. It comes and goes by itself: no request ever waits for the broker."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import BadRequestError

from shared.contract.events import DEAD_STREAM, DEAD_SUBJECT_PREFIX, STREAM, SUBJECT_PREFIX

log = logging.getLogger(__name__)

KEPT_S = 7 * 24 * 3600
PUBLISH_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 1
RECONNECT_WAIT_S = 0.2  # the client's own default is two seconds
_EVER = -1  # the client gives up after sixty tries if it is not told otherwise


class Broker:
    """A client that reconnects for ever. `jetstream()` waits until there is a connection and the streams exist."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self.name = name
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._ready = asyncio.Event()

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

    async def publish(self, subject: str, payload: bytes) -> None:
        """Return when the broker has taken the message. Raises nats.errors.Error or TimeoutError."""
        jetstream = await self.jetstream()
        await jetstream.publish(subject, payload, timeout=PUBLISH_TIMEOUT_S)

    async def _connect(self) -> None:
        try:
            if self._client is None:
                self._client = await nats.connect(
                    self._url,
                    name=self.name,
                    connect_timeout=CONNECT_TIMEOUT_S,
                    reconnect_time_wait=RECONNECT_WAIT_S,
                    max_reconnect_attempts=_EVER,
                    error_cb=_log_error,
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
    for name, prefix in ((STREAM, SUBJECT_PREFIX), (DEAD_STREAM, DEAD_SUBJECT_PREFIX)):
        # A stream that exists with other settings is the operator's decision: it is left alone.
        with contextlib.suppress(BadRequestError):
            await jetstream.add_stream(StreamConfig(name=name, subjects=[f"{prefix}>"], max_age=KEPT_S))


async def _log_error(error: Exception) -> None:
    log.warning("broker: %s", error or type(error).__name__)
