"""What a token may look like. Checked before any key is looked up, so that no odd field gets further than here."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contract.parsing import strict_json
from shared.domain.errors import ShopError, Unauthenticated

ALGORITHM = "Ed25519"  # RFC 9864: fully specified, where "EdDSA" is not
MAX_CHARACTERS = 4096
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")

_Text = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,255}$")]
_Texts = Annotated[list[_Text], Field(max_length=32)]
_Seconds = Annotated[int | float, Field(ge=0, le=2**53)]  # since 1970: what every language reads alike


class _Header(BaseModel):
    """The header (RFC 7515). Extensions that change how a signature is checked (`crit`, `b64`) are not known here."""

    model_config = ConfigDict(strict=True)

    alg: Literal["Ed25519"]
    kid: _Text | None = None
    crit: None = None
    b64: None = None


class _Claims(BaseModel):
    """The claims that are read here (RFC 7519); others are ignored. Which must be there is for each verifier to say."""

    model_config = ConfigDict(strict=True)

    iss: _Text | None = None
    aud: _Text | _Texts | None = None
    sub: _Text | None = None
    exp: _Seconds | None = None
    nbf: _Seconds | None = None
    iat: _Seconds | None = None
    email: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,254}$")] = ""
    roles: _Texts = []


class Unverified(NamedTuple):
    """What a well-formed token says; its signature is not checked yet."""

    key_id: str | None
    claims: dict[str, Any]  # of known names and types only


def read_token(token: str) -> Unverified:
    """Return what a compact JWS says. Raises Unauthenticated for a wrong form: type, size, nesting, field twice."""
    parts = _COMPACT.fullmatch(token) if len(token) <= MAX_CHARACTERS else None
    if parts is None:
        raise Unauthenticated("The token is not valid.")
    try:
        header = _Header.model_validate(strict_json(_decoded(parts[1])))
        claims = _Claims.model_validate(strict_json(_decoded(parts[2])))
    except (ShopError, ValidationError, ValueError) as error:
        raise Unauthenticated("The token is not valid.") from error
    return Unverified(header.kid, claims.model_dump(exclude_none=True))


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
