"""The wiring of a monolith whose modules can be extracted while it serves: each facade follows the gate."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from flask import Flask
from sqlalchemy import Connection, text

from migration.inside_monolith import routes
from migration.inside_monolith.catalog import CatalogClient
from migration.inside_monolith.config import CALLER, SERVICES, ExtractableSettings
from migration.inside_monolith.forwarding import RequestForwarder
from migration.inside_monolith.gate import Gate
from migration.inside_monolith.inbox import Inbox, prune_inbox
from migration.inside_monolith.migrations import migrate as migrate_extraction
from migration.inside_monolith.notifications import ExtractableNotifications
from migration.inside_monolith.outbox import Outbox
from migration.inside_monolith.payments import ExtractablePayments, ExtractableRefunds, PaymentsClient
from migration.inside_monolith.peers import Peer
from migration.inside_monolith.saga import settle
from migration.inside_monolith.saga.recovery import SagaRecovery
from migration.inside_monolith.saga.steps import SagaSteps
from monolith import app as monolith
from monolith import modules as monolith_modules
from monolith import orders
from monolith.catalog import seed_if_empty
from monolith.database import Database
from monolith.migrations import migrate
from monolith.modules import MAIL_LINGER_S, Background, Connections, Modules, connect
from monolith.payments import ChargeResult, RefundOrder
from monolith.pruning import Pruner
from monolith.worker import Loop
from shared.contract.events import PaymentEvent
from shared.platform.deadline_transport import DeadlineTransport
from shared.platform.metrics import Metrics
from shared.platform.tokens import ServiceSigner

PAYMENT_EVENTS = ("payment.captured", "payment.declined", "payment.voided", "payment.refunded")


@dataclass(frozen=True)
class Extraction:
    """What an extractable monolith has beside its modules."""

    gate: Gate
    outbox: Outbox
    forwarder: RequestForwarder
    steps: SagaSteps


def create_app(settings: ExtractableSettings) -> Flask:
    """Return the application: every request passes the gate, and those whose module is extracted are forwarded."""
    modules, extraction = build_modules(settings, connect(settings))
    app = monolith.create_app(settings, modules)
    extraction.forwarder.install(app, extraction.gate)
    routes.install(app, modules.shop, extraction.steps)
    return app


def build_modules(settings: ExtractableSettings, connections: Connections) -> tuple[Modules, Extraction]:
    """Return the modules in a form that follows the gate, and what they have for it."""
    database, provider, metrics = connections.database, connections.provider, connections.metrics
    extraction = _extraction(settings, connections)
    gate, steps, retry_after_s = extraction.gate, extraction.steps, settings.recovery_after_s
    queue = ExtractableNotifications(database, settings.mail_domain, gate=gate, outbox=extraction.outbox)
    charges = ExtractablePayments(
        database, provider, gate=gate, remote=steps.payments, risk_ms=settings.risk_ms, retry_after_s=retry_after_s
    )
    refunds = ExtractableRefunds(
        database, provider, gate=gate, remote=steps.payments, retry_after_s=retry_after_s, metrics=metrics
    )
    modules = monolith_modules.build_modules(settings, connections, queue=queue, charges=charges, refunds=refunds)
    shop = modules.shop

    def on_settled(connection: Connection, result: ChargeResult) -> None:
        if gate.is_extracted("catalog"):
            settle.on_payment_settled(shop, steps, connection, result)
        else:
            orders.on_payment_settled(shop, connection, result)

    def on_refunded(connection: Connection, refund: RefundOrder) -> None:
        if gate.is_extracted("catalog"):
            settle.on_refunded(steps, connection, refund)
        else:
            orders.on_refunded(shop, connection, refund)

    charges.on_settled, refunds.on_refunded = on_settled, on_refunded
    inbox, loops = _inbox(settings, extraction, database), _loops(settings, extraction, modules)
    return replace(modules, background=(gate, extraction.outbox, inbox, extraction.forwarder, *loops)), extraction


def _extraction(settings: ExtractableSettings, connections: Connections) -> Extraction:
    gate = Gate(settings.database_url)
    outbox = Outbox(connections.database, settings.nats_url, connections.metrics)
    signer = ServiceSigner(CALLER, json.loads(Path(settings.service_private_key).read_text("utf-8")))

    def peer(name: str) -> Peer:
        # One transport a service: its kept connections are to one address.
        transport = DeadlineTransport(settings.inner_timeout_s)
        return Peer(name, settings.url_of(name), transport, signer, connections.metrics)

    forwarder = RequestForwarder(
        {name: (settings.url_of(name), DeadlineTransport(settings.request_deadline_s)) for name in SERVICES}
    )
    steps = SagaSteps(
        gate,
        outbox,
        CatalogClient(peer("catalog")),
        PaymentsClient(peer("payments")),
        recovery_after_s=settings.recovery_after_s,
        give_up_s=settings.payment_give_up_s,
    )
    return Extraction(gate, outbox, forwarder, steps)


def _inbox(settings: ExtractableSettings, extraction: Extraction, database: Database) -> Inbox:
    """Events of payments are heard while they are extracted and orders are not."""
    gate = extraction.gate
    return Inbox(
        CALLER,
        PAYMENT_EVENTS,
        PaymentEvent,
        partial(settle.on_payment_events, extraction.steps),
        database=database,
        nats_url=settings.nats_url,
        gate=gate,
        is_needed=lambda: gate.is_extracted("payments") and not gate.is_extracted("orders"),
        after_commit=extraction.outbox.wake,
    )


def _loops(settings: ExtractableSettings, extraction: Extraction, modules: Modules) -> tuple[Background, ...]:
    """Return the loops: each step passes the gate, and is done only while its module is in.

    What is old is forgotten in any case: a module that is extracted has left nothing here.
    """
    gate, shop, recovery, sweep_s = extraction.gate, modules.shop, modules.recovery, settings.sweep_interval_s
    prunes = (partial(orders.prune_keys, settings.keys_kept_h), partial(prune_inbox, settings.inbox_kept_h))
    send = gate.guard(modules.sender.send_queued, lambda: not gate.is_extracted("notifications"))
    settle_payments = [
        gate.guard(step, lambda: not gate.is_extracted("payments"))
        for step in (recovery.settle_charges, recovery.settle_refunds)
    ]
    resume = gate.guard(
        SagaRecovery(shop, extraction.steps, modules.connections.metrics).resume_due,
        lambda: gate.is_extracted("catalog") and not gate.is_extracted("orders"),
    )
    prune = gate.guard(Pruner(shop.database, prunes).step, lambda: True)
    wake = shop.notifications.queued
    return (
        Loop("mail", [send], sweep_interval_s=sweep_s, wake=wake, linger_s=MAIL_LINGER_S),
        Loop("settle", [*settle_payments, resume, prune], sweep_interval_s=sweep_s),
    )


def prepare(settings: ExtractableSettings) -> None:
    """Bring both schemas up, and products, unless the catalog is extracted. Raises psycopg.Error, ValueError."""
    migrate(settings.database_url)
    migrate_extraction(settings.database_url)
    database = Database(settings.database_url, pool_size=1, metrics=Metrics(), patient=True)
    if not is_extracted(database, "catalog"):
        seed_if_empty(database, settings.seed_products)
    database.close()


def is_extracted(database: Database, module: str) -> bool:
    """Tell whether a module is a service of its own, whose data is not here."""
    row = database.fetch_one(text("SELECT :module = ANY (extracted) FROM extraction"), {"module": module})
    return row is not None and bool(row[0])
