"""HTTP of notifications: what was sent to me, about which order."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from monolith.notifications.queue import Notifications
from monolith.web import principal, send
from shared.contract.answers import Answer
from shared.contract.queries import parse_page_query

blueprint = Blueprint("notifications", __name__)


@blueprint.get("/notifications")
def list_notifications() -> Response:
    """One's own messages, newest first."""
    who = principal()
    page = parse_page_query(request.args.items(multi=True))
    notifications: Notifications = current_app.extensions["notifications"]
    return send(Answer.of(200, notifications.list_own(who.subject, page)))
