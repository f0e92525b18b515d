"""Gives a running shop fresh data: its databases, its streams, its ledger at the provider, its mails."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY
from deploy.model.parts import Reset, Site, Stack
from deploy.runner import binaries
from deploy.runner.broker import with_broker

if TYPE_CHECKING:
    from nats.js import JetStreamContext

RESET_TIMEOUT_S = 120  # beside what the products take
SEEDED_PER_S = 4000  # products that a slow machine copies into its catalog in a second, for both shops at once
ASK_TIMEOUT_S = 10


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
        _delete(f"{site.url('outside', 'provider')}/control/{stack.merchant}/ledger")
        _delete(f"{site.url('outside', 'mail')}/messages?domain={stack.mail_domain}")


def _run(item: Reset, products: int) -> None:
    command = [str(binaries.resolve(item.command[0])), *item.command[1:]]
    if item.seeds:
        command += ["--products", str(products)]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(REPOSITORY), **item.environment}
    within_s = RESET_TIMEOUT_S + products / SEEDED_PER_S
    try:
        process = subprocess.run(
            command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=within_s,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DeployError(f"{' '.join(item.command)} took longer than {within_s:.0f} s.") from error
    if process.returncode != 0:
        raise DeployError(f"{' '.join(item.command)} failed:\n{(process.stderr or process.stdout).strip()[-2000:]}")


async def _purge_streams(jetstream: JetStreamContext) -> None:
    for info in await jetstream.streams_info():
        if info.config.name:
            await jetstream.purge_stream(info.config.name)


def _delete(url: str) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=ASK_TIMEOUT_S):  # noqa: S310
            pass
    except (urllib.error.URLError, OSError) as error:
        raise DeployError(f"DELETE {url} failed: {error}") from error
