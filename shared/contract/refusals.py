"""What the catalog's refusal of a reservation means, for whoever asked over HTTP."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from shared.contract.bodies import MoneyBody
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


def refusal_of_catalog(status: int, body: bytes) -> ShopError:
    """Return the shop's error that a problem of the catalog tells; what is none of the known ones is an absence."""
    try:
        problem: dict[str, Any] = from_json(body)
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
    log.warning("the catalog answered %d (%s)", status, code)
    return Unavailable("The catalog is away.")
