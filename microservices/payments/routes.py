"""The routes of the payments service: parse, call, answer."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from microservices.kit.web import (
    Admin,
    Answer,
    Customer,
    called_by,
    header,
    read_body,
    read_keyed,
    read_raw,
    service_of,
)
from microservices.payments.charges import Charges
from microservices.payments.refund_for_admin import refund_for_admin
from microservices.payments.refund_for_order import refund_for_cancel
from microservices.payments.refunds import Refunds
from microservices.payments.webhooks import Webhooks
from shared.contract.bodies import RefundInput, WebhookAnswer
from shared.contract.inner import ChargeInput
from shared.domain.ids import known_id
from shared.platform import webhook_signature

router = APIRouter()


@dataclass(frozen=True)
class Payments:
    """What the routes call."""

    charges: Charges
    refunds: Refunds
    webhooks: Webhooks


def _payments(request: Request) -> Payments:
    service: Payments = service_of(request)
    return service


@router.get("/payments/{payment_id}")
async def get_payment(request: Request, payment_id: str, who: Customer) -> Response:
    """Return a payment to its owner or an admin."""
    return Answer.of(200, await _payments(request).charges.get(known_id(payment_id, "payment"), who)).response()


@router.post("/payments/{payment_id}/refunds")
async def post_refund(request: Request, payment_id: str, who: Admin) -> Response:
    """Give a part of a payment back."""
    keyed = await read_keyed(request, RefundInput, f"POST /payments/{payment_id}/refunds")
    refunds, payment_id = _payments(request).refunds, known_id(payment_id, "payment")
    return (await refund_for_admin(refunds, who.subject, payment_id, keyed)).response()


@router.post("/webhooks/payments")
async def post_webhook(request: Request) -> Response:
    """Take what the provider tells."""
    raw = await read_raw(request)
    await _payments(request).webhooks.receive(raw, header(request, webhook_signature.HEADER) or "")
    return Answer.of(200, WebhookAnswer()).response()


@router.post("/internal/charges", dependencies=[called_by("orders")])
async def post_charge(request: Request) -> Response:
    """Charge an order (idempotent by its id)."""
    result = await _payments(request).charges.charge(await read_body(request, ChargeInput))
    return Answer.of(202 if result.status == "pending" else 200, result).response()


@router.post("/internal/charges/{order_id}/void", dependencies=[called_by("orders")])
async def post_void(request: Request, order_id: str) -> Response:
    """Void the charge of an order."""
    result = await _payments(request).charges.void(known_id(order_id, "charge"))
    return Answer.of(202 if result.status == "pending" else 200, result).response()


@router.post("/internal/charges/{order_id}/cancel-refund", dependencies=[called_by("orders")])
async def post_cancel_refund(request: Request, order_id: str) -> Response:
    """Give back what is left of an order's payment."""
    result = await refund_for_cancel(_payments(request).refunds, known_id(order_id, "charge"))
    return Answer.of(202 if result.status == "pending" else 200, result).response()
