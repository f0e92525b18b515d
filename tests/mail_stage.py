"""A mail server that keeps what it took, for the tests beside the code."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Keeps what it took. `refused` are addresses that it refuses, and how, at the command `refused_at`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[Any] = []
        self.recipients: list[str] = []
        self.refused: dict[str, str] = {}
        self.refused_at = "RCPT"
        self.refused_sender = ""

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, *___: Any) -> str:
        if self.refused_sender:
            return self.refused_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, *___: Any) -> str:
        if address in self.refused and self.refused_at == "RCPT":
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        if envelope.rcpt_tos[0] in self.refused:
            return self.refused[envelope.rcpt_tos[0]]
        self.messages.append(message_from_bytes(envelope.content or b""))
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@contextmanager
def open_mailbox(*, offers_utf8: bool = True) -> Iterator[Mailbox]:
    """Run one on a free port; `offers_utf8`: it takes addresses beyond ASCII."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mailbox = Mailbox(port)
    server = Controller(mailbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=offers_utf8)
    server.start()
    yield mailbox
    server.stop()
