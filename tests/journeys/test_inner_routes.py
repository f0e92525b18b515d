"""Inner routes are for services: each call carries a token that its caller signed, for this callee, a moment ago."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.platform.tokens import ALGORITHM, ServiceSigner
from tests.arms import Arm
from tests.journeys.answers import expect_problem
from tests.journeys.shop import Shop

NOBODYS = "0197a3b2-0000-7000-8000-000000000000"
INNER = [
    ("catalog", "/internal/reservations"),
    ("payments", "/internal/charges"),
    ("payments", f"/internal/charges/{NOBODYS}/void"),
    ("payments", f"/internal/charges/{NOBODYS}/cancel-refund"),
]


def private_key(arm: Arm, service: str) -> dict[str, Any]:
    """Return the key by which a service signs."""
    key: dict[str, Any] = json.loads((Path(arm.runner.site.keys) / f"{service}.jwk").read_text("utf-8"))
    return key


def service_token(arm: Arm, caller: str, audience: str) -> str:
    """Return the Authorization header with which `caller` would call `audience`."""
    return ServiceSigner(caller, private_key(arm, caller)).authorization(audience)


def is_shut(answer: httpx.Response, arm: Arm) -> None:
    """Assert that the answer is a refusal: 401 where the route exists, 404 where it does not."""
    if arm.name == "microservices":
        expect_problem(answer, 401, "unauthenticated")
    else:
        expect_problem(answer, answer.status_code, {401: "unauthenticated", 404: "not_found"}[answer.status_code])


@pytest.mark.parametrize(("service", "path"), INNER)
def test_an_inner_route_needs_a_token(arm: Arm, curl: httpx.Client, service: str, path: str) -> None:
    is_shut(curl.post(arm.part_url(service) + path, json={}), arm)


@pytest.mark.parametrize(("service", "path"), INNER)
def test_a_customers_token_opens_no_inner_route(arm: Arm, shop: Shop, service: str, path: str) -> None:
    for who in (shop.customer(), shop.admin()):
        is_shut(httpx.post(arm.part_url(service) + path, json={}, headers=who.authorization), arm)


@pytest.mark.parametrize(("service", "path"), INNER)
def test_a_token_for_another_service_opens_nothing(arm: Arm, curl: httpx.Client, service: str, path: str) -> None:
    elsewhere = service_token(arm, "orders", "orders")

    is_shut(curl.post(arm.part_url(service) + path, json={}, headers={"Authorization": elsewhere}), arm)


@pytest.mark.parametrize("caller", ["catalog", "payments", "notifications"])
@pytest.mark.parametrize(("service", "path"), INNER)
def test_a_service_that_a_route_does_not_name_is_refused(
    arm: Arm, curl: httpx.Client, service: str, path: str, caller: str
) -> None:
    headers = {"Authorization": service_token(arm, caller, service)}

    answer = curl.post(arm.part_url(service) + path, json={}, headers=headers)

    if arm.name == "microservices":
        expect_problem(answer, 403, "forbidden")
    else:
        is_shut(answer, arm)


@pytest.mark.parametrize("mistake", ["other key", "expired", "no expiry", "unknown caller", "other name"])
def test_a_forged_service_token_opens_nothing(arm: Arm, curl: httpx.Client, mistake: str) -> None:
    now = int(time.time())
    claims: dict[str, Any] = {"iss": "orders", "aud": "payments", "iat": now, "exp": now + 60}
    key = OKPKey.import_key(private_key(arm, "orders"))
    if mistake == "other key":
        key = OKPKey.generate_key("Ed25519")
    elif mistake == "expired":
        claims["exp"] = now - 60
    elif mistake == "no expiry":
        del claims["exp"]
    elif mistake == "unknown caller":
        claims["iss"] = "warehouse"
    else:
        claims["iss"] = "catalog"

    token = jwt.encode({"alg": ALGORITHM}, claims, key, algorithms=[ALGORITHM])
    answer = curl.post(
        f"{arm.part_url('payments')}/internal/charges", json={}, headers={"Authorization": f"Bearer {token}"}
    )

    is_shut(answer, arm)


@pytest.mark.parametrize("issuer", ["[1]", '{"a": 1}', "null", '"\\u0000"', "9" * 3000, "[" * 1000 + "]" * 1000])
@pytest.mark.parametrize(("service", "path"), INNER[:2])
def test_a_service_token_with_an_odd_issuer_opens_nothing(
    arm: Arm, curl: httpx.Client, service: str, path: str, issuer: str
) -> None:
    parts = ('{"alg": "Ed25519"}', f'{{"iss": {issuer}, "aud": "{service}", "exp": {int(time.time()) + 60}}}', "x" * 64)
    token = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)

    answer = curl.post(arm.part_url(service) + path, json={}, headers={"Authorization": f"Bearer {token}"})

    is_shut(answer, arm)


def test_a_service_with_a_good_token_is_heard(arm: Arm, curl: httpx.Client) -> None:
    if arm.name != "microservices":
        pytest.skip("one process has no inner routes on a port")
    good = {"Authorization": service_token(arm, "orders", "payments")}

    answer = curl.post(f"{arm.part_url('payments')}/internal/charges", json={}, headers=good)

    expect_problem(answer, 422, "invalid_request")


def test_no_service_may_publish_the_events_of_another(arm: Arm) -> None:
    if not arm.runner.stack.broker_url:
        pytest.skip("nobody speaks to a broker here")
    name = "catalog" if arm.name == "microservices" else "app"
    settings = arm.runner.stack.part(name).environment
    address = settings.get("NATS_URL") or settings["CATALOG_NATS_URL"]
    errors: list[str] = []

    async def publish() -> None:
        async def note(error: Exception) -> None:
            errors.append(str(error))

        client = await nats.connect(address, allow_reconnect=False, error_cb=note)
        await client.publish("shop.order.confirmed", b"{}")
        await client.flush()
        await client.flush()  # the ping of the first may overtake the message
        await client.close()

    asyncio.run(publish())

    assert any("permissions violation" in error for error in errors)
