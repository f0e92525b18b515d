"""Builds the four modules: each gets what it needs of the others, here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import httpx

from monolith import orders
from monolith.catalog import Catalog
from monolith.config import Settings
from monolith.database import Database
from monolith.notifications import Notifications, Sender
from monolith.payments import Payments, Provider, Recovery, Refunds, Webhooks
from monolith.pruning import Pruner
from monolith.worker import Loop
from shared.platform.deadline_transport import DeadlineTransport
from shared.platform.metrics import Metrics

MAIL_LINGER_S = 0.1  # nobody waits for a mail, and mails of one batch share a connection


class Background(Protocol):
    """A thread that works beside the requests."""

    def start(self) -> None:
        """Start the thread."""

    def stop(self) -> None:
        """Let the step at hand finish, start no other."""


@dataclass(frozen=True)
class Connections:
    """What all modules share: the database, the payment provider, and what counts both."""

    metrics: Metrics
    database: Database
    provider: Provider


@dataclass(frozen=True)
class Modules:
    """The modules, wired to each other, and the threads that work for them."""

    connections: Connections
    catalog: Catalog
    notifications: Notifications
    sender: Sender
    payments: Payments
    refunds: Refunds
    webhooks: Webhooks
    recovery: Recovery
    shop: orders.Shop
    background: Sequence[Background]

    def start(self) -> None:
        """Start the threads."""
        for thread in self.background:
            thread.start()

    def close(self) -> None:
        """Stop the threads and close all connections."""
        for thread in self.background:
            thread.stop()
        self.recovery.close()
        self.connections.provider.close()
        self.connections.database.close()


def connect(
    settings: Settings, provider_transport: httpx.BaseTransport | None = None, metrics: Metrics | None = None
) -> Connections:
    """Return the connections of a process. `provider_transport` is for tests, which bring a provider of their own."""
    metrics = metrics or Metrics()
    transport = provider_transport or DeadlineTransport(settings.provider_timeout_s)
    provider = Provider(
        transport, settings.provider_url, settings.provider_merchant, settings.provider_api_key, metrics
    )
    database = Database(settings.database_url, pool_size=settings.db_pool_size, metrics=metrics)
    return Connections(metrics, database, provider)


def build_modules(
    settings: Settings,
    connections: Connections,
    *,
    queue: Notifications | None = None,
    charges: Payments | None = None,
    refunds: Refunds | None = None,
) -> Modules:
    """Return the modules, with these facades in place of the usual ones."""
    metrics, database, provider = connections.metrics, connections.database, connections.provider
    queue = queue or Notifications(database, settings.mail_domain)
    retry_after_s = settings.recovery_after_s
    charges = charges or Payments(database, provider, risk_ms=settings.risk_ms, retry_after_s=retry_after_s)
    refunds = refunds or Refunds(database, provider, retry_after_s=retry_after_s, metrics=metrics)
    shop = orders.Shop(database, Catalog(), charges, refunds, queue, settings.cancel_window_s)
    # Payments know nothing of orders: here they are told who wants to hear of an outcome.
    charges.on_settled = partial(orders.on_payment_settled, shop)
    refunds.on_refunded = partial(orders.on_refunded, shop)

    sender = mail_sender(settings, connections)
    merchant, secret = settings.provider_merchant, settings.webhook_secret
    call_s, give_up_s = settings.provider_timeout_s, settings.payment_give_up_s
    recovery = Recovery(database, charges, refunds, call_s=call_s, give_up_s=give_up_s, metrics=metrics)
    sweep_s, pruner = settings.sweep_interval_s, Pruner(database, [partial(orders.prune_keys, settings.keys_kept_h)])
    return Modules(
        connections=connections,
        catalog=shop.catalog,
        notifications=queue,
        sender=sender,
        payments=charges,
        refunds=refunds,
        webhooks=Webhooks(charges, refunds, merchant=merchant, secret=secret, metrics=metrics),
        recovery=recovery,
        shop=shop,
        background=(
            Loop("mail", [sender.send_queued], sweep_interval_s=sweep_s, wake=queue.queued, linger_s=MAIL_LINGER_S),
            Loop("settle", [recovery.settle_charges, recovery.settle_refunds, pruner.step], sweep_interval_s=sweep_s),
        ),
    )


def mail_sender(settings: Settings, connections: Connections) -> Sender:
    """Return what sends the mails that are queued."""
    return Sender(
        connections.database,
        host=settings.smtp_host,
        port=settings.smtp_port,
        mail_domain=settings.mail_domain,
        timeout_s=settings.mail_timeout_s,
        metrics=connections.metrics,
    )
