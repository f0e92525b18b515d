"""Odd requests, made from good ones to every route: no error of ours, and the same verdict of all arms."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from loadtests.measure.reconcile import tell
from shared.contract.queries import encode_cursor
from shared.platform.webhook_signature import HEADER, sign
from tests.arms import Arm
from tests.contract.known import CATEGORY, SKU, Known
from tests.contract.odd_requests import Request, TokenForger, odd_variants
from tests.contract.spec import operations
from tests.journeys.books import reconciled

pytestmark = pytest.mark.books

JSON = ("Content-Type", "application/json")
FRESH_KEY = "a-fresh-key"  # stands for one that nobody used before


def good_request(route: str, known: Known) -> Request:
    """Return a request to this route that the shop grants."""
    customer = ("Authorization", f"Bearer {known.customer.token}")
    product = {"name": "Crunchy", "description": "Chair.", "category": CATEGORY, "price": {"amount": 100}}
    order = {"lines": [{"sku": SKU, "quantity": 1}], "payment_method": "pm_ok"}
    refund = {"amount": {"amount": 1, "currency": "EUR"}}
    webhook = {
        "id": FRESH_KEY, "type": "charge.captured", "merchant": known.shop.provider.merchant, "occurred_at": "",
        "charge_key": known.order_ids[0], "amount": 300, "currency": "EUR",
    }  # fmt: skip
    order_path, payment_path = f"/orders/{known.order_ids[0]}", f"/payments/{known.payment_ids[1]}"
    page = f"limit=2&cursor={encode_cursor(known.order_ids[-1])}"
    targets: dict[str, tuple[str, Any]] = {
        "GET /products": (f"/products?query=crunchy&category={CATEGORY}&limit=2&cursor={encode_cursor('ZZ')}", None),
        "GET /products/{}": (f"/products/{SKU}", None),
        "PUT /products/{}": (f"/products/{SKU}", product),
        "POST /products/{}/restock": (f"/products/{SKU}/restock", {"quantity": 1}),
        "GET /categories": ("/categories", None),
        "GET /orders": (f"/orders?{page}", None),
        "POST /orders": ("/orders", order),
        "GET /orders/{}": (order_path, None),
        "POST /orders/{}/cancel": (f"{order_path}/cancel", None),
        "GET /payments/{}": (payment_path, None),
        "POST /payments/{}/refunds": (f"{payment_path}/refunds", refund),
        "GET /notifications": (f"/notifications?{page}", None),
        "POST /webhooks/payments": ("/webhooks/payments", webhook),
    }
    target, body = targets[route]
    raw = None if body is None else json.dumps(body).encode()
    headers = (
        customer,
        *([JSON] if raw is not None else []),
        *([("Idempotency-Key", FRESH_KEY)] if route in KEYED else []),
    )
    return Request(route.partition(" ")[0], target, headers, raw)


ROUTES = [f"{method} {path}" for method, path in operations()]
KEYED = {"POST /products/{}/restock", "POST /orders", "POST /payments/{}/refunds"}
ONE_OF_EACH_SERVICE = ["PUT /products/{}", "GET /orders", "GET /payments/{}", "GET /notifications"]


def send(request: Request, known: Known) -> httpx.Response:
    """Send a request, signed if it is a webhook."""
    key = str(uuid4())
    body = None if request.body is None else request.body.replace(FRESH_KEY.encode(), key.encode())
    headers = [(name, value.replace(FRESH_KEY, key)) for name, value in request.headers]
    if request.target == "/webhooks/payments" and body is not None:
        headers.append((HEADER, sign(known.shop.provider.webhook_secret, body, int(time.time()))))
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return known.shop.http.request(request.method, request.target, headers=encoded, content=body)


def verdict(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Return status, code and the fields that are named."""
    problem = answer.json() if "problem" in answer.headers.get("content-type", "") else {}
    return answer.status_code, problem.get("code", ""), sorted(error["field"] for error in problem.get("errors", ()))


def disagreements(
    shops: dict[str, Known], requests_of: Callable[[Known], Iterable[Request]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where arms differ, or where one of them is at fault: what was odd, and the verdicts."""
    for requests in zip(*(requests_of(known) for known in shops.values()), strict=True):
        verdicts = {
            name: verdict(send(request, known)) for (name, known), request in zip(shops.items(), requests, strict=True)
        }
        if len({str(one) for one in verdicts.values()}) > 1 or any(one[0] >= 500 for one in verdicts.values()):
            yield requests[0].odd, verdicts


@pytest.mark.parametrize("route", ROUTES)
def test_an_odd_request_gets_the_same_answer_everywhere(route: str, shops: dict[str, Known]) -> None:
    def odd_requests(known: Known) -> Iterator[Request]:
        good = good_request(route, known)
        assert send(good, known).is_success
        yield from odd_variants(good)

    assert dict(disagreements(shops, odd_requests)) == {}


@pytest.mark.parametrize("route", ONE_OF_EACH_SERVICE)
def test_a_well_signed_token_of_the_wrong_form_is_refused_everywhere(
    route: str, shops: dict[str, Known], arms: dict[str, Arm]
) -> None:
    answers = {}
    for name, known in shops.items():
        good = good_request(route, known)
        forger = TokenForger(arms[name].runner.site.data_of("outside", "identity"), known.customer.token)
        for odd, token in forger.tokens():
            headers = (("Authorization", f"Bearer {token}"), *good.headers[1:])
            answers[name, odd] = verdict(send(good.but(odd, headers=headers), known))[:2]

    assert {odd: answer for odd, answer in answers.items() if answer != (401, "unauthenticated")} == {}


def test_the_books_add_up_after_these_requests(arms: dict[str, Arm], shops: dict[str, Known]) -> None:
    assert shops
    outcomes = {name: reconciled(arm) for name, arm in arms.items()}

    assert {name: tell(outcome)[:60] for name, outcome in outcomes.items() if not outcome.is_clean} == {}
