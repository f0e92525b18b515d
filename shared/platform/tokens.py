"""Bearer tokens: customers' and admins', by the identity provider's keys; and those between services."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.domain.errors import Forbidden, Unauthenticated
from shared.platform import clock
from shared.platform.signing_keys import SigningKeys
from shared.platform.token_form import ALGORITHM, read_token

__all__ = ["ALGORITHM", "Principal", "ServiceSigner", "ServiceVerifier", "TokenVerifier"]

LEEWAY_S = 5
CACHE_SIZE = 4096
SERVICE_TOKEN_TTL_S = 60


@dataclass(frozen=True)
class Principal:
    """Who is asking: `subject` is the customer's id."""

    subject: str
    email: str
    roles: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Whether the token carries the role `admin`."""
        return "admin" in self.roles


class _Cache:
    """Claims of tokens that were checked, by token, until they expire. Bounded; the oldest leaves first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()

    def get(self, token: str) -> dict[str, Any] | None:
        entry = self._entries.get(token)
        if entry is None or entry[0] < clock.now_s():
            return None
        return entry[1]

    def put(self, token: str, expires_at: float, claims: dict[str, Any]) -> None:
        with self._lock:
            self._entries[token] = (expires_at, claims)
            while len(self._entries) > CACHE_SIZE:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


class TokenVerifier:
    """Checks signature, issuer, audience and expiry of customers' tokens. Safe to share between threads.

    A token that was checked is remembered until it expires or the keys change: a signature costs more than a look-up.
    """

    def __init__(self, jwks_url: str, issuer: str, audience: str) -> None:
        self._keys = SigningKeys(jwks_url)
        self._rules = jwt.JWTClaimsRegistry(
            now=_now_s,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._cache = _Cache()
        self._cached_by = self._keys.version

    def cached(self, authorization: str | None) -> Principal | None:
        """Return who this header speaks for if it was checked before; else None: call `verify`, off the loop."""
        token = _bearer(authorization)
        claims = None if self._keys.is_stale() else self._known(token)
        return _principal(claims) if claims is not None else None

    def verify(self, authorization: str | None) -> Principal:
        """Return who the header `Authorization: Bearer ...` speaks for. May wait for keys, half a second at most.

        Raises Unauthenticated, or Unavailable if the identity provider's keys cannot be had.
        """
        token = _bearer(authorization)
        self._keys.current()
        claims = self._known(token)
        if claims is None:
            version, claims = self._cached_by, self._check(token)
            if version == self._keys.version:  # else it may have been checked by a key that was withdrawn since
                self._cache.put(token, float(claims["exp"]), claims)
        return _principal(claims)

    def _known(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that was checked by the keys of now; a withdrawn key counts no longer."""
        if self._cached_by != self._keys.version:
            self._cache.clear()
            self._cached_by = self._keys.version
        return self._cache.get(token)

    def _check(self, token: str) -> dict[str, Any]:
        parsed = read_token(token)
        try:
            jwt.decode(token, self._keys.with_key(parsed.key_id), algorithms=[ALGORITHM])
            self._rules.validate(parsed.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthenticated("The token is not valid.") from error
        return parsed.claims


class ServiceSigner:
    """Signs short-lived tokens with which one service speaks to another; a token serves half its life."""

    def __init__(self, name: str, private_jwk: dict[str, Any]) -> None:
        self._name = name
        self._key = OKPKey.import_key(private_jwk)
        self._tokens: dict[str, tuple[float, str]] = {}

    def authorization(self, audience: str) -> str:
        """Return the Authorization header for a call to the service `audience`."""
        now = clock.now_s()
        use_until, token = self._tokens.get(audience, (0.0, ""))
        if now >= use_until:
            claims = {
                "iss": self._name,
                "aud": audience,
                "iat": int(now),
                "exp": int(now) + SERVICE_TOKEN_TTL_S,
            }
            token = jwt.encode({"alg": ALGORITHM}, claims, self._key, algorithms=[ALGORITHM])
            self._tokens[audience] = (now + SERVICE_TOKEN_TTL_S / 2, token)
        return f"Bearer {token}"


class ServiceVerifier:
    """Checks that a call comes from a service whose public key we hold, and that it is meant for us."""

    def __init__(self, name: str, public_jwks: dict[str, dict[str, Any]]) -> None:
        self._name = name
        self._keys = {caller: OKPKey.import_key(jwk) for caller, jwk in public_jwks.items()}
        self._cache = _Cache()

    def verify(self, authorization: str | None, callers: Collection[str]) -> str:
        """Return the name of the calling service, one of `callers`. Raises Unauthenticated, Forbidden."""
        token = _bearer(authorization)
        claims = self._cache.get(token)
        if claims is None:
            claims = self._check(token)
            self._cache.put(token, float(claims["exp"]), claims)
        caller = str(claims["iss"])
        if caller not in callers:
            raise Forbidden(f"This is not for {caller}.")
        return caller

    def _check(self, token: str) -> dict[str, Any]:
        claims = read_token(token).claims
        caller = claims.get("iss", "")
        rules = jwt.JWTClaimsRegistry(
            now=_now_s,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": caller},
            aud={"essential": True, "value": self._name},
            exp={"essential": True},
        )
        try:
            jwt.decode(token, self._keys[caller], algorithms=[ALGORITHM])
            rules.validate(claims)
        except (JoseError, KeyError, ValueError, TypeError) as error:
            raise Unauthenticated("The service token is not valid.") from error
        return claims


def _now_s() -> int:
    return int(clock.now_s())


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send a bearer token in the Authorization header.")
    return token.strip()


def _principal(claims: dict[str, Any]) -> Principal:
    return Principal(claims["sub"], claims["email"], frozenset(claims["roles"]))
