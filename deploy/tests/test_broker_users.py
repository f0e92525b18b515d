"""A service writes its own events, and takes no events from others: a real server refuses all else."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nats
import pytest

from deploy.local.launch import broker_configuration
from deploy.model.broker_users import secret
from deploy.model.parts import Secrets, Site
from deploy.model.topology import SERVICES, stack
from deploy.runner import binaries
from shared.contract.events import DEAD_STREAM, STREAM

SECRETS = Secrets(b"broker users")
WRONG = [
    *((service, "shop.order.confirmed") for service in SERVICES if service != "orders"),
    *((service, "shop.payment.captured") for service in SERVICES if service != "payments"),
    *((service, f"dead.{other}") for service in SERVICES for other in SERVICES if service != other),
    ("catalog", f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.notifications"),
    ("catalog", f"$JS.API.CONSUMER.DELETE.{STREAM}.notifications"),
    ("catalog", f"$JS.ACK.{STREAM}.notifications.1.1.1.1.0"),
    ("payments", f"$JS.ACK.{STREAM}.orders.1.1.1.1.0"),
    ("notifications", f"$JS.API.STREAM.PURGE.{STREAM}"),
    ("orders", f"$JS.API.STREAM.DELETE.{STREAM}"),
    ("orders", f"$JS.API.STREAM.PURGE.{DEAD_STREAM}"),
    ("orders", f"$JS.API.STREAM.MSG.GET.{DEAD_STREAM}"),
]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server with the configuration of local stacks."""
    with socket.socket() as free, socket.socket() as also_free:
        free.bind(("127.0.0.1", 0))
        also_free.bind(("127.0.0.1", 0))
        ports = {"nats": free.getsockname()[1], "monitor": also_free.getsockname()[1]}
    folder = tmp_path_factory.mktemp("broker")
    part = replace(stack("microservices", Site(SECRETS, "", "")).part("broker"), ports=ports)
    config = Path(folder / "nats.conf")
    config.write_text(json.dumps(broker_configuration(part, str(folder), SECRETS)), "utf-8")
    with subprocess.Popen([binaries.nats_server(), "--config", config], stderr=subprocess.DEVNULL) as server:
        yield ports["nats"]
        server.terminate()


async def errors_of(port: int, user: str, *, publish: str = "", subscribe: str = "") -> list[str]:
    """Return what the server says to a user who does this."""
    errors: list[str] = []

    async def note(error: Exception) -> None:
        errors.append(str(error))

    client = await nats.connect(
        f"nats://127.0.0.1:{port}", user=user, password=SECRETS.of(secret(user)), error_cb=note,
        max_reconnect_attempts=50, reconnect_time_wait=0.1,
    )  # fmt: skip
    try:
        if subscribe:
            await client.subscribe(subscribe)
        else:
            await client.publish(publish, b"{}")
        await client.flush()
        await client.flush()  # the ping of the first may overtake the message
    finally:
        await client.close()
    return [error for error in errors if "permissions violation" in error.lower()]


@pytest.mark.parametrize(("service", "subject"), WRONG)
def test_a_service_cannot_speak_for_another(port: int, service: str, subject: str) -> None:
    assert asyncio.run(errors_of(port, service, publish=subject))


@pytest.mark.parametrize("subject", ["shop.>", "_INBOX.>", "_INBOX.payments.>"])
def test_a_service_hears_its_own_inbox_only(port: int, subject: str) -> None:
    assert asyncio.run(errors_of(port, "catalog", subscribe=subject))
    assert not asyncio.run(errors_of(port, "catalog", subscribe="_INBOX.catalog.>"))


@pytest.mark.parametrize(
    ("service", "subject"), [("orders", "shop.order.confirmed"), ("payments", "shop.payment.captured")]
)
def test_a_service_says_what_is_its_own(port: int, service: str, subject: str) -> None:
    assert not asyncio.run(errors_of(port, service, publish=subject))
