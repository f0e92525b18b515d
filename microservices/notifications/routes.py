"""HTTP routes of the notifications: parse, call, answer."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from microservices.kit.web import Answer, Customer, service_of
from microservices.notifications.queue import Notifications
from shared.contract.queries import parse_page_query

router = APIRouter()


@router.get("/notifications")
async def list_notifications(request: Request, who: Customer) -> Response:
    """Return a page of what was mailed to the caller, newest first."""
    service: Notifications = service_of(request)
    page = parse_page_query(request.query_params.multi_items())
    return Answer.of(200, await service.list_notifications(who.subject, page)).response()
