"""Forwards what came here although its module is extracted: the edge learns of that a moment later than the gate."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from flask import Flask, Response, request

from migration.inside_monolith.gate import Gate
from shared.domain.errors import OutcomeUnknown, Unavailable
from shared.platform import tracing

MODULE_OF_BLUEPRINT = {"storefront": "catalog"}  # the pages go with the products
FORWARDED = (
    "Authorization", "Content-Type", "Idempotency-Key", "Webhook-Signature", "Accept", "If-None-Match",
)  # fmt: skip
OURS = {"connection", "content-length", "transfer-encoding", "keep-alive", "server", "date", "x-request-id"}
GATED = "monolith.gated"  # where the end of a request sees that it has passed the gate


class RequestForwarder:
    """The services that modules become, by name: each with its address, and what carries requests there."""

    def __init__(self, services: Mapping[str, tuple[str, httpx.BaseTransport]]) -> None:
        self._services = {module: (url.rstrip("/"), transport) for module, (url, transport) in services.items()}

    def install(self, app: Flask, gate: Gate) -> None:
        """Let every request of a module pass the gate, and forward those whose module is extracted."""

        @app.before_request
        def enter() -> Response | None:
            blueprint = request.blueprint or ""
            module = MODULE_OF_BLUEPRINT.get(blueprint, blueprint)
            if not module:
                return None
            gate.enter()
            request.environ[GATED] = True
            return self.forward(module) if gate.is_extracted(module) else None

        @app.teardown_request
        def leave(_error: BaseException | None) -> None:
            if request.environ.pop(GATED, None):
                gate.leave()

    def forward(self, module: str) -> Response:
        """Return the service's answer to the request at hand. Raises Unavailable, OutcomeUnknown."""
        headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
        tracing.inject(headers)
        url, transport = self._services[module]
        url += request.full_path.rstrip("?")
        forwarded = httpx.Request(request.method, url, content=request.get_data(cache=False), headers=headers)
        try:
            answer = transport.handle_request(forwarded)
            body = answer.read()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"The service {module} is away.") from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"The service {module} has not answered.") from error
        response_headers = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in OURS]
        return Response(body, answer.status_code, response_headers)

    def start(self) -> None:
        """Nothing: connections are made as they are needed."""

    def stop(self) -> None:
        """Close the connections."""
        for _, transport in self._services.values():
            transport.close()
