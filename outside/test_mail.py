"""The mail server keeps what it accepts, tells what it has, and can be slow or unwilling."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from outside.conftest import OutsidePart, free_port


@pytest.fixture(scope="module")
def mail(start_part: Callable[..., OutsidePart]) -> OutsidePart:
    """Return a running mail server."""
    return start_part("mail", SMTP_PORT=str(free_port()))


@pytest.fixture(autouse=True)
def _as_new(mail: OutsidePart) -> None:
    mail.http.put("/behaviour", json={}).raise_for_status()
    mail.http.delete("/messages").raise_for_status()


def a_message(number: int = 1, *, domain: str = "north.example", to: str = "ada@customers.example") -> EmailMessage:
    """Return a mail as a shop would send it."""
    message = EmailMessage()
    message["From"] = f"Shop <shop@{domain}>"
    message["To"] = to
    message["Subject"] = f"Your order {number} → danke schön"
    message["Message-ID"] = f"<order-{number}.confirmed@{domain}>"
    message.set_content("It is on its way.\nGrüße")
    return message


def send(mail: OutsidePart, *messages: EmailMessage) -> None:
    """Send over one SMTP session."""
    with smtplib.SMTP("127.0.0.1", int(mail.environment["SMTP_PORT"]), timeout=10) as smtp:
        for message in messages:
            smtp.send_message(message)


def stored_mails(mail: OutsidePart, **filters: Any) -> list[dict[str, str]]:
    """Return the messages that the server tells of."""
    messages: list[dict[str, str]] = mail.http.get("/messages", params=filters).raise_for_status().json()["messages"]
    return messages


def test_a_mail_arrives_as_it_was_sent(mail: OutsidePart) -> None:
    send(mail, a_message(7))

    message = stored_mails(mail)[0]

    assert message["message_id"] == "<order-7.confirmed@north.example>"
    assert (message["from"], message["to"]) == ("shop@north.example", "ada@customers.example")
    assert message["subject"] == "Your order 7 → danke schön"
    assert message["body"].split() == ["It", "is", "on", "its", "way.", "Grüße"]
    assert message["received_at"].endswith("+00:00")


def test_a_form_that_a_browser_sends_to_the_smtp_port_is_no_mail(mail: OutsidePart) -> None:
    commands = "EHLO evil\r\nMAIL FROM:<eve@evil.example>\r\nRCPT TO:<ada@customers.example>\r\nDATA\r\nHi\r\n.\r\n"
    request = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n{commands}QUIT\r\n"

    with socket.create_connection(("127.0.0.1", int(mail.environment["SMTP_PORT"])), timeout=10) as connection:
        connection.sendall(request.encode())
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(1000):
                pass

    assert stored_mails(mail) == []


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"to": "Eve@customers.example"}, {2}),
        ({"message_id": "<order-1.confirmed@north.example>"}, {1}),
        ({"message_id": "order-1.confirmed@north.example"}, {1}),
        ({"domain": "south.example"}, {3}),
        ({"domain": "north.example", "to": "ada@customers.example"}, {1}),
        ({"to": "customers.example"}, set()),
        ({"limit": 1}, {3}),
    ],
)
def test_mails_are_found_by_what_they_carry(mail: OutsidePart, filters: dict[str, Any], numbers: set[int]) -> None:
    send(mail, a_message(1), a_message(2, to="eve@customers.example"), a_message(3, domain="south.example"))

    message_ids = [message["message_id"] for message in stored_mails(mail, **filters)]

    assert {int(each.split(".")[0].removeprefix("<order-")) for each in message_ids} == numbers


def test_older_mails_are_read_page_by_page(mail: OutsidePart) -> None:
    send(mail, *(a_message(number) for number in range(1, 6)))

    first = stored_mails(mail, limit=2)
    second = stored_mails(mail, limit=2, before=first[-1]["number"])
    last = stored_mails(mail, limit=2, before=second[-1]["number"])

    ids = [message["message_id"] for message in first + second + last]
    assert ids == [f"<order-{number}.confirmed@north.example>" for number in (5, 4, 3, 2, 1)]


def test_a_mail_sent_twice_counts_twice_with_one_id(mail: OutsidePart) -> None:
    send(mail, a_message(1), a_message(1), a_message(2), a_message(3, domain="south.example"))

    north = mail.http.get("/count", params={"domain": "north.example"}).json()

    assert north == {"count": 3, "distinct": 2}
    assert mail.http.get("/count").json() == {"count": 4, "distinct": 3}


def test_one_domain_is_deleted_without_the_other(mail: OutsidePart) -> None:
    send(mail, a_message(1), a_message(2, domain="south.example"))

    deleted = mail.http.delete("/messages", params={"domain": "north.example"}).json()

    assert deleted == {"deleted": 1}
    assert [message["from"] for message in stored_mails(mail)] == ["shop@south.example"]


def test_an_unwilling_server_asks_to_try_later_and_keeps_nothing(mail: OutsidePart) -> None:
    mail.http.put("/behaviour", json={"reject_share": 1.0}).raise_for_status()

    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(mail, a_message())

    assert refused.value.smtp_code == 451
    assert stored_mails(mail) == []


def test_a_slow_server_keeps_senders_waiting(mail: OutsidePart) -> None:
    mail.http.put("/behaviour", json={"delay_ms": 400}).raise_for_status()
    started = time.monotonic()

    send(mail, a_message())

    assert time.monotonic() - started >= 0.4
    assert mail.http.get("/behaviour").json() == {"delay_ms": 400, "reject_share": 0.0}


def test_accepted_mail_outlives_a_kill(start_part: Callable[..., OutsidePart]) -> None:
    mail = start_part("mail", SMTP_PORT=str(free_port()))
    send(mail, *(a_message(number) for number in range(50)))

    mail.kill()
    mail.start()

    assert mail.http.get("/count").json() == {"count": 50, "distinct": 50}


@pytest.mark.parametrize("raw", ["", "no header at all", "Subject: =?utf-8?b?broken\r\nFrom: <\r\n\r\n\x01"])
def test_a_mail_that_makes_no_sense_is_kept_all_the_same(mail: OutsidePart, raw: str) -> None:
    with smtplib.SMTP("127.0.0.1", int(mail.environment["SMTP_PORT"]), timeout=10) as smtp:
        smtp.sendmail("shop@north.example", ["ada@customers.example"], raw)

    assert [message["to"] for message in stored_mails(mail)] == ["ada@customers.example"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/messages?limit=0", b"", 422),
        ("GET", "/messages?limit=many", b"", 422),
        ("GET", "/messages?limit=0000000100000", b"", 422),
        ("GET", "/messages?limit=1&limit=2", b"", 422),
        ("GET", "/messages?before=0", b"", 422),
        ("PUT", "/behaviour", b'{"reject_share":2}', 422),
        ("PUT", "/behaviour", b'{"delay":1}', 422),
        ("PUT", "/behaviour", b"{", 400),
        ("POST", "/messages", b"", 405),
    ],
)
def test_bad_requests_get_a_clear_refusal(mail: OutsidePart, method: str, path: str, body: bytes, status: int) -> None:
    answer = mail.http.request(method, path, content=body)

    assert answer.status_code == status
    assert answer.json()["detail"]
