"""What routes are made of: who asks, the body that came, the answer that goes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shared.contract.bodies import MAX_BODY_BYTES
from shared.contract.parsing import KEY_HEADER, parse, parse_keyed
from shared.contract.problems import Problem
from shared.contract.queries import whole_number
from shared.domain.errors import Forbidden
from shared.platform.fingerprint import fingerprint
from shared.platform.tokens import Principal, ServiceVerifier, TokenVerifier

JSON = "application/json"
REPLAYED_HEADER = "Idempotent-Replayed"

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True)
class Answer:
    """An answer as bytes, so that it can be stored and given again byte for byte."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, body: BaseModel, headers: dict[str, str] | None = None) -> Answer:
        """Return the answer with this model as its JSON body. Nothing is validated again."""
        return cls(status, body.model_dump_json().encode(), JSON, headers or {})

    @classmethod
    def of_problem(cls, problem: Problem) -> Answer:
        """Return the answer that tells this problem."""
        headers = dict(problem.headers)
        media_type = headers.pop("Content-Type")
        return cls(problem.status, json.dumps(problem.body).encode(), media_type, headers)

    def replayed(self) -> Answer:
        """Return the same answer, marked as given before."""
        return Answer(self.status, self.body, self.media_type, {**self.headers, REPLAYED_HEADER: "true"})

    def response(self) -> Response:
        """Return it in the framework's form."""
        return Response(self.body, self.status, self.headers, self.media_type)


@dataclass(frozen=True)
class Keyed(Generic[B]):
    """A body that came with an Idempotency-Key; the fingerprint tells a retry from another request."""

    body: B
    key: str
    fingerprint: str


def header(request: Request, name: str) -> str | None:
    """Return the value of a header, None if it did not come.

    Lines that repeat it are joined with commas, as WSGI does: neither the first nor the last of them is believed.
    """
    return ",".join(request.headers.getlist(name)) if name in request.headers else None


async def customer(request: Request) -> Principal:
    """Return who asks. Raises Unauthenticated."""
    verifier: TokenVerifier = request.app.state.token_verifier
    authorization = header(request, "Authorization")
    # A token seen before costs a look-up. A new one costs a signature, and perhaps a fetch of keys: off the loop.
    known = verifier.cached(authorization)
    if known is not None:
        return known
    return await asyncio.to_thread(verifier.verify, authorization)


async def buyer(request: Request) -> Principal:
    """Return who asks if it carries the role customer. Raises Unauthenticated or Forbidden."""
    return _with_role("customer", await customer(request))


async def admin(request: Request) -> Principal:
    """Return who asks if it is an admin. Raises Unauthenticated or Forbidden."""
    return _with_role("admin", await customer(request))


def _with_role(role: str, principal: Principal) -> Principal:
    if role not in principal.roles:
        raise Forbidden(f"This needs the role {role}.")
    return principal


async def caller(request: Request) -> str:
    """Return the name of the service that calls an inner route. Raises Unauthenticated."""
    verifier: ServiceVerifier = request.app.state.service_verifier
    return verifier.verify(header(request, "Authorization"))


Customer = Annotated[Principal, Depends(customer)]
Buyer = Annotated[Principal, Depends(buyer)]
Admin = Annotated[Principal, Depends(admin)]
Caller = Annotated[str, Depends(caller)]


def service_of(request: Request) -> Any:
    """Return the service object that `ServiceRuntime.app` was given."""
    return request.app.state.service


async def read_raw(request: Request) -> bytes:
    """Return the raw body. Raises 413 if it is over 64 KiB, without reading the rest."""
    length = request.headers.get("content-length")
    if length is not None and whole_number(length.lstrip("0") or "0", 0, MAX_BODY_BYTES) is None:
        raise HTTPException(413)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise HTTPException(413)
        chunks.append(chunk)
    return b"".join(chunks)


async def read_body(request: Request, model: type[B]) -> B:
    """Return the checked JSON body. Raises 415, 413, MalformedBody or InvalidRequest, in this order."""
    raw = await _read_json(request)
    return parse(raw, model)[0]


async def read_keyed(request: Request, model: type[B], route: str) -> Keyed[B]:
    """Return the checked JSON body and its Idempotency-Key; `route` is part of the fingerprint.

    Raises 415, 413, IdempotencyKeyMissing, MalformedBody or InvalidRequest, in this order.
    """
    raw = await _read_json(request)
    body, value, key = parse_keyed(raw, model, header(request, KEY_HEADER))
    return Keyed(body, key, fingerprint(route, value))


async def _read_json(request: Request) -> bytes:
    media_type = (header(request, "Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise HTTPException(415)
    return await read_raw(request)
