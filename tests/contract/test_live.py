"""Requests that nobody thought of, at every running arm: no 5xx, and no answer that the contract does not list.

Schemathesis makes them from the contract, valid and invalid ones. Half of the ids are of things that exist, so
that requests get past the first check. It runs after the journeys, and before the books are counted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
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

from shared.platform.webhook_signature import HEADER, sign
from tests.arms import Arm
from tests.contract.spec import spec
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

_schema = schemathesis.openapi.from_dict(spec())
OPERATIONS = {operation.label: operation for operation in (found.ok() for found in _schema.get_all_operations())}


@dataclass(frozen=True)
class Known:
    """What exists in the shop: a product, the ids of orders and payments, and the tokens of who may see them."""

    shop: Shop
    url: str
    sku: str
    order_ids: list[str]
    payment_ids: list[str]
    tokens: list[str]
    session: requests.Session


@pytest.fixture(scope="module")
def known(arm: Arm) -> Iterator[Known]:
    """Things that exist, made for this test."""
    with open_shop(arm) as shop, requests.Session() as session:
        admin, customer = shop.admin(), shop.customer()
        both = shop.identity.token(customer.subject, "admin", "customer")
        sku = admin.stocks("ZZ-FUZZ", stock=100_000, price=100)
        orders = [customer.buy((sku, 3)) for _ in range(4)]
        yield Known(
            shop,
            arm.url,
            sku,
            [order["id"] for order in orders],
            [order["payment_id"] for order in orders],
            [both, both, both, customer.token, admin.token],
            session,
        )


@pytest.mark.parametrize(
    ("label", "mode"),
    [(label, mode) for label in OPERATIONS for mode in REQUESTS if (label, mode) not in NOTHING_TO_GET_WRONG],
    ids=lambda value: getattr(value, "value", value),
)
def test_every_answer_is_one_of_the_contract(label: str, mode: GenerationMode, known: Known) -> None:
    operation = OPERATIONS[label]

    @settings(
        max_examples=REQUESTS[mode],
        deadline=None,
        database=None,
        derandomize=True,  # the same requests at every arm, in every run
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Case, data: st.DataObject) -> None:
        aim(case, data, known)
        case.validate_response(send(case, data, known), checks=CHECKS)

    ask()


def aim(case: Case, data: st.DataObject, known: Known) -> None:
    """Point a request at things that exist, half of the time, and never at the goods of other tests."""
    path = case.path_parameters or {}
    if "sku" in path:
        of_ours = "ZZ-FUZZ-" + re.sub("[^A-Z0-9-]", "", str(path["sku"]))[:40]
        keeps = case.method.upper() == "GET" or not re.fullmatch("[A-Z0-9-]+", str(path["sku"]))
        path["sku"] = data.draw(st.sampled_from([path["sku"] if keeps else of_ours, known.sku]), "sku")
    if "id" in path:
        ids = known.payment_ids if case.path.startswith("/payments") else known.order_ids
        path["id"] = data.draw(st.sampled_from([path["id"], *ids]), "id")
    if isinstance(case.body, dict) and case.path == "/orders":
        _aim_at_stock(case.body, data, known)
    if isinstance(case.body, dict) and case.path.endswith("/refunds") and data.draw(st.booleans(), "little"):
        case.body["amount"] = {"amount": data.draw(st.integers(1, 20), "cents"), "currency": "EUR"}


def _aim_at_stock(body: dict[str, Any], data: st.DataObject, known: Known) -> None:
    if SLOW_PAYMENT.search(str(body.get("payment_method"))):
        body["payment_method"] = "pm_ok"
    lines = body.get("lines")
    if isinstance(lines, list) and lines and isinstance(lines[0], dict) and data.draw(st.booleans(), "of ours"):
        del lines[1:]
        lines[0]["sku"] = known.sku
        body["payment_method"] = data.draw(st.sampled_from(["pm_ok", "pm_declined"]), "payment method")
        if data.draw(st.booleans(), "at any price"):
            body.pop("expected_total", None)


def send(case: Case, data: st.DataObject, known: Known) -> requests.Response:
    """Send a request as somebody or nobody; a webhook is signed, half of the time, as the provider does."""
    token = data.draw(st.sampled_from([*known.tokens, None]), "token")
    headers = {"Authorization": f"Bearer {token}"} if token else None
    request = requests.Request(**case.as_transport_kwargs(base_url=known.url, headers=headers))
    prepared = known.session.prepare_request(request)
    if case.path == "/webhooks/payments" and data.draw(st.booleans(), "signed"):
        body = prepared.body or b""
        raw = body.encode() if isinstance(body, str) else body
        prepared.headers[HEADER] = sign(known.shop.provider.webhook_secret, raw, int(time.time()))
    return known.session.send(prepared, timeout=15, allow_redirects=False)
