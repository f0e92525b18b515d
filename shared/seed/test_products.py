"""The seed data looks like a shop, and is the same on every machine."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import time
from collections import Counter

import pytest

from shared.seed import DEMO_CUSTOMERS, SeedProduct, products


def test_products_are_the_same_in_every_process() -> None:
    here = [repr(product) for product in products(300)]

    script = "from shared.seed import products\nfor p in products(300): print(repr(p))"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert run.stdout.splitlines() == here


def test_the_first_thousand_do_not_depend_on_how_many_are_asked_for() -> None:
    small = list(products(1_000))

    large = list(itertools.islice(products(100_000), 1_000))

    assert small == large


def test_there_are_a_thousand_unless_another_number_is_asked_for() -> None:
    assert sum(1 for _ in products()) == 1_000
    assert list(products(0)) == []


def test_a_hundred_thousand_products_have_their_own_skus_and_names() -> None:
    started = time.process_time()
    many = list(products(100_000))
    cpu_s = time.process_time() - started

    assert len({product.sku for product in many}) == 100_000
    assert len({product.name for product in many}) == 100_000
    assert cpu_s < 5


def test_skus_fit_the_contract_and_say_what_the_product_is() -> None:
    for product in products(5_000):
        assert re.fullmatch(r"[A-Z]+-\d{6}", product.sku), product

    sofa = next(product for product in products() if product.sku.startswith("SOFA-"))
    assert "Sofa" in sofa.name


def test_twelve_categories_are_about_equally_large() -> None:
    sizes = Counter(product.category for product in products())

    assert len(sizes) == 12
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_prices_are_sensible_and_varied() -> None:
    prices = [product.price_cents for product in products()]

    assert all(isinstance(price, int) and 500 <= price <= 200_000 for price in prices)
    assert len(set(prices)) > 200
    assert {product.currency for product in products()} == {"EUR"}


def test_descriptions_are_a_sentence_or_two_of_plain_text() -> None:
    for product in products():
        assert 30 <= len(product.description) <= 200
        assert product.description.endswith(".")
        assert "{" not in product.description


def test_stock_is_plenty_by_default_and_can_be_set() -> None:
    assert next(products(1)).initial_stock == 1_000_000
    assert {product.initial_stock for product in products(50, stock=3)} == {3}


@pytest.mark.parametrize(("count", "stock"), [(-1, 5), (1_000_001, 5), (10, -1)])
def test_impossible_numbers_are_refused_at_once(count: int, stock: int) -> None:
    with pytest.raises(ValueError, match="must"):
        products(count, stock=stock)


def test_a_product_cannot_be_changed() -> None:
    armchair = SeedProduct("ARMCHAIR-000001", "Crunchy Armchair", "Crunchy.", "Furniture", 1, "EUR", 1)

    with pytest.raises(AttributeError):
        armchair.price_cents = 2  # type: ignore[misc]


def test_there_are_five_demo_customers_with_addresses_of_their_own() -> None:
    assert len(DEMO_CUSTOMERS) == 5
    assert len({customer.email for customer in DEMO_CUSTOMERS}) == 5
    assert all(customer.email.endswith("@customers.example") for customer in DEMO_CUSTOMERS)
