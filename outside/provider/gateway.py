"""What happens to every call of a merchant: who is it, what goes wrong on purpose, and was the answer taken."""

from __future__ import annotations

import asyncio
import hmac
import random
import re
from collections import defaultdict

from starlette.requests import Request

from outside.http import KEY_PATTERN, NAME_PATTERN, Rejection
from outside.provider.behaviour import Behaviour
from outside.provider.ledger import Ledger
from outside.provider.webhook_sender import WebhookSender

HANG_LIMIT_S = 600.0  # longer than any caller waits; a limit all the same


class Gateway:
    """The provider's ledger, webhook sender, and behaviour by merchant. Behaviour is forgotten by a restart."""

    def __init__(
        self, ledger: Ledger, webhook_sender: WebhookSender, api_keys: dict[str, str], stopping: asyncio.Event
    ) -> None:
        self.ledger, self.webhook_sender = ledger, webhook_sender
        self.behaviours: dict[str, Behaviour] = defaultdict(Behaviour)
        self.rng = random.Random()
        self._api_keys = api_keys
        self._stopping = stopping

    def merchant(self, request: Request) -> str:
        """Return the merchant whose key the call carries. Raises Rejection (401, 404)."""
        merchant = merchant_in_path(request)
        expected = f"Bearer {self._api_keys.get(merchant, f'key-{merchant}')}"
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), expected.encode()):
            raise Rejection(401, "unauthenticated", "Send this merchant's key: Authorization: Bearer <key>.")
        return merchant

    async def apply_faults(self, request: Request, behaviour: Behaviour) -> None:
        """Let the call hang, or fail, as the behaviour has it, before anything is done. Raises Rejection."""
        if behaviour.hang or self.rng.random() < behaviour.hang_share:
            await self.delay_response(request, HANG_LIMIT_S)
            raise no_answer()
        if self.rng.random() < behaviour.error_share:
            raise Rejection(500, "provider_error", "The provider failed, on purpose. Nothing was done.")

    async def delay_response(self, request: Request, limit_s: float) -> bool:
        """Hold the answer back for `limit_s`. Returns whether the caller is gone, or we are about to be."""
        hang_up = asyncio.ensure_future(_hung_up(request))
        stopping = asyncio.ensure_future(self._stopping.wait())
        first, pending = await asyncio.wait({hang_up, stopping}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        for waiting in pending:
            waiting.cancel()
        return bool(first)


def no_answer() -> Rejection:
    """Return the answer to a call that gets none: its caller has hung up, or we are stopping."""
    return Rejection(503, "not_answered", "The provider stopped before it had an answer.")


def merchant_in_path(request: Request) -> str:
    """Return the merchant that the path names. Raises Rejection (404)."""
    merchant = str(request.path_params["merchant"])
    if not re.match(NAME_PATTERN, merchant):
        raise Rejection(404, "not_found", "A merchant's name has 1 to 40 lower-case letters, digits, . _ -")
    return merchant


def key_in_path(request: Request) -> str:
    """Return the charge's key that the path names. Raises Rejection (404)."""
    key = str(request.path_params["key"])
    if not re.match(KEY_PATTERN, key):
        raise Rejection(404, "not_found", "A key has 1 to 128 letters, digits, . _ : -")
    return key


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
