"""The notifications service on a real database, with a mail server that does as a test says."""

from __future__ import annotations

import asyncio
import email
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text

from microservices.kit.database import Database
from microservices.kit.migrate import migrate
from microservices.notifications.config import NotificationsSettings
from microservices.notifications.queue import Notifications
from microservices.notifications.sender import MailSender
from shared.contract.bodies import MoneyBody, NotificationPage
from shared.contract.events import OrderEvent
from shared.contract.queries import parse_page_query
from shared.domain.ids import new_id
from shared.platform.metrics import Metrics

DOMAIN = "test.twinshop.example"
DUE_NOW = text("UPDATE notifications SET next_attempt_at = now() WHERE status = 'queued'")


class Mailbox:
    """What the mail server took: Message-IDs, and what it refuses."""

    def __init__(self) -> None:
        self.message_ids: list[str] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.refuse = ""
        self.refusal = "451 Not now"
        self.refuse_sender = ""
        self.refuse_address = ("", "")

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, *___: Any) -> str:
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, *___: Any) -> str:
        if address == self.refuse_address[0]:
            return self.refuse_address[1]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.refuse and self.refuse in envelope.rcpt_tos[0]:
            return self.refusal
        self.recipients += envelope.rcpt_tos
        self.message_ids.append(email.message_from_bytes(envelope.content or b"")["Message-ID"])
        return "250 Kept"


class Stage:
    """The service and its sender on a fresh database."""

    def __init__(self, database: Database, smtp_port: int) -> None:
        settings = NotificationsSettings(
            twinshop_mode="local", database_url="-", smtp_port=smtp_port, mail_domain=DOMAIN, mail_timeout_s=2
        )
        self.database = database
        self.settings = settings
        self.sender = MailSender(database, settings, Metrics())
        self.service = Notifications(database, DOMAIN)

    async def hear(self, *events: OrderEvent) -> None:
        async with self.database.transaction() as connection:
            await self.service.on_order_events(connection, events)

    async def list(
        self, customer: str = "ada", limit: str | None = None, cursor: str | None = None
    ) -> NotificationPage:
        parameters = {"limit": limit, "cursor": cursor}
        page = parse_page_query((name, value) for name, value in parameters.items() if value is not None)
        body = (await self.service.list_notifications(customer, page)).model_dump_json()
        return NotificationPage.model_validate_json(body, extra="forbid")


Play = Callable[..., Any]


@pytest.fixture
def offers_utf8() -> bool:
    """Whether the mail server takes addresses beyond ASCII."""
    return True


@pytest.fixture
def mailbox(offers_utf8: bool) -> Iterator[tuple[Mailbox, int]]:
    """A mail server, and its port."""
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, enable_SMTPUTF8=offers_utf8)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def play(service_database_urls: dict[str, str]) -> Play:
    """Run a coroutine function on a fresh stage; `smtp_port` 1 is a mail server that is away."""

    async def run(scene: Callable[[Stage], Any], smtp_port: int) -> None:
        database = Database(service_database_urls["notifications"], 4, Metrics(), "test")
        try:
            await migrate(database, "microservices.notifications")
            await database.write(text("TRUNCATE notifications"))
            await scene(Stage(database, smtp_port))
        finally:
            await database.close()

    return lambda scene, smtp_port=1: asyncio.run(run(scene, smtp_port))


def event(what: str = "confirmed", *, order_id: str = "", customer: str = "ada", notify: bool = True) -> OrderEvent:
    return OrderEvent(
        id=new_id(), type=f"order.{what}", occurred_at="", order_id=order_id or new_id(), version=1,
        customer_id=customer, email=f"{customer}@customers.example", lines=[],
        total=MoneyBody(amount=650), notify=notify,
    )  # fmt: skip
