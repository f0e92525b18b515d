"""A customer is told once what happened, and a mail server that is away costs time and no message."""

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
from microservices.notifications.sender import MailSender
from microservices.notifications.service import NotificationService
from shared.contract.bodies import MoneyBody, NotificationPage
from shared.contract.events import OrderEvent
from shared.contract.queries import decode_cursor, parse_page_query
from shared.domain.errors import InvalidRequest
from shared.domain.ids import new_id
from shared.domain.notification import NotificationStatus
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
        self.refuse_address = ("", "")

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, *___: Any) -> str:
        if address == self.refuse_address[0]:
            return self.refuse_address[1]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.refuse and self.refuse in envelope.rcpt_tos[0]:
            return "451 Not now"
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
        self.sender = MailSender(database, settings, Metrics())
        self.service = NotificationService(database, DOMAIN, self.sender)

    async def hear(self, *events: OrderEvent) -> None:
        async with self.database.transaction() as connection:
            await self.service.on_order_events(connection, events)

    async def list(
        self, customer: str = "ada", limit: str | None = None, cursor: str | None = None
    ) -> NotificationPage:
        given = {"limit": limit, "cursor": cursor}
        asked = parse_page_query((name, value) for name, value in given.items() if value is not None)
        body = await self.service.list_notifications(customer, asked)
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
            await database.commit_one(text("TRUNCATE notifications"))
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


def test_a_customer_is_told_once_for_each_order_and_kind(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order = new_id()

        await stage.hear(event("confirmed", order_id=order), event("confirmed", order_id=order))
        await stage.hear(event("confirmed", order_id=order), event("cancelled", order_id=order))

        assert sorted(item.kind for item in (await stage.list()).items) == ["order_cancelled", "order_confirmed"]

    play(scene)


def test_what_the_answer_has_said_already_is_not_mailed(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.hear(event("rejected", notify=False))

        assert (await stage.list()).items == []

    play(scene)


def test_pages_hold_ones_own_messages_newest_first(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        orders = [new_id() for _ in range(3)]
        for order in orders:
            await stage.hear(event(order_id=order), event(customer="bob"))
            await asyncio.sleep(0.002)  # ids are in order by the millisecond

        first = await stage.list(limit="2")
        second = await stage.list(limit="2", cursor=first.next_cursor)

        assert decode_cursor(first.next_cursor) == first.items[-1].id
        assert [item.order_id for item in (*first.items, *second.items)] == orders[::-1]
        assert second.next_cursor is None

    play(scene)


def test_a_cursor_of_another_list_is_refused(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(InvalidRequest):
            await stage.list(cursor="QVBQTEUtMQ")

    play(scene)


def test_a_batch_is_sent_over_one_connection_and_marked(play: Play, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        orders = [new_id() for _ in range(3)]
        await stage.hear(*(event(order_id=order) for order in orders))

        await stage.sender.send_due()
        await stage.sender.send_due()

        assert box.connections == 1
        assert sorted(box.message_ids) == sorted(f"<{order}.order_confirmed@{DOMAIN}>" for order in orders)
        assert {item.status for item in (await stage.list()).items} == {NotificationStatus.SENT}

    play(scene, port)


def test_a_refused_message_waits_and_the_others_go(play: Play, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        await stage.hear(event(customer="ada"), event(customer="bob"), event(customer="eve"))
        box.refuse = "bob"
        await stage.sender.send_due()
        assert len(box.message_ids) == 2
        assert [item.status for item in (await stage.list("bob")).items] == [NotificationStatus.QUEUED]

        box.refuse = ""
        await stage.sender.send_due()
        assert len(box.message_ids) == 2  # not due yet: it backs off
        await stage.database.commit_one(DUE_NOW)
        await stage.sender.send_due()

        assert len(set(box.message_ids)) == 3

    play(scene, port)


@pytest.mark.parametrize(
    ("address", "refusal"),
    [("mallory\r\nBcc: all@customers.example", ""), ("mallory", ""), ("", ""), ("mallory@customers.example", "550 No")],
)
def test_an_address_that_is_none_comes_to_an_end_and_does_not_hold_the_others_up(
    play: Play, mailbox: tuple[Mailbox, int], address: str, refusal: str
) -> None:
    box, port = mailbox
    box.refuse_address = (address, refusal) if refusal else ("", "")

    async def scene(stage: Stage) -> None:
        await stage.hear(event(customer="mallory").model_copy(update={"email": address}), event(customer="ada"))

        await stage.sender.send_due()

        assert len(box.message_ids) == 1
        (told,) = (await stage.list("mallory")).items
        assert (told.status, told.sent_at) == (NotificationStatus.UNDELIVERABLE, None)
        assert await stage.database.read(text("SELECT * FROM v_unfinished")) == []

    play(scene, port)


@pytest.mark.parametrize(("offers_utf8", "status"), [(True, "sent"), (False, "undeliverable")])
def test_an_address_beyond_ascii_is_written_to_where_the_server_offers_it(
    play: Play, mailbox: tuple[Mailbox, int], status: str
) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        await stage.hear(event(customer="böb").model_copy(update={"email": "böb@ü.example"}), event(customer="ada"))

        await stage.sender.send_due()
        await stage.database.commit_one(DUE_NOW)
        await stage.sender.send_due()

        assert [item.status for item in (await stage.list("böb")).items] == [status]
        assert [item.status for item in (await stage.list("ada")).items] == ["sent"]
        assert ("böb@ü.example" in box.recipients) == (status == "sent")

    play(scene, port)


def test_a_mail_server_that_is_away_loses_nothing(play: Play, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        await stage.hear(event())
        await stage.sender.send_due()
        assert [item.status for item in (await stage.list()).items] == [NotificationStatus.QUEUED]

        await stage.database.commit_one(DUE_NOW)
        await Stage(stage.database, port).sender.send_due()

        assert len(box.message_ids) == 1

    play(scene)


def test_two_senders_do_not_send_the_same_message(play: Play, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        await stage.hear(*(event() for _ in range(60)))
        other = Stage(stage.database, port).sender

        await asyncio.gather(stage.sender.send_due(), other.send_due())

        assert len(box.message_ids) == len(set(box.message_ids)) == 60

    play(scene, port)


def test_a_caller_who_waits_has_the_mail_sent_once_whoever_else_tells_it(
    play: Play, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        told = event()

        first, again = await stage.service.hear(told), await stage.service.hear(told)
        await stage.hear(told)  # the broker brings it as well
        await stage.sender.send_due()

        assert (first, again) == (True, True)
        assert box.message_ids == [f"<{told.order_id}.order_confirmed@{DOMAIN}>"]

    play(scene, port)


def test_what_cannot_be_sent_while_a_caller_waits_is_sent_later(play: Play, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        sent = await stage.service.hear(event())

        await stage.database.commit_one(DUE_NOW)
        await Stage(stage.database, port).sender.send_due()

        assert not sent
        assert len(box.message_ids) == 1

    play(scene)
