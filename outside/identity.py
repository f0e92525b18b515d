"""The identity provider: issues test tokens to whoever asks, and publishes the key that checks them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Annotated, Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import Field
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from outside.http import ERROR_HANDLERS, RequestBody, live, read_body
from outside.serving import CannotStart, OutsideSettings, run
from shared.platform.own_pages import OwnPagesOnly, origins_of
from shared.platform.settings import load_or_exit
from shared.platform.tokens import ALGORITHM
from shared.seed import DEMO_CUSTOMERS

DEFAULT_TTL_S = 12 * 3600  # longer than any load test
DEFAULT_ROLES = ("customer",)
MAX_TTL_S = 30 * 24 * 3600
MAX_BATCH = 100_000
LOOK_EVERY_S = 0.1

Subject = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
Role = Annotated[str, Field(pattern=r"^[a-z][a-z_-]{0,31}$")]
Roles = Annotated[tuple[Role, ...], Field(max_length=10, strict=False)]
# A negative life gives a token that has expired already: tests need those.
Ttl = Annotated[int, Field(ge=-MAX_TTL_S, le=MAX_TTL_S)]


class IdentitySettings(OutsideSettings):
    """`token_issuer` goes into `iss`; `token_audience` is the audience unless a request names another.

    `shop_addresses`, with commas between them, are those whose pages may ask for tokens.
    """

    token_issuer: str = "http://127.0.0.1:18402"  # noqa: S105 (a name, no secret)
    token_audience: str = "twinshop"  # noqa: S105
    shop_addresses: str = ""


class TokenRequest(RequestBody):
    """POST /tokens."""

    subject: Subject
    roles: Roles = DEFAULT_ROLES
    email: Annotated[str, Field(max_length=254)] | None = None
    ttl_s: Ttl = DEFAULT_TTL_S
    audience: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class BatchRequest(RequestBody):
    """POST /tokens/batch: subjects are `<prefix>-1` to `<prefix>-<count>`."""

    count: Annotated[int, Field(ge=1, le=MAX_BATCH)]
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    roles: Roles = DEFAULT_ROLES
    ttl_s: Ttl = DEFAULT_TTL_S


class Issuer:
    """Signs tokens with the one key of this provider."""

    def __init__(self, settings: IdentitySettings) -> None:
        """Raises CannotStart if the key file cannot be read."""
        self._settings = settings
        self._key = load_key(settings.data_dir / "signing-key.json")
        self._header = {"alg": ALGORITHM, "kid": self._key.thumbprint()}
        public = self._key.as_dict(private=False)
        self.jwks: dict[str, Any] = {"keys": [{**public, "kid": self._header["kid"], "use": "sig"}]}

    def issue(self, request: TokenRequest) -> str:
        """Return a signed token for the subject of `request`."""
        now = int(time.time())
        claims = {
            "iss": self._settings.token_issuer,
            "aud": request.audience or self._settings.token_audience,
            "sub": request.subject,
            "iat": now,
            "exp": now + request.ttl_s,
            "email": request.email or f"{request.subject}@customers.example",
            "roles": request.roles,
        }
        return jwt.encode(self._header, claims, self._key, algorithms=[ALGORITHM])

    def issue_batch(self, batch: BatchRequest) -> list[dict[str, str]]:
        """Return subject and token of each customer; about 40 us a token."""
        subjects = (f"{batch.prefix}-{number}" for number in range(1, batch.count + 1))
        return [
            {
                "subject": subject,
                "access_token": self.issue(TokenRequest(subject=subject, roles=batch.roles, ttl_s=batch.ttl_s)),
            }
            for subject in subjects
        ]


def load_key(path: Path) -> OKPKey:
    """Return the key kept in `path`, made on first use, readable by its owner only. Raises CannotStart."""
    if not path.exists():
        key = OKPKey.generate_key("Ed25519")
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(key.as_dict(private=True), file)
        draft.replace(path)  # atomic: a crash in between leaves no half key behind
    try:
        return OKPKey.import_key(json.loads(path.read_text(encoding="ascii")))
    except (OSError, ValueError, TypeError, KeyError, JoseError) as error:
        raise CannotStart(f"{path} holds no usable key ({error}); delete it to get a new one") from error


async def issue_token(request: Request) -> Response:
    """POST /tokens."""
    body = await read_body(request, TokenRequest)
    token = request.app.state.issuer.issue(body)
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": body.ttl_s}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def issue_batch(request: Request) -> Response:
    """POST /tokens/batch. In a thread: thousands of signatures take a second."""
    body = await read_body(request, BatchRequest)
    tokens = await asyncio.to_thread(request.app.state.issuer.issue_batch, body)
    return JSONResponse({"tokens": tokens}, headers={"Cache-Control": "no-store"})


class Behaviour(RequestBody):
    """PUT /behaviour. `keys_hang`: the request for the keys gets no answer, as of a provider that is away."""

    keys_hang: bool = False


async def put_behaviour(request: Request) -> Response:
    """PUT /behaviour, for faults. Tokens are issued all the same: those who ask for them are no part of a shop."""
    request.app.state.behaviour = await read_body(request, Behaviour)
    return JSONResponse(request.app.state.behaviour.model_dump())


async def jwks(request: Request) -> Response:
    """GET /jwks.json."""
    while request.app.state.behaviour.keys_hang and not await request.is_disconnected():  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
    return JSONResponse(request.app.state.issuer.jwks)


async def demo_customers(_request: Request) -> Response:
    """GET /demo-customers: whom the storefront offers for signing in."""
    customers = [{"subject": who.subject, "name": who.name, "email": who.email} for who in DEMO_CUSTOMERS]
    return JSONResponse({"customers": customers})


def create_app(settings: IdentitySettings) -> Starlette:
    """Return the application. Raises CannotStart if the key file is damaged."""
    origins = origins_of([address for address in settings.shop_addresses.split(",") if address])
    app = Starlette(
        routes=[
            Route("/tokens", issue_token, methods=["POST"]),
            Route("/tokens/batch", issue_batch, methods=["POST"]),
            Route("/jwks.json", jwks),
            Route("/behaviour", put_behaviour, methods=["PUT"]),
            Route("/demo-customers", demo_customers),
            Route("/healthz", live),
            Route("/readyz", live),
        ],
        middleware=[
            Middleware(OwnPagesOnly, origins=origins),
            # The storefront's pages come from another port, and ask here for a token.
            Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["*"]),
        ],
        exception_handlers=ERROR_HANDLERS,
    )
    app.state.issuer = Issuer(settings)
    app.state.behaviour = Behaviour()
    return app


def main() -> None:
    """Serve until stopped."""
    settings = load_or_exit(IdentitySettings)
    run("identity", settings, lambda _stopping: create_app(settings))


if __name__ == "__main__":
    main()
