"""The fixtures of the plain notifications service: a database and a mail server."""

from __future__ import annotations

from microservices.notifications.conftest import mailbox, offers_utf8, play

__all__ = ["mailbox", "offers_utf8", "play"]
