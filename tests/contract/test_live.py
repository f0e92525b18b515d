"""Requests that nobody thought of, at every running arm: no 5xx, and no answer that the contract does not list.

Schemathesis makes them from the contract, valid and invalid ones, which takes longer than to answer them: each request
is made once and sent to all arms. Half of the ids are of things that exist, so that requests get past the first check.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from loadtests.measure.reconcile import tell
from shared.platform.webhook_signature import HEADER, sign
from tests.arms import Arm
from tests.contract.spec import spec
from tests.journeys.books import reconciled
from tests.journeys.opening import open_shop
from tests.journeys.shop import Shop

pytestmark = pytest.mark.books

REQUESTS = {GenerationMode.POSITIVE: 25, GenerationMode.NEGATIVE: 35}  # for each operation: some 15 s an arm in all
NOTHING_TO_GET_WRONG = {("GET /categories", GenerationMode.NEGATIVE)}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SLOW_PAYMENT = re.compile("pm_slow|pm_timeout|pm_lost|pm_late")  # the journeys wait for those

SKU, ORDERS = "ZZ-FUZZ", 4
TOKENS = (0, 0, 0, 1, 2, None)  # see Known.tokens

_schema = schemathesis.openapi.from_dict(spec())
OPERATIONS = {operation.label: operation for operation in (found.ok() for found in _schema.get_all_operations())}


@dataclass(frozen=True)
class Known:
    """What exists in a shop: a product, the ids of orders and payments, and the tokens of who may see them."""

    shop: Shop
    url: str
    order_ids: list[str]
    payment_ids: list[str]
    tokens: list[str]  # of a customer who is an admin, too, of a customer, of an admin
    session: requests.Session


@pytest.fixture(scope="module")
def shops(arms: dict[str, Arm]) -> Iterator[dict[str, Known]]:
    """Things that exist in the shop of each arm, made for this test."""
    with ExitStack() as closing:
        yield {name: _known(arm, closing) for name, arm in arms.items()}


def _known(arm: Arm, closing: ExitStack) -> Known:
    shop = closing.enter_context(open_shop(arm))
    admin, customer = shop.admin(), shop.customer()
    both = shop.identity.token(customer.subject, "admin", "customer")
    admin.put_product(SKU, price=100)
    assert admin.restock(SKU, 100_000).status_code == 200
    orders = [customer.buy((SKU, 3)) for _ in range(ORDERS)]
    return Known(
        shop,
        arm.url,
        [order["id"] for order in orders],
        [order["payment_id"] for order in orders],
        [both, customer.token, admin.token],
        closing.enter_context(requests.Session()),
    )


@pytest.mark.parametrize(
    ("label", "mode"),
    [(label, mode) for label in OPERATIONS for mode in REQUESTS if (label, mode) not in NOTHING_TO_GET_WRONG],
    ids=lambda value: getattr(value, "value", value),
)
def test_every_answer_is_one_of_the_contract(label: str, mode: GenerationMode, shops: dict[str, Known]) -> None:
    operation = OPERATIONS[label]

    @settings(
        max_examples=REQUESTS[mode],
        deadline=None,
        database=None,
        derandomize=True,  # the same requests in every run
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Case, data: st.DataObject) -> None:
        aim(case, data)
        existing = data.draw(st.sampled_from([None, *range(ORDERS)]), "existing")
        token = data.draw(st.sampled_from(TOKENS), "token")
        is_signed = case.path == "/webhooks/payments" and data.draw(st.booleans(), "signed")
        for name, known in shops.items():
            answer = send(case, known, existing, token, is_signed=is_signed)
            try:
                case.validate_response(answer, checks=CHECKS)
            except Exception as error:
                error.add_note(f"This was the answer of {name}.")
                raise

    ask()


def test_the_books_add_up_after_these_requests(arms: dict[str, Arm], shops: dict[str, Known]) -> None:
    assert shops
    outcomes = {name: reconciled(arm) for name, arm in arms.items()}

    assert {name: tell(outcome)[:60] for name, outcome in outcomes.items() if not outcome.is_clean} == {}


def aim(case: Case, data: st.DataObject) -> None:
    """Point a request at things that exist, half of the time, and never at the goods of other tests."""
    path = case.path_parameters or {}
    if "sku" in path:
        of_ours = f"{SKU}-" + re.sub("[^A-Z0-9-]", "", str(path["sku"]))[:40]
        keeps = case.method.upper() == "GET" or not re.fullmatch("[A-Z0-9-]+", str(path["sku"]))
        path["sku"] = data.draw(st.sampled_from([path["sku"] if keeps else of_ours, SKU]), "sku")
    if isinstance(case.body, dict) and case.path == "/orders":
        _aim_at_stock(case.body, data)
    if isinstance(case.body, dict) and case.path.endswith("/refunds") and data.draw(st.booleans(), "little"):
        case.body["amount"] = {"amount": data.draw(st.integers(1, 20), "cents"), "currency": "EUR"}


def _aim_at_stock(body: dict[str, Any], data: st.DataObject) -> None:
    if SLOW_PAYMENT.search(str(body.get("payment_method"))):
        body["payment_method"] = "pm_ok"
    lines = body.get("lines")
    if isinstance(lines, list) and lines and isinstance(lines[0], dict) and data.draw(st.booleans(), "of ours"):
        del lines[1:]
        lines[0]["sku"] = SKU
        body["payment_method"] = data.draw(st.sampled_from(["pm_ok", "pm_declined"]), "payment method")
        if data.draw(st.booleans(), "at any price"):
            body.pop("expected_total", None)


def send(case: Case, known: Known, existing: int | None, token: int | None, *, is_signed: bool) -> requests.Response:
    """Send a request about the existing order or payment of this number, or about an id of its own.

    The token is that of this number, or none. A webhook is signed as the provider does.
    """
    path = case.path_parameters or {}
    if "id" in path and existing is not None:
        path["id"] = (known.payment_ids if case.path.startswith("/payments") else known.order_ids)[existing]
    headers = None if token is None else {"Authorization": f"Bearer {known.tokens[token]}"}
    request = requests.Request(**case.as_transport_kwargs(base_url=known.url, headers=headers))
    prepared = known.session.prepare_request(request)
    if is_signed:
        body = prepared.body or b""
        raw = body.encode() if isinstance(body, str) else body
        prepared.headers[HEADER] = sign(known.shop.provider.webhook_secret, raw, int(time.time()))
    return known.session.send(prepared, timeout=15, allow_redirects=False)
