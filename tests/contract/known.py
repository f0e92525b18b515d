"""What exists in a shop while the contract is tried: requests that aim at it get past the first check."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.platform.webhook_signature import HEADER, sign
from tests.arms import Arm
from tests.journeys.opening import open_shop
from tests.journeys.shop import Customer, Shop

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CATEGORY = "fuzzed"
SKUS = ("ZZ-FUZZ", "ZZ-FUZZ-1", "ZZ-FUZZ-2")
SKU, ORDERS = SKUS[0], 4
SLOW_PAYMENT = re.compile("pm_slow|pm_timeout|pm_lost|pm_late")  # the journeys wait for those


@dataclass(frozen=True)
class Known:
    """What exists in a shop: products, the ids of orders and payments, and the tokens of who may see them."""

    shop: Shop
    url: str
    customer: Customer  # who is an admin, too
    order_ids: list[str]
    payment_ids: list[str]
    tokens: list[str]  # of a customer who is an admin, too, of that customer without the role, of an admin
    session: requests.Session

    def prepare(self, case: Case, token: str | None) -> requests.PreparedRequest:
        """Return the request to this shop."""
        headers = None if token is None else {"Authorization": f"Bearer {token}"}
        return self.session.prepare_request(
            requests.Request(**case.as_transport_kwargs(base_url=self.url, headers=headers))
        )

    def sign(self, request: requests.PreparedRequest) -> None:
        """Sign a webhook as the provider does."""
        request.headers[HEADER] = sign(self.shop.provider.webhook_secret, raw_body(request), int(time.time()))

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Return the answer."""
        return self.session.send(request, timeout=15, allow_redirects=False)


def raw_body(request: requests.PreparedRequest) -> bytes:
    """Return the bytes of a body; none if there is none."""
    body = request.body or b""
    return body.encode() if isinstance(body, str) else body


@contextmanager
def known_things(arm: Arm) -> Iterator[Known]:
    """Make what requests aim at, in the shop of an arm."""
    with open_shop(arm) as shop, requests.Session() as session:
        admin, customer = shop.admin(), shop.customer()
        for sku in SKUS:
            admin.put_product(sku, price=100, category=CATEGORY)
            assert admin.restock(sku, 100_000).status_code == 200
        both = Customer(shop, customer.subject, shop.identity.token(customer.subject, "admin", "customer"))
        orders = [customer.buy((SKU, 3)) for _ in range(ORDERS)]
        yield Known(
            shop,
            arm.url,
            both,
            [order["id"] for order in orders],
            [order["payment_id"] for order in orders],
            [both.token, customer.token, admin.token],
            session,
        )


def keep_off_the_goods_of_others(case: Case) -> None:
    """Let a request that changes a product change one of ours."""
    path = case.path_parameters or {}
    sku = str(path.get("sku", SKU))
    if case.method.upper() != "GET" and sku not in SKUS and re.fullmatch("[A-Z0-9-]+", sku):
        path["sku"] = f"{SKU}-X{sku[:40]}"


def wait_for_no_payment(body: Any) -> None:
    """Let an order not be one whose payment takes long."""
    if isinstance(body, dict) and SLOW_PAYMENT.search(str(body.get("payment_method"))):
        body["payment_method"] = "pm_ok"
