"""Query parameters of the lists, and the cursors of keyset pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from shared.contract.bodies import DEFAULT_PAGE, MAX_PAGE, composed
from shared.domain.errors import FieldError, InvalidRequest
from shared.domain.ids import is_id

MAX_QUERY_CHARACTERS = 200
MAX_CURSOR_CHARACTERS = 128  # an encoded sku has 86 at most
_PAGE = ("limit", "cursor")
_PRODUCTS = ("query", "category", *_PAGE)


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
    text = ""
    try:
        if len(cursor) <= MAX_CURSOR_CHARACTERS:
            text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        pass
    if not text or "\x00" in text or encode_cursor(text) != cursor:
        raise _invalid("cursor", "is not a cursor of this list")
    return text


def whole_number(text: str, low: int, high: int) -> int | None:
    """Return the number from `low` >= 0 to `high` that is written here, or None.

    The form is JSON's, so that a number is written in one way only: ASCII digits, no sign, no leading zero.
    """
    if not (len(text) <= len(str(high)) and text.isascii() and text.isdigit()):
        return None
    number = int(text)
    return number if str(number) == text and low <= number <= high else None


def parse_limit(limit: str | None) -> int:
    """Return the page size, 1 to 100, 20 if absent. Raises InvalidRequest."""
    if limit is None:
        return DEFAULT_PAGE
    number = whole_number(limit, 1, MAX_PAGE)
    if number is None:
        raise _invalid("limit", f"must be a number from 1 to {MAX_PAGE}")
    return number


def parse_product_query(pairs: Iterable[tuple[str, str]]) -> ProductQuery:
    """Return the checked query of GET /products. Empty text means absent. Raises InvalidRequest."""
    parameters = _each_once(pairs, _PRODUCTS)
    query, category = composed(parameters.get("query")), composed(parameters.get("category"))
    for name, text in (("query", query), ("category", category)):
        if text is not None and (len(text) > MAX_QUERY_CHARACTERS or "\x00" in text):
            raise _invalid(name, f"must be at most {MAX_QUERY_CHARACTERS} characters, without NUL")
    return ProductQuery(
        query or None, category or None, parse_limit(parameters.get("limit")), decode_cursor(parameters.get("cursor"))
    )


def parse_page_query(pairs: Iterable[tuple[str, str]]) -> PageQuery:
    """Return the checked query of a list of one's own, which is in the order of ids. Raises InvalidRequest."""
    parameters = _each_once(pairs, _PAGE)
    limit, after = parse_limit(parameters.get("limit")), decode_cursor(parameters.get("cursor"))
    if after is not None and not is_id(after):
        raise _invalid("cursor", "is not a cursor of this list")
    return PageQuery(limit, after)


def _each_once(pairs: Iterable[tuple[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    """Return the parameters of these names; others are ignored. One that comes twice is refused: which was meant?"""
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in names:
            if name in parameters:
                raise _invalid(name, "stands in the query twice")
            parameters[name] = value
    return parameters


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"The parameter {field} {message}.", [FieldError(field, message)])
