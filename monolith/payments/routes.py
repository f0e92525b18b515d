"""HTTP of payments: looking at one's own, refunds by admins, the provider's webhooks."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from monolith.database import Database
from monolith.payments.charges import Payments
from monolith.payments.refund_for_admin import refund_for_admin
from monolith.payments.refunds import Refunds
from monolith.payments.webhooks import Webhooks
from monolith.web import principal, read_keyed, send
from shared.contract.answers import Answer
from shared.contract.bodies import RefundInput, WebhookAnswer
from shared.domain.ids import known_id

blueprint = Blueprint("payments", __name__)


@blueprint.get("/payments/<payment_id>")
def get_payment(payment_id: str) -> Response:
    """One payment, for its owner or an admin."""
    who = principal()
    payments: Payments = current_app.extensions["payments"]
    return send(Answer.of(200, payments.get(known_id(payment_id, "payment"), None if who.is_admin else who.subject)))


@blueprint.post("/payments/<payment_id>/refunds")
def refund(payment_id: str) -> Response:
    """Give money back, once for each Idempotency-Key; for admins."""
    admin = principal("admin")
    keyed = read_keyed(RefundInput)
    refunds: Refunds = current_app.extensions["refunds"]
    database: Database = current_app.extensions["database"]
    return send(refund_for_admin(database, refunds, admin.subject, known_id(payment_id, "payment"), keyed))


@blueprint.post("/webhooks/payments")
def receive_webhook() -> Response:
    """What the provider tells."""
    webhooks: Webhooks = current_app.extensions["webhooks"]
    webhooks.receive(request.get_data(cache=False), request.headers.get("Webhook-Signature", ""))
    return send(Answer.of(200, WebhookAnswer()))
