"""`python -m variants.retries orders`, with RETRIES and CIRCUIT_BREAKER as policy.py says."""

from __future__ import annotations

from typing import Any, Self

import httpx
from pydantic import model_validator
from pydantic_settings import BaseSettings

from microservices.kit.peers import Peer
from microservices.kit.runtime import ServiceRuntime
from shared.domain.errors import Unanswered, Unreached
from shared.platform.settings import load_or_exit
from variants.retries.policy import CircuitOpen, policy_of
from variants.services import main


class RetrySettings(BaseSettings):
    """How often a call is sent, and when none is."""

    retries: str = ""
    circuit_breaker: str = ""

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        policy_of(self.retries, self.circuit_breaker)
        return self


class RetryingPeer(Peer):
    """A peer whose calls go through a policy of its own. Each attempt has the whole deadline."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        settings = load_or_exit(RetrySettings)
        self._policy = policy_of(settings.retries, settings.circuit_breaker)

    async def call(self, method: str, path: str, body: bytes) -> httpx.Response:
        """Send a request as often as the policy says. Raises Unreached or Unanswered."""
        send = super().call
        if self._policy is None:
            return await send(method, path, body)
        sent = False

        async def attempt() -> httpx.Response:
            nonlocal sent
            before, sent = sent, True
            try:
                return await send(method, path, body)
            except Unreached:
                sent = before
                raise

        try:
            return await self._policy.call(attempt, (Unreached, Unanswered))
        except (CircuitOpen, Unreached) as error:
            if sent:  # by an earlier attempt: that nobody could be reached in the end does not undo it
                raise Unanswered(f"{self.name} did not answer an earlier attempt") from error
            if isinstance(error, Unreached):
                raise
            raise Unreached(f"{self.name} is left alone: its last answers all failed") from error


class RetryingRuntime(ServiceRuntime):
    """Calls other parts under a policy."""

    peer_class = RetryingPeer


if __name__ == "__main__":
    main(RetryingRuntime)
