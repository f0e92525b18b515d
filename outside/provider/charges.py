"""The merchants' API: charge, look up, void, refund. Each is safe to send again with its key."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outside.http import KEY_PATTERN, Body, Refused, read_body
from outside.provider.behaviour import Behaviour, plan_charge
from outside.provider.gateway import HANG_LIMIT_S, Desk, key_in_path, unanswered
from outside.provider.ledger import Charge
from outside.provider.webhook_sender import Event, event_of

WITHHOLD_S = 30.0

Amount = Annotated[int, Field(ge=1, le=10**12)]
Key = Annotated[str, Field(pattern=KEY_PATTERN)]


class ChargeRequest(Body):
    """`amount` in minor units of `currency`. `key` is the merchant's: at most one capture is made for it."""

    key: Key
    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    payment_method: Annotated[str, Field(min_length=1, max_length=64)]


class RefundRequest(Body):
    """`refund_key` is unique within the charge: one refund is made for it."""

    refund_key: Key
    amount: Amount


async def charge(request: Request) -> Response:
    """POST /v1/{merchant}/charges.

    Half of the time it takes passes before the money moves and half after, so that a caller who
    gives up, or voids, may meet either outcome.
    """
    desk: Desk = request.app.state.desk
    merchant = desk.merchant(request)
    wanted = await read_body(request, ChargeRequest)
    behaviour = desk.behaviours[merchant]
    seen = desk.ledger.attempt(merchant, wanted.key, wanted.amount, wanted.currency, wanted.payment_method)
    await desk.ledger.storage.committed()
    await desk.suffer(request, behaviour)
    if seen.status != "undecided":
        await asyncio.sleep(behaviour.latency_s(desk.chance))
        return await _answer(desk, request, behaviour, merchant, seen)

    plan = plan_charge(behaviour, wanted.payment_method, seen.attempts, desk.chance)
    takes_s = behaviour.latency_s(desk.chance) if plan.takes_s is None else plan.takes_s
    await asyncio.sleep(takes_s / 2)
    if plan.status is None:
        await desk.withhold(request, HANG_LIMIT_S)
        raise unanswered()
    decided = desk.ledger.decide(merchant, wanted.key, plan.status, plan.reason)
    await desk.ledger.storage.committed()
    await asyncio.sleep(takes_s / 2)
    return await _answer(
        desk,
        request,
        behaviour,
        merchant,
        decided,
        withheld=plan.withheld,
        webhook_after_s=plan.webhook_after_s,
    )


async def look_up(request: Request) -> Response:
    """GET /v1/{merchant}/charges/{key}. A charge that is not decided is not there yet: 404."""
    desk: Desk = request.app.state.desk
    merchant, key = desk.merchant(request), key_in_path(request)
    behaviour = desk.behaviours[merchant]
    await desk.suffer(request, behaviour)
    await asyncio.sleep(behaviour.latency_s(desk.chance))
    found = desk.ledger.find(merchant, key)
    await desk.ledger.storage.committed()
    if found.status == "undecided":
        raise Refused(404, "not_found", "There is no charge with this key.")
    return JSONResponse(_body(found))


async def void(request: Request) -> Response:
    """POST /v1/{merchant}/charges/{key}/void: what is captured or declined already stays so, and says so."""
    desk: Desk = request.app.state.desk
    merchant, key = desk.merchant(request), key_in_path(request)
    behaviour = desk.behaviours[merchant]
    await desk.suffer(request, behaviour)
    takes_s = behaviour.latency_s(desk.chance)
    await asyncio.sleep(takes_s / 2)
    voided = desk.ledger.void(merchant, key)
    await desk.ledger.storage.committed()
    await asyncio.sleep(takes_s / 2)
    return JSONResponse(_body(voided))


async def refund(request: Request) -> Response:
    """POST /v1/{merchant}/charges/{key}/refunds."""
    desk: Desk = request.app.state.desk
    merchant, key = desk.merchant(request), key_in_path(request)
    wanted = await read_body(request, RefundRequest)
    behaviour = desk.behaviours[merchant]
    await desk.suffer(request, behaviour)
    takes_s = behaviour.latency_s(desk.chance)
    await asyncio.sleep(takes_s / 2)
    made = desk.ledger.refund(merchant, key, wanted.refund_key, wanted.amount)
    await desk.ledger.storage.committed()
    await asyncio.sleep(takes_s / 2)
    withheld = desk.chance.random() < behaviour.refund_but_time_out_share
    currency = desk.ledger.find(merchant, key).currency or ""
    event = event_of("refund.succeeded", merchant, key, made.amount, currency, refund_key=made.refund_key)
    if await _tell(desk, request, behaviour, event, withheld=withheld):
        raise unanswered()
    body = {"refund_key": made.refund_key, "status": "refunded", "amount": made.amount}
    return JSONResponse({**body, "refunded_total": made.refunded_total})


async def _answer(
    desk: Desk,
    request: Request,
    behaviour: Behaviour,
    merchant: str,
    decided: Charge,
    *,
    withheld: bool = False,
    webhook_after_s: float | None = 0.0,
) -> Response:
    await desk.ledger.storage.committed()
    event = charge_event(merchant, decided) if webhook_after_s is not None else None
    if await _tell(desk, request, behaviour, event, withheld=withheld, webhook_after_s=webhook_after_s or 0.0):
        raise unanswered()
    return JSONResponse(_body(decided))


async def _tell(
    desk: Desk,
    request: Request,
    behaviour: Behaviour,
    event: Event | None,
    *,
    withheld: bool,
    webhook_after_s: float = 0.0,
) -> bool:
    """Send the webhook that the behaviour has for this outcome; return whether the caller has hung up."""
    gone = await desk.withhold(request, WITHHOLD_S) if withheld else await request.is_disconnected()
    mode = behaviour.webhook.mode
    if event is not None and (mode == "always" or (mode == "unanswered" and gone)):
        desk.courier.send(event, behaviour.webhook, webhook_after_s)
    return gone


def charge_event(merchant: str, decided: Charge) -> Event | None:
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
