"""A queued mail is sent at least once, always with the same Message-ID, and one that fails holds up no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from monolith.notifications import Sender
from shared.platform.metrics import Metrics
from tests.mail_stage import Mailbox, open_mailbox
from tests.monolith_stage import Shop

TO_BOB = text("UPDATE notifications SET email = :address")


@pytest.fixture
def offers_utf8() -> bool:
    """Whether the mail server takes addresses beyond ASCII."""
    return True


@pytest.fixture
def mailbox(offers_utf8: bool) -> Iterator[Mailbox]:
    with open_mailbox(offers_utf8=offers_utf8) as opened:
        yield opened


@pytest.fixture
def sender(shop: Shop, mailbox: Mailbox) -> Sender:
    return sender_to(shop, mailbox.port)


def sender_to(shop: Shop, port: int) -> Sender:
    domain = "monolith.twinshop.example"
    return Sender(shop.database, host="127.0.0.1", port=port, mail_domain=domain, timeout_s=2, metrics=Metrics())


def due(shop: Shop) -> None:
    shop.change("UPDATE notifications SET next_attempt_at = now()")


def test_a_mail_says_which_order_it_is_about(shop: Shop, sender: Sender, mailbox: Mailbox) -> None:
    order = shop.buy((shop.stocks("LAMP", price=1250), 2)).json

    sender.send_queued()

    (mail,) = mailbox.messages
    assert mail["To"] == "ada@customers.example"
    assert mail["From"] == "shop@monolith.twinshop.example"
    assert mail["Message-ID"] == f"<{order['id']}.order_confirmed@monolith.twinshop.example>"
    assert order["id"] in mail.get_payload()
    assert "25.00 EUR" in mail.get_payload()
    assert shop.rows("SELECT status FROM notifications") == [("sent",)]
    assert not sender.send_queued()


def test_a_mail_server_that_is_away_is_tried_again(shop: Shop, sender: Sender, mailbox: Mailbox) -> None:
    shop.buy((shop.stocks("LAMP"), 1))
    away = sender_to(shop, 1)

    away.send_queued()
    not_yet_due = sender.send_queued()
    due(shop)
    sender.send_queued()

    assert not not_yet_due
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize(
    ("address", "command", "reply", "status"),
    [
        ("bob@customers.example", "RCPT", "451 not now", "queued"),
        ("bob@customers.example", "RCPT", "550 no such user", "undeliverable"),
        ("bob@customers.example", "DATA", "451 not now", "queued"),
        ("bob@customers.example", "DATA", "554 looks like spam", "undeliverable"),
        ("bob\r\nBcc: eve@evil.example", "RCPT", "", "undeliverable"),
        ("bob", "RCPT", "", "undeliverable"),
        ("", "RCPT", "", "undeliverable"),
    ],
)
def test_one_that_cannot_be_sent_holds_up_no_other(
    shop: Shop, sender: Sender, mailbox: Mailbox, address: str, command: str, reply: str, status: str
) -> None:
    lamp = shop.stocks("LAMP")
    shop.buy((lamp, 1), who="bob")
    shop.database.write(TO_BOB, {"address": address})
    shop.buy((lamp, 1), who="ada")
    mailbox.refused, mailbox.refused_at = ({address: reply} if reply else {}), command

    sender.send_queued()

    assert [mail["To"] for mail in mailbox.messages] == ["ada@customers.example"]
    assert shop.rows("SELECT customer_id, status FROM notifications ORDER BY customer_id") == [
        ("ada", "sent"),
        ("bob", status),
    ]


@pytest.mark.parametrize(("reply", "status"), [("450 not now", "queued"), ("553 not this sender", "undeliverable")])
def test_what_is_refused_at_mail_from_is_tried_again_only_for_a_passing_reason(
    shop: Shop, sender: Sender, mailbox: Mailbox, reply: str, status: str
) -> None:
    shop.buy((shop.stocks("LAMP"), 1))
    mailbox.refused_sender = reply

    sender.send_queued()

    assert mailbox.messages == []
    assert shop.rows("SELECT status FROM notifications") == [(status,)]


def bob_beyond_ascii_buys_before_ada(shop: Shop) -> None:
    """Two mails are queued, the first of them to an address beyond ASCII."""
    lamp = shop.stocks("LAMP")
    shop.buy((lamp, 1), who="bob")
    shop.database.write(TO_BOB, {"address": "böb@ü.example"})
    shop.buy((lamp, 1), who="ada")


def test_an_address_beyond_ascii_is_written_to_where_the_server_offers_it(
    shop: Shop, sender: Sender, mailbox: Mailbox
) -> None:
    bob_beyond_ascii_buys_before_ada(shop)

    sender.send_queued()

    assert sorted(mailbox.recipients) == ["ada@customers.example", "böb@ü.example"]
    assert shop.rows("SELECT DISTINCT status FROM notifications") == [("sent",)]


@pytest.mark.parametrize("offers_utf8", [False])
def test_an_address_beyond_ascii_that_the_server_cannot_take_comes_to_an_end(
    shop: Shop, sender: Sender, mailbox: Mailbox
) -> None:
    bob_beyond_ascii_buys_before_ada(shop)

    sender.send_queued()

    assert mailbox.recipients == ["ada@customers.example"]
    (item,) = shop.ask("GET", "/notifications", who="bob").json["items"]
    assert (item["status"], item["sent_at"]) == ("undeliverable", None)
    assert shop.rows("SELECT * FROM v_unfinished") == []
    due(shop)
    assert not sender.send_queued()
    assert mailbox.recipients == ["ada@customers.example"]


def test_a_mail_whose_sender_died_is_sent_again_under_the_same_id(
    shop: Shop, sender: Sender, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.buy((shop.stocks("LAMP"), 1))
    write = shop.database.write

    def dies_before_marking(statement: Any, parameters: Any = None) -> Any:
        if "sent_at" in str(statement):
            raise KeyboardInterrupt
        return write(statement, parameters)

    monkeypatch.setattr(shop.database, "write", dies_before_marking)
    with pytest.raises(KeyboardInterrupt):
        sender.send_queued()
    monkeypatch.undo()
    leased = sender.send_queued()
    due(shop)
    sender.send_queued()

    assert not leased
    assert len(mailbox.messages) == 2
    assert len({mail["Message-ID"] for mail in mailbox.messages}) == 1
