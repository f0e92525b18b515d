"""What a running service is made of, and the FastAPI app around it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from sqlalchemy import TextClause

from microservices.kit import operator_routes
from microservices.kit.broker import Broker
from microservices.kit.database import Database
from microservices.kit.inbox import PRUNE_INBOX, Consumer, Handler
from microservices.kit.loops import repeat, stop
from microservices.kit.migrate import migrate
from microservices.kit.outbox import LINGER_S, Outbox
from microservices.kit.peers import Peer, pooled_transport
from microservices.kit.pruning import Pruner
from microservices.kit.settings import ServiceSettings
from microservices.kit.web import RequestMiddleware, answer_errors
from shared.contract.events import Event
from shared.platform import clock, failpoints, injected_faults, pruning
from shared.platform.loop_lag import LoopLag
from shared.platform.metrics import Metrics
from shared.platform.tokens import ServiceSigner, ServiceVerifier, TokenVerifier

# The framework's own would be on as soon as OTEL_EXPORTER_OTLP_ENDPOINT is set, for every request.
NO_TELEMETRY: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
OUTBOX_SWEEP_S = 5.0  # commits wake the relay; only another process's crash leaves it something to find


class ServiceRuntime:
    """One service's database, broker, outbox, peers and loops. Nothing connects before the app starts."""

    peer_class: type[Peer] = Peer

    def __init__(self, name: str, settings: ServiceSettings, metrics: Metrics | None = None) -> None:
        self.name = name
        self.settings = settings
        self.metrics = metrics or Metrics()
        self._lag = LoopLag()
        self.metrics.watch_loop(self._lag.read)
        self.database = Database(settings.database_url, settings.db_pool_size, self.metrics, name)
        self.broker = Broker(settings.nats_url, name)
        self.outbox = Outbox(self.database, self.broker, self.metrics)
        self._pruner = Pruner(self.database, settings)
        self._peers: list[Peer] = []
        self._loops: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._on_start: list[Callable[[], Awaitable[None]]] = []
        self._signer = self.signer()

    def service_peer(self, name: str, url: str) -> Peer:
        """Return a client for another service; calls carry a token that this service signs."""
        return self._peer(name, url, deadline_s=self.settings.inner_timeout_s, signer=self._signer)

    def outside_peer(self, name: str, url: str, *, deadline_s: float, api_key: str) -> Peer:
        """Return a client for a part of the outside world that knows us by an API key."""
        return self._peer(name, url, deadline_s=deadline_s, authorization=f"Bearer {api_key}")

    def _peer(self, name: str, url: str, *, deadline_s: float, **who: Any) -> Peer:
        transport = self.transport(name)
        peer = self.peer_class(name, url, deadline_s=deadline_s, metrics=self.metrics, transport=transport, **who)
        self._peers.append(peer)
        return peer

    def transport(self, peer: str) -> httpx.AsyncBaseTransport:
        """Return what carries the calls to a peer."""
        return pooled_transport()

    def signer(self) -> ServiceSigner | None:
        """Return what signs calls to other services; None for a service that calls nobody."""
        return ServiceSigner(self.name, self.settings.private_jwk()) if self.settings.service_private_key else None

    def verifier(self) -> ServiceVerifier:
        """Return what lets other services, and nobody else, call the inner routes."""
        return ServiceVerifier(self.name, self.settings.public_jwks())

    def repeats(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        every_s: float,
        wake: asyncio.Event | None = None,
        linger_s: float = 0.0,
    ) -> asyncio.Event:
        """Run `step` every so often beside the app; it returns whether there is more. Return what wakes it."""
        wake = wake or asyncio.Event()
        self._loops.append(lambda: repeat(name, step, wake, every_s, linger_s))
        return wake

    def publishes(self) -> None:
        """Run the relay of the outbox: woken after a commit, and sweeping for what a crash left behind."""
        self.repeats("outbox", self.outbox.relay, OUTBOX_SWEEP_S, self.outbox.wake, LINGER_S)
        self.repeats("handled events", self.outbox.forget_handled, OUTBOX_SWEEP_S)

    def consumes(
        self,
        name: str,
        event_types: Sequence[str],
        event_class: type[Event],
        handle: Handler,
        wakes: asyncio.Event | None = None,
        forgotten_after_s: float | None = None,
    ) -> None:
        """Hand events of these types to `handle` through the inbox. `name` is the durable consumer's.

        `wakes` is the loop that carries on after the commit; the outbox's relay if none is named. Events wait for who
        is away, unless longer than `forgotten_after_s`.
        """
        after_commit = (wakes or self.outbox.wake).set
        consumer = Consumer(
            name, event_types, event_class, handle, self.database, self.broker, self.metrics, after_commit,
            forgotten_after_s,
        )  # fmt: skip
        self.repeats(f"consumer {name}", consumer.step, self.settings.sweep_interval_s)
        self.prunes(PRUNE_INBOX)

    def prunes(self, statement: TextClause) -> None:
        """Run this statement now and then, which forgets what is too old to be asked for."""
        if not self._pruner.statements:
            self.repeats("prune", self._pruner.step, pruning.EVERY_S)
        self._pruner.statements.append(statement)

    def on_start(self, step: Callable[[], Awaitable[None]]) -> None:
        """Run `step` once after the migrations and before the first request (seeding, for instance)."""
        self._on_start.append(step)

    def app(self, routers: Sequence[APIRouter], service: object) -> FastAPI:
        """Return the app: the routes, the operator's routes, problem+json for every error, loops beside it."""
        app = FastAPI(
            title=self.name,
            lifespan=self._lifespan,
            redirect_slashes=False,
            openapi_url=None,  # the contract is written by hand, once for both builds: catalog/storefront.py serves it
            telemetry=NO_TELEMETRY,
        )
        app.state.service = service
        app.state.runtime = self
        app.state.token_verifier = TokenVerifier(
            self.settings.jwks_url, self.settings.token_issuer, self.settings.token_audience
        )
        app.state.service_verifier = self.verifier()
        routers = (*routers, operator_routes.router)
        for router in routers:
            app.include_router(router)
        answer_errors(app, routers)
        app.add_middleware(RequestMiddleware, metrics=self.metrics)
        return app

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        failpoints.enable(self.settings.crash_at, self.settings.reached_file, local_mode=self.settings.is_local)
        injected_faults.enable(self.settings.faults_file, local_mode=self.settings.is_local)
        clock.set_off(self.settings.clock_off_s, local_mode=self.settings.is_local)
        if self.settings.migrate_on_start:
            await migrate(self.database, f"microservices.{self.name}")
        for step in self._on_start:
            await step()
        broker = asyncio.create_task(self.broker.run())
        tasks = [asyncio.create_task(loop()) for loop in self._loops]
        try:
            yield
        finally:
            self._lag.stop()
            await stop(*tasks)
            await stop(broker)  # last: the loops speak through it
            for peer in self._peers:
                await peer.close()
            await self.database.close()
