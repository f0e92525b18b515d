"""`python -m variants.no_tokens orders`: calls carry no token, and none is asked for. In local mode only."""

from __future__ import annotations

import sys
from collections.abc import Collection

from microservices.kit.runtime import ServiceRuntime
from shared.platform.tokens import ServiceVerifier
from variants.services import main


class _AnybodysCall(ServiceVerifier):
    def verify(self, authorization: str | None, callers: Collection[str]) -> str:
        """Return that it may be anyone."""
        return "anyone"


class TokenlessRuntime(ServiceRuntime):
    """Signs nothing and lets every caller in, so that inner routes are open to whoever reaches the port."""

    def signer(self) -> None:
        """Return that nothing is signed. Exits outside local mode."""
        if not self.settings.is_local:
            sys.exit("Services without tokens are for measuring, in TWINSHOP_MODE=local only.")

    def verifier(self) -> ServiceVerifier:
        """Return what lets everybody in."""
        return _AnybodysCall(self.name, {})


if __name__ == "__main__":
    main(TokenlessRuntime)
