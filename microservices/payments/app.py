"""The payments service: `python -m microservices.payments.app`."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from microservices.kit.part import Part, serve
from microservices.payments import routes
from microservices.payments.charges import Charges
from microservices.payments.config import PaymentsSettings
from microservices.payments.provider import Provider
from microservices.payments.refund_for_order import on_refund_due
from microservices.payments.refunds import Refunds
from microservices.payments.service import Payments
from microservices.payments.tables import PRUNE_KEYS
from shared.contract.events import OrderEvent
from shared.platform.settings import load_or_exit


def create_app(settings: PaymentsSettings) -> FastAPI:
    """Return the app. It connects to nothing before it starts."""
    part = Part("payments", settings)
    peer = part.outside_peer(
        "provider", settings.provider_url, deadline_s=settings.provider_timeout_s, api_key=settings.provider_api_key
    )
    provider = Provider(peer, settings.provider_merchant)
    charges = Charges(part.database, part.outbox, provider, settings, part.metrics)
    refunds = Refunds(part.database, part.outbox, provider, settings, part.metrics)

    part.publishes()
    part.repeats("settle charges", charges.settle_due, settings.sweep_interval_s)
    part.repeats("settle refunds", refunds.settle_due, settings.sweep_interval_s)
    part.consumes("payments", ["order.refund_due"], OrderEvent, partial(on_refund_due, refunds))
    part.prunes(PRUNE_KEYS)
    return part.app([routes.router], Payments(part.database, charges, refunds, settings, part.metrics))


if __name__ == "__main__":
    serve(create_app, load_or_exit(PaymentsSettings), "payments")
