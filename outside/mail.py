"""The mail server: takes mail by SMTP, keeps it, and tells over HTTP what it has received."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import socket
from typing import Annotated

from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import Field
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from outside.http import ERROR_HANDLERS, RequestBody, live, read_body, whole_number
from outside.mailbox import NEWEST, Mailbox
from outside.serving import OutsideSettings, listen, run
from shared.platform.own_pages import OwnPagesOnly
from shared.platform.settings import load_or_exit

MAX_MESSAGE_BYTES = 1024 * 1024
MAX_LISTED = 10_000
IDLE_S = 60.0

# Replies of RFC 5321. 451 asks the sender to try again, which a shop is expected to do.
ACCEPTED = "250 2.0.0 Kept"
TRY_LATER = "451 4.3.0 Not now, try again later"


class MailSettings(OutsideSettings):
    """`port` serves HTTP, `smtp_port` takes mail."""

    smtp_port: int = Field(ge=1, le=65535)


class MailBehaviour(RequestBody):
    """How the server treats mail. PUT /behaviour replaces it whole; `{}` heals."""

    delay_ms: Annotated[int, Field(ge=0, le=600_000)] = 0
    reject_share: Annotated[float, Field(ge=0, le=1)] = 0.0


class SmtpSession(SMTP):
    """One conversation; it ends where a browser has been sent to this port: its body might hold our commands."""

    async def smtp_POST(self, _: str) -> None:
        """End it, before another line is read (aiosmtpd calls this by its name)."""
        raise asyncio.CancelledError


class SmtpHandler:
    """Decides about each mail, and hands it to the mailbox. One for all SMTP sessions."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._chance = random.Random()
        self.behaviour = MailBehaviour()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Answer 250 only once the mail is kept (aiosmtpd calls this by its name)."""
        behaviour = self.behaviour
        if behaviour.delay_ms:
            await asyncio.sleep(behaviour.delay_ms / 1000)
        if self._chance.random() < behaviour.reject_share:
            return TRY_LATER
        raw = envelope.original_content or b""
        await self._mailbox.keep(envelope.mail_from or "", list(envelope.rcpt_tos), raw, time.time())
        return ACCEPTED


async def list_messages(request: Request) -> Response:
    """GET /messages?to=&message_id=&domain=&limit=&before=: the newest first; `before` is a message's `number`."""
    query = request.query_params
    limit = whole_number(request, "limit", 100, 1, MAX_LISTED)
    before = whole_number(request, "before", NEWEST, 1, NEWEST)
    messages = request.app.state.mailbox.find(
        to=query.get("to"), message_id=query.get("message_id"), domain=query.get("domain"), limit=limit,
        before=before,
    )  # fmt: skip
    return JSONResponse({"messages": messages})


async def count_messages(request: Request) -> Response:
    """GET /count?domain=: how many were received, and how many different Message-IDs they carry."""
    count, distinct = request.app.state.mailbox.count(request.query_params.get("domain"))
    return JSONResponse({"count": count, "distinct": distinct})


async def delete_messages(request: Request) -> Response:
    """DELETE /messages?domain=."""
    deleted = await request.app.state.mailbox.delete_all(request.query_params.get("domain"))
    return JSONResponse({"deleted": deleted})


async def put_behaviour(request: Request) -> Response:
    """PUT /behaviour."""
    request.app.state.smtp_handler.behaviour = await read_body(request, MailBehaviour)
    return await get_behaviour(request)


async def get_behaviour(request: Request) -> Response:
    """GET /behaviour."""
    return JSONResponse(request.app.state.smtp_handler.behaviour.model_dump())


def create_app(settings: MailSettings, smtp_listener: socket) -> Starlette:
    """Return the application, which also takes mail from `smtp_listener` while it runs. Raises sqlite3.Error."""
    mailbox = Mailbox(settings.data_dir / "mail.sqlite3")
    smtp_handler = SmtpHandler(mailbox)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def session() -> SMTP:
            return SmtpSession(
                smtp_handler,
                hostname="mail.twinshop.example",
                ident="Twinshop mail",
                data_size_limit=MAX_MESSAGE_BYTES,
                enable_SMTPUTF8=True,
                timeout=IDLE_S,
                loop=loop,
            )

        server = await loop.create_server(session, sock=smtp_listener)
        yield
        server.close()
        mailbox.close()

    app = Starlette(
        routes=[
            Route("/messages", list_messages, methods=["GET"]),
            Route("/messages", delete_messages, methods=["DELETE"]),
            Route("/count", count_messages),
            Route("/behaviour", get_behaviour, methods=["GET"]),
            Route("/behaviour", put_behaviour, methods=["PUT"]),
            Route("/healthz", live),
            Route("/readyz", live),
        ],
        middleware=[Middleware(OwnPagesOnly)],
        exception_handlers=ERROR_HANDLERS,
        lifespan=lifespan,
    )
    app.state.mailbox, app.state.smtp_handler = mailbox, smtp_handler
    return app


def main() -> None:
    """Serve until stopped."""
    settings = load_or_exit(MailSettings)
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every command
    run("mail", settings, lambda _stopping: create_app(settings, listen(settings.host, settings.smtp_port)))


if __name__ == "__main__":
    main()
