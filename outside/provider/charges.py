"""The merchants' API: charge, look up, void, refund. Each is safe to send again with its key."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outside.http import KEY_PATTERN, Rejection, RequestBody, read_body
from outside.provider.behaviour import Behaviour, plan_charge
from outside.provider.gateway import HANG_LIMIT_S, Gateway, key_in_path, no_answer
from outside.provider.ledger import Charge
from outside.provider.webhook_sender import ProviderEvent, event_of

RESPONSE_DELAY_S = 30.0

Amount = Annotated[int, Field(ge=1, le=10**12)]
Key = Annotated[str, Field(pattern=KEY_PATTERN)]


class ChargeRequest(RequestBody):
    """`amount` in minor units of `currency`. `key` is the merchant's: at most one capture is made for it."""

    key: Key
    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    payment_method: Annotated[str, Field(min_length=1, max_length=64)]


class RefundRequest(RequestBody):
    """`refund_key` is unique within the charge: one refund is made for it."""

    refund_key: Key
    amount: Amount


async def charge(request: Request) -> Response:
    """POST /v1/{merchant}/charges.

    Half of the time it takes passes before the money moves and half after, so that a caller who
    gives up, or voids, may meet either outcome.
    """
    gateway: Gateway = request.app.state.gateway
    merchant = gateway.merchant(request)
    body = await read_body(request, ChargeRequest)
    behaviour = gateway.behaviours[merchant]
    record = gateway.ledger.attempt(merchant, body.key, body.amount, body.currency, body.payment_method)
    await gateway.ledger.storage.wait_committed()
    await gateway.apply_faults(request, behaviour)
    if record.status != "undecided":
        await asyncio.sleep(behaviour.latency_s(gateway.rng))
        return await _answer(gateway, request, behaviour, merchant, record)

    plan = plan_charge(behaviour, body.payment_method, record.attempts, gateway.rng)
    takes_s = behaviour.latency_s(gateway.rng) if plan.takes_s is None else plan.takes_s
    await asyncio.sleep(takes_s / 2)
    if plan.status is None:
        await gateway.delay_response(request, HANG_LIMIT_S)
        raise no_answer()
    decided = gateway.ledger.decide(merchant, body.key, plan.status, plan.reason)
    await gateway.ledger.storage.wait_committed()
    await asyncio.sleep(takes_s / 2)
    return await _answer(
        gateway,
        request,
        behaviour,
        merchant,
        decided,
        withheld=plan.withheld,
        webhook_after_s=plan.webhook_after_s,
    )


async def look_up(request: Request) -> Response:
    """GET /v1/{merchant}/charges/{key}. A charge that is not decided is not there yet: 404."""
    gateway: Gateway = request.app.state.gateway
    merchant, key = gateway.merchant(request), key_in_path(request)
    behaviour = gateway.behaviours[merchant]
    await gateway.apply_faults(request, behaviour)
    await asyncio.sleep(behaviour.latency_s(gateway.rng))
    record = gateway.ledger.find(merchant, key)
    await gateway.ledger.storage.wait_committed()
    if record.status == "undecided":
        raise Rejection(404, "not_found", "There is no charge with this key.")
    return JSONResponse(_body(record))


async def void(request: Request) -> Response:
    """POST /v1/{merchant}/charges/{key}/void: what is captured or declined already stays so, and says so."""
    gateway: Gateway = request.app.state.gateway
    merchant, key = gateway.merchant(request), key_in_path(request)
    behaviour = gateway.behaviours[merchant]
    await gateway.apply_faults(request, behaviour)
    takes_s = behaviour.latency_s(gateway.rng)
    await asyncio.sleep(takes_s / 2)
    voided = gateway.ledger.void(merchant, key)
    await gateway.ledger.storage.wait_committed()
    await asyncio.sleep(takes_s / 2)
    return JSONResponse(_body(voided))


async def refund(request: Request) -> Response:
    """POST /v1/{merchant}/charges/{key}/refunds."""
    gateway: Gateway = request.app.state.gateway
    merchant, key = gateway.merchant(request), key_in_path(request)
    body = await read_body(request, RefundRequest)
    behaviour = gateway.behaviours[merchant]
    await gateway.apply_faults(request, behaviour)
    takes_s = behaviour.latency_s(gateway.rng)
    await asyncio.sleep(takes_s / 2)
    refunded = gateway.ledger.refund(merchant, key, body.refund_key, body.amount)
    await gateway.ledger.storage.wait_committed()
    await asyncio.sleep(takes_s / 2)
    withheld = gateway.rng.random() < behaviour.refund_but_time_out_share
    currency = gateway.ledger.find(merchant, key).currency or ""
    event = event_of("refund.succeeded", merchant, key, refunded.amount, currency, refund_key=refunded.refund_key)
    if await _tell(gateway, request, behaviour, event, withheld=withheld):
        raise no_answer()
    answer = {"refund_key": refunded.refund_key, "status": "refunded", "amount": refunded.amount}
    return JSONResponse({**answer, "refunded_total": refunded.refunded_total})


async def _answer(
    gateway: Gateway,
    request: Request,
    behaviour: Behaviour,
    merchant: str,
    decided: Charge,
    *,
    withheld: bool = False,
    webhook_after_s: float | None = 0.0,
) -> Response:
    await gateway.ledger.storage.wait_committed()
    event = charge_event(merchant, decided) if webhook_after_s is not None else None
    if await _tell(gateway, request, behaviour, event, withheld=withheld, webhook_after_s=webhook_after_s or 0.0):
        raise no_answer()
    return JSONResponse(_body(decided))


async def _tell(
    gateway: Gateway,
    request: Request,
    behaviour: Behaviour,
    event: ProviderEvent | None,
    *,
    withheld: bool,
    webhook_after_s: float = 0.0,
) -> bool:
    """Send the webhook that the behaviour has for this outcome; return whether the caller has hung up."""
    hung_up = await gateway.delay_response(request, RESPONSE_DELAY_S) if withheld else await request.is_disconnected()
    mode = behaviour.webhook.mode
    if event is not None and (mode == "always" or (mode == "unanswered" and hung_up)):
        gateway.webhook_sender.send(event, behaviour.webhook, webhook_after_s)
        # Whoever has the answer may rely on the webhook, whatever is killed.
        await gateway.ledger.storage.wait_committed()
    return hung_up


def charge_event(merchant: str, decided: Charge) -> ProviderEvent | None:
    """Return the event that tells how a charge was decided; None for what has none (voided, undecided)."""
    if decided.status not in ("captured", "declined"):
        return None
    return event_of(f"charge.{decided.status}", merchant, decided.key, decided.amount or 0, decided.currency or "")


def _body(decided: Charge) -> dict[str, Any]:
    body = {
        "charge_id": decided.charge_id,
        "key": decided.key,
        "status": decided.status,
        "amount": decided.amount,
        "currency": decided.currency,
    }
    return {**body, "reason": decided.reason} if decided.reason else body
