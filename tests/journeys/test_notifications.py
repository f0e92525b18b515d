"""The customer is told, by mail and in the list of messages, once for each thing that happened."""

from __future__ import annotations

import psycopg
import pytest

from tests.arms import Arm
from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop
from tests.journeys.waiting import until


@pytest.mark.core
def test_the_mail_about_a_confirmed_order_arrives_with_its_stable_message_id(
    shop: Shop, admin: Admin, customer: Customer
) -> None:
    order = customer.buy((admin.stocks(price=19_950), 1))

    mails = until("the mail arrives", lambda: shop.mailbox.mails(order["id"], "order_confirmed"))

    assert len(mails) == 1
    (mail,) = mails
    assert mail["message_id"] == f"<{order['id']}.order_confirmed@{shop.name}.twinshop.example>"
    assert mail["subject"] == "Your order is confirmed"
    assert f"{customer.subject}@customers.example" in str(mail["to"])
    assert f"shop@{shop.name}.twinshop.example" in mail["from"]
    assert order["id"] in mail["body"]
    assert "199.50 EUR" in mail["body"]


@pytest.mark.core
def test_the_list_of_messages_says_what_was_sent_about_which_order(admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))

    note = customer.is_told(order["id"], "order_confirmed")

    assert set(note) == {"id", "order_id", "kind", "subject", "status", "created_at", "sent_at"}
    assert note["subject"] == "Your order is confirmed"
    assert note["sent_at"] >= note["created_at"]
    assert len(customer.notifications(order["id"])) == 1


def test_a_cancellation_is_told_as_well(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))
    expect(customer.cancel(order["id"]), 200)

    customer.is_told(order["id"], "order_cancelled")

    until("the mail arrives", lambda: shop.mailbox.mails(order["id"], "order_cancelled"))
    kinds = sorted(note["kind"] for note in customer.notifications(order["id"]))
    assert kinds == ["order_cancelled", "order_confirmed"]


def test_what_the_answer_said_already_is_not_mailed(shop: Shop, admin: Admin, customer: Customer) -> None:
    expect_problem(customer.place_order((admin.stocks(stock=1), 2)), 409, "out_of_stock")
    expect_problem(customer.place_order((admin.stocks(), 1), payment_method="pm_declined"), 402, "payment_declined")
    # The messages of one customer leave in the order of their events: this one is the last.
    confirmed = customer.buy((admin.stocks(), 1))
    customer.is_told(confirmed["id"], "order_confirmed")

    rejected = [order["id"] for order in customer.orders() if order["status"] == "rejected"]

    assert len(rejected) == 2
    for order_id in rejected:
        assert customer.notifications(order_id) == []
        assert shop.mailbox.mails(order_id, "order_rejected") == []


def test_a_long_list_of_messages_comes_in_pages_newest_first(admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks()
    for _ in range(3):
        customer.is_told(customer.buy((armchair, 1))["id"], "order_confirmed")

    whole = expect(customer.get("/notifications", limit=3), 200)["items"]
    first = expect(customer.get("/notifications", limit=2), 200)
    second = expect(customer.get("/notifications", limit=2, cursor=first["next_cursor"]), 200)

    assert first["items"] + second["items"] == whole
    assert second["next_cursor"] is None
    created = [note["created_at"] for note in whole]
    assert created == sorted(created, reverse=True)


def test_the_mail_goes_to_the_address_of_the_token_that_ordered(shop: Shop, admin: Admin) -> None:
    somebody = shop.customer("moving-mo")
    token = shop.identity.token(somebody.subject, email="mo@elsewhere.example")
    moved = Customer(shop, somebody.subject, token)

    order = moved.buy((admin.stocks(), 1))

    (mail,) = until("the mail arrives", lambda: shop.mailbox.mails(order["id"], "order_confirmed"))
    assert "mo@elsewhere.example" in str(mail["to"])


def test_a_mail_reaches_an_address_beyond_ascii(shop: Shop, admin: Admin) -> None:
    somebody = shop.customer("juergen")
    token = shop.identity.token(somebody.subject, email="jürgen@bücher.example")
    juergen = Customer(shop, somebody.subject, token)

    order = juergen.buy((admin.stocks(), 1))

    juergen.is_told(order["id"], "order_confirmed")
    (mail,) = until("the mail arrives", lambda: shop.mailbox.mails(order["id"], "order_confirmed"))
    assert str(mail["to"]).startswith("jürgen@")


def test_the_log_of_a_database_names_no_customer(arm: Arm, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))
    note = customer.is_told(order["id"], "order_confirmed")
    complaint, database = 'null value in column "order_id"', arm.database_of("notifications")

    with (
        psycopg.connect(arm.database_url("notifications"), autocommit=True) as connection,
        pytest.raises(psycopg.errors.NotNullViolation) as refusal,
    ):
        connection.execute("UPDATE notifications SET order_id = NULL WHERE id = %s", [note["id"]])

    assert customer.subject in str(refusal.value)  # whoever asks is told the row
    until("it is logged", lambda: complaint in arm.runner.logs(database, 1000))
    assert customer.subject not in arm.runner.logs(database, 1000)
