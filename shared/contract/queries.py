"""Query parameters of the lists, and the cursors of keyset pages."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from shared.contract.bodies import DEFAULT_PAGE, MAX_PAGE
from shared.domain.errors import FieldError, InvalidRequest

MAX_QUERY_CHARACTERS = 200


@dataclass(frozen=True)
class ProductQuery:
    """GET /products. `after` is the last sku of the page before."""

    query: str | None
    category: str | None
    limit: int
    after: str | None


@dataclass(frozen=True)
class PageQuery:
    """GET /orders and GET /notifications. `after` is the last id of the page before."""

    limit: int
    after: str | None


def encode_cursor(last: str) -> str:
    """Return an opaque cursor that carries on after the row `last`."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """Return what `encode_cursor` was given. Raises InvalidRequest for anything else."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        text = ""
    if not text or "\x00" in text or encode_cursor(text) != cursor:
        raise _invalid("cursor", "is not a cursor of this list")
    return text


def parse_limit(limit: str | None) -> int:
    """Return the page size, 1 to 100, 20 if absent. Raises InvalidRequest."""
    if limit is None:
        return DEFAULT_PAGE
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= MAX_PAGE):
        raise _invalid("limit", f"must be a number from 1 to {MAX_PAGE}")
    return int(limit)


def parse_product_query(query: str | None, category: str | None, limit: str | None, cursor: str | None) -> ProductQuery:
    """Return the checked query of GET /products. Empty text means absent. Raises InvalidRequest."""
    for name, text in (("query", query), ("category", category)):
        if text is not None and (len(text) > MAX_QUERY_CHARACTERS or "\x00" in text):
            raise _invalid(name, f"must be at most {MAX_QUERY_CHARACTERS} characters, without NUL")
    return ProductQuery(query or None, category or None, parse_limit(limit), decode_cursor(cursor))


def parse_page_query(limit: str | None, cursor: str | None) -> PageQuery:
    """Return the checked query of a list of one's own. Raises InvalidRequest."""
    return PageQuery(parse_limit(limit), decode_cursor(cursor))


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"The parameter {field} {message}.", [FieldError(field, message)])
