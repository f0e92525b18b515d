"""How a body and its Idempotency-Key are read: the same strictness and the same words in both builds."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from shared.contract.problems import error_of_validation
from shared.domain.errors import FieldError, IdempotencyKeyMissing, InvalidRequest, MalformedBody

KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,128}")  # no comma: a header that comes twice is joined with one

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True)
class Keyed(Generic[B]):
    """A body that came with an Idempotency-Key; the fingerprint tells a retry from another request."""

    body: B
    key: str
    fingerprint: str


def fingerprint(route: str, value: Any) -> str:
    """Return a SHA-256 over the route and the parsed JSON body; spaces and the order of fields do not matter."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{route}\n{canonical}".encode()).hexdigest()


def parse(raw: bytes, model: type[B]) -> tuple[B, Any]:
    """Return the checked body, and the plain JSON value of which a fingerprint is made.

    Raises MalformedBody for what is not JSON; InvalidRequest for a field that is wrong or comes twice.
    """
    value = strict_json(raw)
    try:
        return model.model_validate(value), value
    except ValidationError as error:
        raise error_of_validation(error) from error


def strict_json(raw: bytes) -> Any:
    """Return the value of a JSON text. Raises MalformedBody if it is none, InvalidRequest if a field comes twice."""
    try:
        return json.loads(raw.decode(), object_pairs_hook=_each_field_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedBody("The body is not valid JSON.") from error


def parse_keyed(raw: bytes, model: type[B], key: str | None, route: str) -> Keyed[B]:
    """Return the body of a request that needs an Idempotency-Key; `key` is the header's value, None if it is not there.

    Checks in this order: the key is there, the body is JSON, its fields fit, the key's form.
    Raises IdempotencyKeyMissing, MalformedBody or InvalidRequest.
    """
    if key is None:
        raise IdempotencyKeyMissing("Send an Idempotency-Key header.")
    body, value = parse(raw, model)
    if not _KEY.fullmatch(key):
        wrong = FieldError(KEY_HEADER, "must be 1 to 128 printable ASCII characters without spaces or commas")
        raise InvalidRequest("The Idempotency-Key is not valid.", [wrong])
    return Keyed(body, key, fingerprint(route, value))


def _each_field_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A field that comes twice is refused: which of the two was meant?"""
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest("The request is not valid.", [FieldError(twice, "stands in the body twice")])
    return value


def _no_constant(name: str) -> None:
    """NaN and Infinity are Python's idea of JSON, and nobody else's."""
    raise ValueError(f"{name} is not JSON")
