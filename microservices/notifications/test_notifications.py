"""A customer is told once what happened, and a mail server that is away costs time and no message."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from microservices.notifications.conftest import DOMAIN, DUE_NOW, Mailbox, Play, Stage, event
from shared.contract.queries import decode_cursor
from shared.domain.errors import InvalidRequest
from shared.domain.ids import new_id
from shared.domain.notification import NotificationStatus


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
        await stage.database.write(DUE_NOW)
        await stage.sender.send_due()

        assert len(set(box.message_ids)) == 3

    play(scene, port)


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
@pytest.mark.parametrize(("reply", "status"), [("450 not now", "queued"), ("554 never", "undeliverable")])
def test_what_is_refused_is_tried_again_only_for_a_passing_reason(
    play: Play, mailbox: tuple[Mailbox, int], command: str, reply: str, status: str
) -> None:
    box, port = mailbox
    if command == "MAIL":
        box.refuse_sender = reply
    else:
        box.refuse, box.refusal = "bob", reply

    async def scene(stage: Stage) -> None:
        await stage.hear(event(customer="bob"))

        await stage.sender.send_due()

        assert box.message_ids == []
        assert [item.status for item in (await stage.list("bob")).items] == [status]

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
        (item,) = (await stage.list("mallory")).items
        assert (item.status, item.sent_at) == (NotificationStatus.UNDELIVERABLE, None)
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
        await stage.database.write(DUE_NOW)
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

        await stage.database.write(DUE_NOW)
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
