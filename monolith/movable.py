"""The wiring of a monolith whose modules may leave while it serves: each facade in both forms, and the gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import Connection

from monolith import catalog, moving, notifications, orders, payments
from monolith.config import Settings
from monolith.database import Database
from monolith.moving import Gate, Inbox, Outbox, Peer
from monolith.worker import Loop
from shared.contract.events import PaymentEvent
from shared.platform.metrics import Metrics
from shared.platform.tokens import ServiceSigner

CALLER = "orders"  # our orders speak to the services as the service orders would
PAYMENT_EVENTS = ("payment.captured", "payment.declined", "payment.voided", "payment.refunded")


def wire(
    app: Flask,
    settings: Settings,
    database: Database,
    provider: payments.Provider,
    metrics: Metrics,
    send_about: Callable[[str], object] | None,
) -> None:
    """Put the modules into `app.extensions`, in a form that follows the gate."""
    gate, outbox = Gate(settings.database_url), Outbox(database, settings.nats_url, metrics)
    signer = ServiceSigner(CALLER, json.loads(Path(settings.service_private_key).read_text("utf-8")))

    def peer(name: str, url: str) -> Peer:
        # One transport a service: its kept connections are to one address.
        return Peer(name, url, payments.DeadlineTransport(settings.inner_timeout_s), signer, metrics)

    remote_payments = payments.RemotePayments(peer("payments", settings.payments_url))
    steps = orders.Steps(
        gate,
        outbox,
        catalog.RemoteCatalog(peer("catalog", settings.catalog_url)),
        remote_payments,
        recovery_after_s=settings.recovery_after_s,
        give_up_s=settings.payment_give_up_s,
    )
    mails = notifications.MovableNotifications(database, settings.mail_domain, send_about, gate=gate, outbox=outbox)
    refunds = payments.MovableRefunds(
        database,
        provider,
        gate=gate,
        remote=remote_payments,
        retry_after_s=settings.recovery_after_s,
        on_refunded=partial(orders.on_refunded_anywhere, mails, steps),
        metrics=metrics,
    )

    def on_settled(connection: Connection, result: payments.ChargeResult) -> None:
        orders.on_payment_settled_anywhere(mails, refunds, steps, connection, result)

    charges = payments.MovablePayments(
        database,
        provider,
        gate=gate,
        remote=remote_payments,
        risk_ms=settings.risk_ms,
        retry_after_s=settings.recovery_after_s,
        on_settled=on_settled,
    )
    shop = orders.Shop(database, charges, refunds, mails, settings.cancel_window_s, steps)
    inbox = Inbox(
        CALLER,
        PAYMENT_EVENTS,
        PaymentEvent,
        partial(orders.on_payment_events, steps),
        database=database,
        nats_url=settings.nats_url,
        gate=gate,
        wanted=lambda: gate.is_out("payments") and not gate.is_out("orders"),
        after_commit=outbox.wake,
    )
    app.extensions.update(
        notifications=mails, refunds=refunds, payments=charges, shop=shop, gate=gate, outbox=outbox, inbox=inbox
    )


def install(app: Flask, settings: Settings) -> None:
    """Let every request pass the gate, and hand on those whose module is out."""

    def way() -> httpx.BaseTransport:
        return payments.DeadlineTransport(settings.request_deadline_s)

    app.extensions["hand_on"] = moving.install(app, settings, app.extensions["gate"], way)


def loops(
    app: Flask, settings: Settings, settler: payments.Settler, prune: Callable[[], bool], mail_linger_s: float
) -> list[Any]:
    """Return the loops: each step passes the gate, and is done only while its module is in.

    What is old is forgotten in any case: a module that is out has left nothing here.
    """
    gate: Gate = app.extensions["gate"]
    shop: orders.Shop = app.extensions["shop"]
    assert shop.steps is not None
    sagas = orders.SagaSettler(shop, shop.steps, app.extensions["metrics"])

    def is_in(module: str) -> Any:
        return lambda: not gate.is_out(module)

    sweep_s, wake = settings.sweep_interval_s, app.extensions["notifications"].queued
    send = gate.guarding(app.extensions["sender"].send_queued, is_in("notifications"))
    settle = [gate.guarding(step, is_in("payments")) for step in (settler.settle_charges, settler.settle_refunds)]
    resume = gate.guarding(sagas.resume_due, lambda: gate.is_out("catalog") and not gate.is_out("orders"))
    return [
        gate,
        app.extensions["outbox"],
        app.extensions["inbox"],
        Loop("mail", [send], sweep_interval_s=sweep_s, wake=wake, linger_s=mail_linger_s),
        Loop("settle", [*settle, resume, gate.guarding(prune, lambda: True)], sweep_interval_s=sweep_s),
    ]
