"""The control plane: behaviour, ledger and webhooks of one merchant, for tests and experiments."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outside.http import Rejection, RequestBody, invalid, read_body, read_bytes
from outside.provider.behaviour import Behaviour
from outside.provider.charges import charge_event
from outside.provider.gateway import Gateway, key_in_path, merchant_in_path
from outside.provider.webhook_sender import WebhookTarget, event_of


class TargetRequest(RequestBody):
    """PUT /control/{merchant}/webhook."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$", max_length=500)]
    secret: Annotated[str, Field(min_length=1, max_length=200)]


class RedeliverRequest(RequestBody):
    """POST /control/{merchant}/webhooks/{key}/redeliver."""

    copies: Annotated[int, Field(ge=1, le=1000)] = 1


async def get_behaviour(request: Request) -> Response:
    """GET /control/{merchant}/behaviour."""
    return JSONResponse(_desk(request).behaviours[merchant_in_path(request)].model_dump())


async def put_behaviour(request: Request) -> Response:
    """PUT /control/{merchant}/behaviour: changes the fields that are named, at any depth; the others stay."""
    gateway, merchant = _desk(request), merchant_in_path(request)
    raw = await read_bytes(request)
    try:
        patch: Any = from_json(raw)
    except ValueError as error:
        raise Rejection(400, "malformed_body", f"The body is not JSON: {error}") from error
    if not isinstance(patch, dict):
        raise Rejection(422, "invalid_request", "The body must be an object.")
    try:
        gateway.behaviours[merchant] = gateway.behaviours[merchant].changed(patch)
    except ValidationError as error:
        raise invalid(error) from error
    return await get_behaviour(request)


async def heal(request: Request) -> Response:
    """POST /control/{merchant}/heal: back to the defaults."""
    _desk(request).behaviours[merchant_in_path(request)] = Behaviour()
    return await get_behaviour(request)


async def get_ledger(request: Request) -> Response:
    """GET /control/{merchant}/ledger: the witness in every reconciliation."""
    gateway, merchant = _desk(request), merchant_in_path(request)
    await gateway.ledger.storage.wait_committed()
    return JSONResponse({"charges": gateway.ledger.all_charges(merchant)})


async def delete_ledger(request: Request) -> Response:
    """DELETE /control/{merchant}/ledger: forget charges, refunds and webhooks, and call back deliveries."""
    gateway, merchant = _desk(request), merchant_in_path(request)
    deleted = gateway.ledger.delete_all(merchant)
    gateway.webhook_sender.delete_all(merchant)
    await gateway.ledger.storage.wait_committed()
    return JSONResponse({"deleted": deleted})


async def put_webhook(request: Request) -> Response:
    """PUT /control/{merchant}/webhook: where webhooks go from now on, those under way included."""
    gateway, merchant = _desk(request), merchant_in_path(request)
    body = await read_body(request, TargetRequest)
    gateway.webhook_sender.targets[merchant] = WebhookTarget(url=body.url, secret=body.secret)
    return JSONResponse({"url": body.url})


async def redeliver(request: Request) -> Response:
    """POST /control/{merchant}/webhooks/{key}/redeliver: send all events about a charge (again), at once."""
    gateway, merchant, key = _desk(request), merchant_in_path(request), key_in_path(request)
    body = await read_body(request, RedeliverRequest)
    charge = gateway.ledger.find(merchant, key)
    event = charge_event(merchant, charge)
    if event is None:
        raise Rejection(409, "no_event", f"This charge is {charge.status}; there is no webhook for that.")
    events = [event] + [
        event_of("refund.succeeded", merchant, key, amount, charge.currency or "", refund_key=refund_key)
        for refund_key, amount in gateway.ledger.refunds_of(merchant, key)
    ]
    for each in events:
        gateway.webhook_sender.send_again(each, body.copies)
    await gateway.ledger.storage.wait_committed()
    return JSONResponse({"queued": len(events) * body.copies}, 202)


def _desk(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway
