"""Whoever waits for a mail has it sent once, and what cannot be sent meanwhile is sent later."""

from __future__ import annotations

from microservices.notifications.conftest import DOMAIN, DUE_NOW, Mailbox, Play, Stage, event
from shared.contract.events import OrderEvent
from shared.platform.metrics import Metrics
from variants.direct_notification.notifications import DirectSender, notify


async def notify_directly(stage: Stage, order_event: OrderEvent) -> bool:
    sender = DirectSender(stage.database, stage.settings, Metrics())
    return await notify(stage.database, stage.service, sender, order_event)


def test_a_caller_who_waits_has_the_mail_sent_once_whoever_else_tells_it(
    play: Play, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        confirmation = event()

        first, again = await notify_directly(stage, confirmation), await notify_directly(stage, confirmation)
        await stage.hear(confirmation)  # the broker brings it as well
        await stage.sender.send_due()

        assert (first, again) == (True, True)
        assert box.message_ids == [f"<{confirmation.order_id}.order_confirmed@{DOMAIN}>"]

    play(scene, port)


def test_what_cannot_be_sent_while_a_caller_waits_is_sent_later(play: Play, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox

    async def scene(stage: Stage) -> None:
        sent = await notify_directly(stage, event())

        await stage.database.write(DUE_NOW)
        await Stage(stage.database, port).sender.send_due()

        assert not sent
        assert len(box.message_ids) == 1

    play(scene)
