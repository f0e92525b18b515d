"""Numbers written in odd ways and things said twice: every build refuses them, and in the same way."""

from __future__ import annotations

import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Customer, Shop

LISTS = ["/products", "/orders", "/notifications"]
NO_LIMITS = ["0000000100000", "00000001099999999999999999999", "007", "0" * 4000 + "7", "9" * 4000, "+7", "7 ", "1e1"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", NO_LIMITS, ids=lambda limit: limit[:12])
def test_a_limit_that_only_some_would_read_as_small_is_refused(customer: Customer, path: str, limit: str) -> None:
    problem = expect_problem(customer.get(path, limit=limit), 422, "invalid_request")

    assert [error["field"] for error in problem["errors"]] == ["limit"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("name", ["limit", "cursor"])
def test_a_parameter_of_a_list_that_comes_twice_is_refused(customer: Customer, path: str, name: str) -> None:
    problem = expect_problem(
        customer.shop.http.get(f"{path}?{name}=5&{name}=5", headers=customer.authorization), 422, "invalid_request"
    )

    assert [error["field"] for error in problem["errors"]] == [name]


@pytest.mark.parametrize("name", ["query", "category"])
def test_a_search_for_two_things_at_once_is_refused(shop: Shop, name: str) -> None:
    problem = expect_problem(shop.http.get(f"/products?{name}=chair&limit=2&{name}=lamp"), 422, "invalid_request")

    assert [error["field"] for error in problem["errors"]] == [name]


def test_a_parameter_that_the_shop_does_not_know_may_come_twice(shop: Shop) -> None:
    assert len(expect(shop.http.get("/products?utm=a&limit=2&utm=b"), 200)["items"]) == 2
