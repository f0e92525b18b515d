"""The identity provider's tokens are what the shops' own check accepts, and nothing else is."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from outside.conftest import OutsidePart, free_port, launch
from shared.domain.errors import Unauthenticated
from shared.platform.tokens import ALGORITHM, TokenVerifier

ISSUER = "https://identity.example"


@pytest.fixture(scope="module")
def identity(start_part: Callable[..., OutsidePart]) -> OutsidePart:
    """Return a running identity provider."""
    return start_part("identity", TOKEN_ISSUER=ISSUER)


@pytest.fixture
def verifier(identity: OutsidePart) -> TokenVerifier:
    """Return the check that both shops use."""
    return TokenVerifier(f"{identity.url}/jwks.json", ISSUER, "twinshop")


def token_for(identity: OutsidePart, **claims: Any) -> str:
    """Return a token as a test would ask for it."""
    answer = identity.http.post("/tokens", json=claims).raise_for_status().json()
    assert answer["token_type"] == "Bearer"
    return str(answer["access_token"])


def test_a_token_speaks_for_its_customer(identity: OutsidePart, verifier: TokenVerifier) -> None:
    token = token_for(identity, subject="ada")

    principal = verifier.verify(f"Bearer {token}")

    assert (principal.subject, principal.email) == ("ada", "ada@customers.example")
    assert principal.roles == {"customer"}


def test_roles_email_and_life_are_as_asked_for(identity: OutsidePart) -> None:
    token = token_for(identity, subject="boss", roles=["admin"], email="boss@shop.example", ttl_s=60)

    keys = KeySet.import_key_set(identity.http.get("/jwks.json").json())
    claims = jwt.decode(token, keys, algorithms=[ALGORITHM]).claims

    assert claims["roles"] == ["admin"]
    assert claims["email"] == "boss@shop.example"
    assert claims["exp"] - claims["iat"] == 60
    assert abs(claims["iat"] - time.time()) < 10


@pytest.mark.parametrize("claims", [{"ttl_s": -60}, {"audience": "another-shop"}])
def test_tests_get_tokens_that_must_be_refused(
    identity: OutsidePart, verifier: TokenVerifier, claims: dict[str, Any]
) -> None:
    token = token_for(identity, subject="ada", **claims)

    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {token}")


def test_a_batch_gives_each_customer_a_token(identity: OutsidePart, verifier: TokenVerifier) -> None:
    body = {"count": 200, "prefix": "load"}

    tokens = identity.http.post("/tokens/batch", json=body).raise_for_status().json()["tokens"]

    assert [each["subject"] for each in tokens] == [f"load-{number}" for number in range(1, 201)]
    assert verifier.verify(f"Bearer {tokens[-1]['access_token']}").subject == "load-200"


def test_the_published_key_is_public_only(identity: OutsidePart) -> None:
    key = identity.http.get("/jwks.json").json()["keys"][0]

    assert set(key) == {"kty", "crv", "x", "kid", "use"}


def test_the_key_outlives_a_kill_and_is_for_its_owner_only(start_part: Callable[..., OutsidePart]) -> None:
    identity = start_part("identity")
    before = identity.http.get("/jwks.json").json()

    identity.kill()
    identity.start()

    assert identity.http.get("/jwks.json").json() == before
    file = Path(identity.environment["DATA_DIR"]) / "signing-key.json"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


def test_the_pages_of_the_shops_may_ask_and_those_of_other_sites_may_not(
    start_part: Callable[..., OutsidePart],
) -> None:
    shop = "http://127.0.0.1:8001"
    identity = start_part("identity", SHOP_ADDRESSES=f"{shop},http://127.0.0.1:8002")
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    admin = b'{"subject": "eve", "roles": ["admin"]}'

    preflight = identity.http.options("/tokens", headers=asks | {"Origin": shop})
    listed = identity.http.get("/demo-customers", headers={"Origin": "http://localhost:8002"})
    foreign = [
        identity.http.post("/tokens", content=admin, headers={"Origin": "https://evil.example"} | more)
        for more in ({}, {"Content-Type": "text/plain"})
    ]
    rebound = identity.http.post("/tokens", content=admin, headers={"Host": "evil.example:18402"})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == shop
    assert listed.headers["access-control-allow-origin"] == "http://localhost:8002"
    assert [answer.status_code for answer in (*foreign, rebound)] == [403, 403, 403]


def test_five_demo_customers_are_offered(identity: OutsidePart, verifier: TokenVerifier) -> None:
    customers = identity.http.get("/demo-customers").json()["customers"]

    assert len(customers) == 5
    for customer in customers:
        token = token_for(identity, subject=customer["subject"], email=customer["email"])
        assert verifier.verify(f"Bearer {token}").subject == customer["subject"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/tokens", b"{", 400),
        ("/tokens", b"{}", 422),
        ("/tokens", b'{"subject":""}', 422),
        ("/tokens", b'{"subject":"a b"}', 422),
        ("/tokens", b'{"subject":"ada","roles":"admin"}', 422),
        ("/tokens", b'{"subject":"ada","ttl_s":1e99}', 422),
        ("/tokens", b'{"subject":"ada","shoe_size":38}', 422),
        ("/tokens/batch", b'{"count":0,"prefix":"load"}', 422),
        ("/tokens/batch", b'{"count":1000000000,"prefix":"load"}', 422),
        ("/tokens/batch", b'{"count":1}', 422),
    ],
)
def test_bad_requests_get_a_clear_refusal(identity: OutsidePart, path: str, body: bytes, status: int) -> None:
    answer = identity.http.post(path, content=body)

    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "signing-key.json").write_text("{]")

    process = launch("identity", PORT=str(free_port()), DATA_DIR=str(tmp_path))
    _, log = process.communicate(timeout=20)

    assert process.returncode == 1
    assert len(log.splitlines()) == 1
    assert "signing-key.json" in log
