"""Gives a running shop fresh data: its databases, its streams, its ledger at the provider, its mails."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from deploy.model.home import REPOSITORY
from deploy.model.parts import Reset, Site, Stack
from deploy.runner import binaries
from deploy.runner.broker import with_broker
from deploy.runner.control_request import send
from deploy.runner.program import output_of

if TYPE_CHECKING:
    from nats.js import JetStreamContext

RESET_TIMEOUT_S = 120  # beside what the products take
SEEDED_PER_S = 4000  # products that a slow machine copies into its catalog in a second, for both shops at once


def reset(stack: Stack, site: Site, products: int) -> None:
    """Make the data of a stack fresh, with `products` products to sell. Raises DeployError.

    The databases come first: a loop that still settles an order may charge or mail until its rows are gone, and
    what it has done by then is cleared after it. Stop the load before.
    """
    if stack.broker_url:
        with_broker(stack.broker_url, _purge_streams)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for _ in pool.map(lambda item: _run(item, products), stack.resets):
            pass
    if stack.broker_url:  # once more: what was still in an outbox
        with_broker(stack.broker_url, _purge_streams)
    if stack.merchant:
        send("DELETE", f"{site.url('outside', 'provider')}/control/{stack.merchant}/ledger")
        send("DELETE", f"{site.url('outside', 'mail')}/messages?domain={stack.mail_domain}")


def _run(item: Reset, products: int) -> None:
    command = [str(binaries.resolve(item.command[0])), *item.command[1:]]
    if item.seeds:
        command += ["--products", str(products)]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(REPOSITORY), **item.environment}
    output_of(command, RESET_TIMEOUT_S + products / SEEDED_PER_S, environment=environment, folder=REPOSITORY)


async def _purge_streams(jetstream: JetStreamContext) -> None:
    for info in await jetstream.streams_info():
        if info.config.name:
            await jetstream.purge_stream(info.config.name)
