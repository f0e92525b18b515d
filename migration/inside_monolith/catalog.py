"""The catalog as a service of its own: reserving is a call, idempotent by order id; the rest follows by events."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from migration.inside_monolith.peers import Peer
from shared.contract.bodies import LineInput, MoneyBody
from shared.contract.inner import Reservation, ReservationInput
from shared.contract.refusals import refusal_of_catalog
from shared.domain.errors import Unanswered, Unavailable

log = logging.getLogger(__name__)


class CatalogClient:
    """The catalog's inner routes."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def reserve(self, order_id: str, lines: Sequence[LineInput], expected_total: MoneyBody | None) -> Reservation:
        """Price and reserve an order. Asked again, it answers the same.

        Raises InvalidRequest (unknown sku), OutOfStock, PriceChanged, ReservationRefused, or Unavailable if the
        catalog is away or its answer did not come: then it may have reserved.
        """
        body = ReservationInput(order_id=order_id, lines=list(lines), expected_total=expected_total)
        try:
            answer = self._peer.post("/internal/reservations", body.model_dump_json().encode())
        except Unanswered as error:
            raise Unavailable("The catalog is away.") from error
        if answer.status_code != 200:
            raise refusal_of_catalog(answer.status_code, answer.content)
        return Reservation.model_validate_json(answer.content)
