"""Calls to services that modules have become: one deadline each, and failures told apart."""

from __future__ import annotations

import httpx

from shared.domain.errors import Unanswered, Unreached
from shared.platform import tracing
from shared.platform.metrics import Metrics
from shared.platform.tokens import ServiceSigner


class Peer:
    """One service. Every call carries a token that we sign, as the service whose work we do."""

    def __init__(
        self, name: str, base_url: str, transport: httpx.BaseTransport, signer: ServiceSigner, metrics: Metrics
    ) -> None:
        self.name = name
        self._base_url, self._transport, self._signer = base_url.rstrip("/"), transport, signer
        self._calls = metrics.calls

    def post(self, path: str, body: bytes = b"") -> httpx.Response:
        """Return the answer, whatever its status. Raises Unreached or Unanswered."""
        headers = {"Authorization": self._signer.authorization(self.name)}
        if body:
            headers["Content-Type"] = "application/json"
        tracing.inject(headers)
        outcome = "unanswered"
        try:
            request = httpx.Request("POST", self._base_url + path, content=body, headers=headers)
            answer = self._transport.handle_request(request)
            answer.read()
            outcome = str(answer.status_code)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            outcome = "unreached"
            raise Unreached(f"{self.name} cannot be reached") from error
        except httpx.HTTPError as error:
            raise Unanswered(f"{self.name} did not answer: {error}") from error
        finally:
            self._calls.labels(self.name, outcome).inc()
        return answer
