"""Who asks: tokens that are missing, expired, forged, or meant for somebody else."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from shared.platform.tokens import ALGORITHM
from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Shop, new_key, order_body
from tests.journeys.waiting import until

PRIVATE_ROUTES = [
    ("GET", "/orders"),
    ("GET", "/orders/0197a3b2-0000-7000-8000-000000000000"),
    ("POST", "/orders"),
    ("POST", "/orders/0197a3b2-0000-7000-8000-000000000000/cancel"),
    ("GET", "/payments/0197a3b2-0000-7000-8000-000000000000"),
    ("POST", "/payments/0197a3b2-0000-7000-8000-000000000000/refunds"),
    ("GET", "/notifications"),
    ("PUT", "/products/CRUNCHY-ARMCHAIR"),
    ("POST", "/products/CRUNCHY-ARMCHAIR/restock"),
]


def my_orders(shop: Shop, authorization: str) -> httpx.Response:
    """Ask for one's orders with this Authorization header."""
    return shop.http.get("/orders", headers={"Authorization": authorization})


def claims_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token, unchecked."""
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]
    )
    return header, claims


@pytest.mark.core
@pytest.mark.parametrize(("method", "path"), PRIVATE_ROUTES)
def test_without_a_token_nothing_private_is_answered(shop: Shop, method: str, path: str) -> None:
    answer = shop.http.request(method, path, json={}, headers={"Idempotency-Key": new_key()})

    expect_problem(answer, 401, "unauthenticated")


def test_a_good_token_is_let_in(shop: Shop) -> None:
    assert expect(my_orders(shop, f"Bearer {shop.identity.token('good-gordon')}"), 200)["next_cursor"] is None


def test_the_scheme_may_be_written_in_any_case(shop: Shop) -> None:
    expect(my_orders(shop, f"bearer {shop.identity.token('good-gordon')}"), 200)


@pytest.mark.core
def test_an_expired_token_is_refused(shop: Shop) -> None:
    token = shop.identity.token("late-larry", ttl_s=-60)

    expect_problem(my_orders(shop, f"Bearer {token}"), 401, "unauthenticated")


def test_a_token_that_was_good_a_moment_ago_expires_all_the_same(shop: Shop) -> None:
    token = shop.identity.token("late-larry", ttl_s=-2)  # five seconds of leeway: good for three more
    expect(my_orders(shop, f"Bearer {token}"), 200)

    until("it has expired", lambda: my_orders(shop, f"Bearer {token}").status_code == 401, within_s=10)


@pytest.mark.core
def test_a_token_for_another_audience_is_refused(shop: Shop) -> None:
    token = shop.identity.token("lost-lilly", audience="otter-sanctuary")

    expect_problem(my_orders(shop, f"Bearer {token}"), 401, "unauthenticated")


@pytest.mark.core
@pytest.mark.parametrize("kid", ["the-real-one", "one-of-my-own", None])
def test_a_token_signed_with_another_key_is_refused(shop: Shop, kid: str | None) -> None:
    header, claims = claims_of(shop.identity.token("forging-fred", "admin"))
    if kid != "the-real-one":
        header["kid"] = kid
    if kid is None:
        del header["kid"]

    forged = jwt.encode(header, claims, OKPKey.generate_key("Ed25519"), algorithms=[ALGORITHM])

    expect_problem(my_orders(shop, f"Bearer {forged}"), 401, "unauthenticated")


def test_a_token_without_a_signature_is_refused(shop: Shop) -> None:
    _, claims = claims_of(shop.identity.token("forging-fred", "admin"))

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    unsigned = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."

    expect_problem(my_orders(shop, f"Bearer {unsigned}"), 401, "unauthenticated")


def test_the_public_key_does_not_serve_as_a_shared_secret(shop: Shop) -> None:
    header, claims = claims_of(shop.identity.token("forging-fred", "admin"))
    public = shop.identity.http.get("/jwks.json").json()["keys"][0]
    secret = OctKey.import_key(base64.urlsafe_b64decode(public["x"] + "="))

    forged = jwt.encode({"alg": "HS256", "kid": header["kid"]}, claims, secret, algorithms=["HS256"])

    expect_problem(my_orders(shop, f"Bearer {forged}"), 401, "unauthenticated")


def test_changed_claims_break_the_signature(shop: Shop) -> None:
    header, claims, signature = shop.identity.token("climbing-clara").split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    decoded["roles"] = ["admin"]
    changed = base64.urlsafe_b64encode(json.dumps(decoded).encode()).decode().rstrip("=")

    answer = my_orders(shop, f"Bearer {header}.{changed}.{signature}")

    expect_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer a.b.c", "Basic YTpi", "token", "Bearer " + "x" * 5000])
def test_what_is_no_token_is_refused(shop: Shop, authorization: str) -> None:
    expect_problem(my_orders(shop, authorization), 401, "unauthenticated")


ODD_HEADERS = [
    '{"alg": "Ed25519", "kid": [1]}',
    '{"alg": "Ed25519", "kid": {"a": 1}}',
    '{"alg": ["Ed25519"], "kid": "k1"}',
    '{"alg": "Ed25519", "kid": ' + "9" * 3000 + "}",
    '{"alg": "Ed25519", "crit": "exp"}',
    '{"alg": "Ed25519", "b64": []}',
    "[" * 1500 + "]" * 1500,
    "null",
]


@pytest.mark.parametrize("route", ["/orders", "/notifications", "/payments/0197a3b2-0000-7000-8000-000000000000"])
@pytest.mark.parametrize("header", ODD_HEADERS, ids=lambda header: header[:36])
def test_a_token_with_a_field_of_the_wrong_kind_is_refused(shop: Shop, header: str, route: str) -> None:
    _, claims, signature = shop.identity.token("odd-olga").split(".")
    odd = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")

    answer = shop.http.get(route, headers={"Authorization": f"Bearer {odd}.{claims}.{signature}"})

    expect_problem(answer, 401, "unauthenticated")


def test_a_bad_token_hides_that_the_body_is_bad_too(shop: Shop) -> None:
    answer = shop.http.post("/orders", content=b"{", headers={"Content-Type": "text/plain"})

    expect_problem(answer, 401, "unauthenticated")


def test_a_products_page_does_not_mind_a_bad_token(shop: Shop) -> None:
    expect(shop.http.get("/products", headers={"Authorization": "Bearer nonsense"}), 200)


def test_an_order_needs_more_than_a_valid_body(shop: Shop) -> None:
    expect_problem(shop.http.post("/orders", json=order_body(("A", 1))), 401, "unauthenticated")
