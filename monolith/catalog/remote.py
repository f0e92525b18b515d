"""The catalog as a service of its own: reserving is a call, idempotent by order id; the rest follows by events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import ValidationError

from monolith.moving.calls import Peer, Unanswered, Unreached
from shared.contract.bodies import LineInput, MoneyBody
from shared.contract.inner import Reservation, ReservationInput
from shared.domain.errors import (
    FieldError,
    InvalidRequest,
    OutOfStock,
    PriceChanged,
    ReservationRefused,
    ShopError,
    Unavailable,
)

log = logging.getLogger(__name__)


class RemoteCatalog:
    """The catalog's inner routes."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def reserve(self, order_id: str, lines: Sequence[LineInput], expected_total: MoneyBody | None) -> Reservation:
        """Price and reserve an order. Asked again, it answers the same.

        Raises InvalidRequest (unknown sku), OutOfStock, PriceChanged, ReservationRefused, or Unavailable if the
        catalog is away or its answer did not come: then it may have reserved.
        """
        wanted = ReservationInput(order_id=order_id, lines=list(lines), expected_total=expected_total)
        try:
            answer = self._peer.post("/internal/reservations", wanted.model_dump_json().encode())
        except (Unreached, Unanswered) as error:
            raise Unavailable("The catalog is away.") from error
        if answer.status_code != 200:
            raise _refusal(answer)
        return Reservation.model_validate_json(answer.content)


def _refusal(answer: httpx.Response) -> ShopError:
    """Return the shop's error that a problem of the catalog tells; what is none of the known ones is an absence."""
    try:
        problem: dict[str, Any] = answer.json()
        code, detail = problem["code"], problem["detail"]
        if code == "out_of_stock":
            error: ShopError = OutOfStock("a product")
            error.detail = detail
            return error
        if code == "price_changed":
            return PriceChanged(MoneyBody(**problem["total"]).to_money())
        if code == "invalid_request":
            return InvalidRequest(detail, [FieldError(**item) for item in problem.get("errors", [])])
        if code == "reservation_refused":
            return ReservationRefused(detail)
    except (ValueError, KeyError, TypeError, ValidationError):
        code = "unreadable"
    log.warning("the catalog answered %d (%s)", answer.status_code, code)
    return Unavailable("The catalog is away.")
