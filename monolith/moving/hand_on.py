"""Hands on what came here although its module has left: the edge learns of a move a moment later than the gate."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from flask import Response, request

from monolith.moving.gate import Gate
from shared.domain.errors import OutcomeUnknown, Unavailable
from shared.platform import tracing

MODULE_OF_BLUEPRINT = {"storefront": "catalog"}  # the pages go with the products
PASSED_ON = (
    "Authorization", "Content-Type", "Idempotency-Key", "Webhook-Signature", "Accept", "If-None-Match",
)  # fmt: skip
OURS = {"connection", "content-length", "transfer-encoding", "keep-alive", "server", "date", "x-request-id"}


class HandOn:
    """The services that modules have become, by name."""

    def __init__(self, ways: Mapping[str, tuple[str, httpx.BaseTransport]]) -> None:
        self._ways = {module: (url.rstrip("/"), transport) for module, (url, transport) in ways.items()}

    def serve(self, module: str) -> Response:
        """Return the service's answer to the request at hand. Raises Unavailable, OutcomeUnknown."""
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        if trace_id := tracing.current():
            headers[tracing.HEADER] = trace_id
        url, transport = self._ways[module]
        url += request.full_path.rstrip("?")
        passed_on = httpx.Request(request.method, url, content=request.get_data(cache=False), headers=headers)
        try:
            answer = transport.handle_request(passed_on)
            body = answer.read()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"The service {module} is away.") from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"The service {module} has not answered.") from error
        kept = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in OURS]
        return Response(body, answer.status_code, kept)

    def close(self) -> None:
        """Close the connections."""
        for _, transport in self._ways.values():
            transport.close()


def module_of_request() -> str:
    """Return the module whose request this is; empty for what belongs to none."""
    blueprint = request.blueprint or ""
    return MODULE_OF_BLUEPRINT.get(blueprint, blueprint)


def before_request(gate: Gate, hand_on: HandOn, gated: str) -> Response | None:
    """Let a request through the gate, or hand it on. `gated` is where `after_request` sees that it passed."""
    module = module_of_request()
    if not module:
        return None
    gate.enter()
    request.environ[gated] = True
    return hand_on.serve(module) if gate.is_out(module) else None


def after_request(gate: Gate, gated: str) -> None:
    """Leave the gate, if the request had entered it."""
    if request.environ.pop(gated, None):
        gate.leave()
