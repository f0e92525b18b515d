"""The page of the API: drawn from the contract by files of this build, behind the same edge as the API itself."""

from __future__ import annotations

import re

import pytest

from tests.contract.spec import FILE
from tests.journeys.shop import Shop

pytestmark = pytest.mark.core


def test_the_page_and_all_that_it_loads_come_from_this_build(shop: Shop) -> None:
    page = shop.http.get("/docs")

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert "/storefront/swagger-ui-bundle.js" in addresses
    assert {path: shop.http.get(path).status_code for path in addresses} == dict.fromkeys(addresses, 200)


def test_the_page_shows_the_contract_itself(shop: Shop) -> None:
    answer = shop.http.get("/storefront/openapi.yaml")

    assert answer.headers["content-type"] == "application/yaml"
    assert answer.content == FILE.read_bytes()
