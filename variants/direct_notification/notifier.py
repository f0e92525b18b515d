"""Tells catalog and notifications of an order by a call. A failed call fails no order: the sale stands."""

from __future__ import annotations

import asyncio
import logging

from microservices.kit.peers import Peer
from shared.contract.events import OrderEvent
from shared.domain.errors import ShopError, Unanswered
from variants.direct_notification.outbox import HoldingOutbox

log = logging.getLogger(__name__)

PATH = "/internal/order-events"
# Not `order.rejected`: it undoes what may have been reserved, often because the catalog does not answer just now.
TO_CATALOG = ("order.confirmed", "order.cancelled")
TO_NOTIFICATIONS = (*TO_CATALOG, "order.payment_pending")


class DirectNotifier:
    """Calls whom an event is for. `hold_s`: how long the event waits, longer than any call may take."""

    def __init__(self, outbox: HoldingOutbox, catalog: Peer, notifications: Peer, hold_s: float) -> None:
        self._outbox = outbox
        self._catalog = catalog
        self._notifications = notifications
        self.hold_s = hold_s

    def handles(self, event: OrderEvent) -> bool:
        """Return whether this kind of event is for a call."""
        return event.type in TO_NOTIFICATIONS

    async def notify(self, event: OrderEvent, row_id: int) -> None:
        """Call everybody whom it is for, at once; `row_id` is the event in the outbox. Never raises."""
        peers = [self._notifications] + ([self._catalog] if event.type in TO_CATALOG else [])
        body = event.model_dump_json().encode()
        answers = await asyncio.gather(*(self._call(peer, body) for peer in peers))
        try:
            await (self._outbox.take_out(row_id) if all(answers) else self._outbox.let_go(row_id))
        except ShopError as error:  # it leaves when its time comes, and changes nothing
            log.warning("%s of order %s leaves twice: %s", event.type, event.order_id, error.detail)

    async def _call(self, peer: Peer, body: bytes) -> bool:
        try:
            answer = await peer.post(PATH, body)
        except Unanswered as error:
            log.warning("%s: an event tells it", error)
            return False
        if answer.status_code == 200:
            return True
        log.warning("%s answered %d: an event tells it", peer.name, answer.status_code)
        return False
