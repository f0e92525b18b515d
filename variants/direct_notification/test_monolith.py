"""Where news are sent by a call, an order's mail is there with its answer, and a mail that fails costs no order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monolith.config import Settings
from tests.mail_stage import Mailbox, open_mailbox
from tests.monolith_stage import Shop, open_shop
from variants.direct_notification.monolith import build


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as opened:
        yield opened


@pytest.fixture
def calling(settings: Settings, mailbox: Mailbox) -> Iterator[Shop]:
    """A shop whose customers wait for their mail."""
    with open_shop(settings.model_copy(update={"smtp_port": mailbox.port}), build) as opened:
        yield opened


def test_who_waits_for_the_mail_has_it_with_the_answer(calling: Shop, mailbox: Mailbox) -> None:
    order = calling.buy((calling.stocks("LAMP"), 1)).json
    mails_with_the_answer = [mail["Message-ID"] for mail in mailbox.messages]

    calling.ask("POST", f"/orders/{order['id']}/cancel")

    assert mails_with_the_answer == [f"<{order['id']}.order_confirmed@monolith.twinshop.example>"]
    assert len(mailbox.messages) == 2
    assert calling.rows("SELECT DISTINCT status FROM notifications") == [("sent",)]


def test_who_waits_for_a_mail_that_is_refused_has_bought_all_the_same(calling: Shop, mailbox: Mailbox) -> None:
    mailbox.refused = {"ada@customers.example": "451 not now"}

    bought = calling.buy((calling.stocks("LAMP"), 1))
    mailbox.refused = {}
    calling.change("UPDATE notifications SET next_attempt_at = now()")
    calling.modules.sender.send_queued()

    assert bought.status_code == 201
    assert len(mailbox.messages) == 1
