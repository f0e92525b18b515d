"""The payments service: `python -m microservices.payments.app`."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import run
from microservices.payments import routes
from microservices.payments.charges import Charges, Provider
from microservices.payments.config import PaymentsSettings
from microservices.payments.refund_for_order import on_refund_due
from microservices.payments.refunds import Refunds
from microservices.payments.tables import PRUNE_KEYS
from microservices.payments.webhooks import Webhooks
from shared.contract.events import OrderEvent


def create_app(settings: PaymentsSettings, runtime: ServiceRuntime | None = None) -> FastAPI:
    """Return the app. It connects to nothing before it starts."""
    runtime = runtime or ServiceRuntime("payments", settings)
    peer = runtime.outside_peer(
        "provider", settings.provider_url, deadline_s=settings.provider_timeout_s, api_key=settings.provider_api_key
    )
    provider = Provider(peer, settings.provider_merchant)
    charges = Charges(runtime.database, runtime.outbox, provider, settings, runtime.metrics)
    refunds = Refunds(runtime.database, runtime.outbox, provider, settings, runtime.metrics)

    runtime.publishes()
    runtime.repeats("settle charges", charges.settle_due, settings.sweep_interval_s)
    runtime.repeats("settle refunds", refunds.settle_due, settings.sweep_interval_s)
    runtime.consumes("payments", ["order.refund_due"], OrderEvent, partial(on_refund_due, refunds))
    runtime.prunes(PRUNE_KEYS)
    webhooks = Webhooks(charges, refunds, settings, runtime.metrics)
    return runtime.app([routes.router], routes.Payments(charges, refunds, webhooks))


main = partial(run, "payments", PaymentsSettings, create_app)

if __name__ == "__main__":
    main()
