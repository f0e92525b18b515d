"""Opens an arm as a shop: from what its deployer knows to what its customers see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from tests.arms import Arm
from tests.journeys.outside import Identity, Mailbox, Provider
from tests.journeys.shop import Shop
from tests.plain_http import plain_http

TIMEOUT_S = 15  # above the edge's deadline, which must answer first


@contextmanager
def open_shop(arm: Arm) -> Iterator[Shop]:
    """Return the shop of an arm, with clients that are closed afterwards."""
    with ExitStack() as closing:

        def client(base: str) -> httpx.Client:
            limits = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=2)
            return closing.enter_context(plain_http(base, timeout=TIMEOUT_S, limits=limits))

        yield Shop(
            name=arm.runner.stack.name,  # a monolith with modules out is still one at the provider
            http=client(arm.url),
            identity=Identity(client(arm.outside_url("identity"))),
            provider=Provider(
                client(arm.outside_url("provider")),
                merchant=arm.runner.stack.merchant,
                api_key=f"key-{arm.runner.stack.merchant}",
                webhook_secret=arm.secret_of_webhooks,
            ),
            mailbox=Mailbox(client(arm.outside_url("mail")), domain=arm.runner.stack.mail_domain),
        )
