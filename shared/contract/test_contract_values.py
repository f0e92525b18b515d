"""Bodies, problems and cursors of the contract."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.contract.bodies import OrderInput, ProductInput
from shared.contract.parsing import parse, parse_keyed
from shared.contract.problems import TABLE, error_of_validation, problem, problem_of_error
from shared.contract.queries import decode_cursor, encode_cursor, parse_limit, parse_page_query, parse_product_query
from shared.domain.errors import IdempotencyKeyMissing, InvalidRequest, MalformedBody, PriceChanged, ShopError
from shared.domain.money import Money

GOOD = {"lines": [{"sku": "CHAIR-1", "quantity": 1}], "payment_method": "pm_ok"}


def refusal(body: object) -> InvalidRequest:
    with pytest.raises(ValidationError) as caught:
        OrderInput.model_validate_json(json.dumps(body))
    error = error_of_validation(caught.value)
    assert isinstance(error, InvalidRequest)
    return error


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"coupon": "X"}, "coupon"),
        ({"lines": []}, "lines"),
        ({"lines": GOOD["lines"] * 2}, "lines"),
        ({"lines": [{"sku": f"S-{n}", "quantity": 1} for n in range(21)]}, "lines"),
        ({"lines": [{"sku": "CHAIR-1", "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "CHAIR-1", "quantity": 101}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "CHAIR-1", "quantity": "1"}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "CHAIR-1", "quantity": 1.5}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "CHAIR-1", "quantity": True}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "CHAIR-1", "quantity": 1, "price": 1}]}, "lines.0.price"),
        ({"lines": [{"sku": "chair 1", "quantity": 1}]}, "lines.0.sku"),
        ({"payment_method": "card"}, "payment_method"),
        ({"expected_total": {"amount": -1, "currency": "EUR"}}, "expected_total.amount"),
        ({"expected_total": {"amount": 1.0, "currency": "EUR"}}, "expected_total.amount"),
    ],
)
def test_an_order_that_does_not_fit_names_the_field(change: dict[str, object], field: str) -> None:
    assert [error.field for error in refusal({**GOOD, **change}).errors] == [field]


def test_a_body_that_is_no_json_is_malformed() -> None:
    with pytest.raises(ValidationError) as caught:
        OrderInput.model_validate_json(b"{")

    assert isinstance(error_of_validation(caught.value), MalformedBody)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"NaN", b'{"a": Infinity}', b"[" * 100_000])
def test_what_other_languages_would_not_read_as_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse(raw, OrderInput)


def test_a_field_that_comes_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(b'{"payment_method": "pm_ok", "payment_method": "pm_declined"}', OrderInput)

    assert [error.field for error in caught.value.errors] == ["payment_method"]


def test_a_missing_key_is_told_before_the_body_is_looked_at() -> None:
    with pytest.raises(IdempotencyKeyMissing):
        parse_keyed(b"{", OrderInput, None, "POST /orders")


@pytest.mark.parametrize("key", ["", "two words", "two,keys", "k" * 129, "schlüssel", "line\nbreak"])
def test_a_key_that_no_log_could_show_is_refused(key: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_keyed(json.dumps(GOOD).encode(), OrderInput, key, "POST /orders")

    assert [error.field for error in caught.value.errors] == ["Idempotency-Key"]


def test_a_product_has_the_currency_of_the_shop() -> None:
    body = {"name": "x", "description": "", "category": "chairs", "price": {"amount": 1, "currency": "USD"}}

    with pytest.raises(ValidationError, match="this shop sells in EUR"):
        ProductInput.model_validate(body)


def all_errors(base: type[ShopError]) -> list[type[ShopError]]:
    return [base, *(deeper for sub in base.__subclasses__() for deeper in all_errors(sub))]


@pytest.mark.parametrize("error", all_errors(ShopError))
def test_every_error_of_the_shop_is_in_the_table(error: type[ShopError]) -> None:
    assert error.code in TABLE


@pytest.mark.parametrize("code", TABLE)
def test_a_problem_has_every_field_of_the_contract(code: str) -> None:
    refusal = problem(code, instance="/orders", trace_id="t-1")

    assert {"type", "title", "status", "detail", "instance", "code", "trace_id"} <= refusal.body.keys()
    assert refusal.body["status"] == refusal.status
    assert refusal.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("code", ["request_in_flight", "rate_limited", "unavailable"])
def test_a_problem_that_passes_says_when_to_come_back(code: str) -> None:
    assert problem(code).headers["Retry-After"] == "1"


def test_a_missing_token_is_told_with_the_scheme_to_use() -> None:
    assert problem("unauthenticated").headers["WWW-Authenticate"].startswith("Bearer")


def test_a_defect_of_ours_keeps_its_detail_to_itself() -> None:
    answer = problem_of_error(ShopError("password=hunter2"), instance="/", trace_id="t")

    assert answer.status == 500
    assert "hunter2" not in json.dumps(answer.body)


def test_a_changed_price_tells_the_new_total() -> None:
    answer = problem_of_error(PriceChanged(Money(1999)), instance="/orders", trace_id="t")

    assert answer.body["total"] == {"amount": 1999, "currency": "EUR"}


@given(st.text(min_size=1, max_size=24).filter(lambda text: "\x00" not in text))
def test_a_cursor_leads_back_to_its_row(last: str) -> None:
    assert decode_cursor(encode_cursor(last)) == last


@given(st.text(max_size=40))
def test_any_other_text_is_no_cursor_or_the_cursor_of_one_row(text: str) -> None:
    try:
        last = decode_cursor(text)
    except InvalidRequest:
        return
    assert last is not None
    assert encode_cursor(last) == text


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "", "ten", "1.0", "٣", "9" * 400, "007", "0000000100000", "0" * 5000, "²"]
)
def test_a_limit_out_of_bounds_is_refused(limit: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_limit(limit)


def test_an_empty_search_is_no_search() -> None:
    assert parse_product_query([("query", ""), ("category", "")]).query is None


@given(st.integers(1, 100))
def test_the_limit_that_was_checked_is_the_one_that_is_used(limit: int) -> None:
    assert parse_page_query([("limit", str(limit))]).limit == limit


@pytest.mark.parametrize("name", ["query", "category", "limit", "cursor"])
def test_a_parameter_that_comes_twice_is_refused_by_name(name: str) -> None:
    value = {"limit": "5", "cursor": encode_cursor("CHAIR-1")}.get(name, "chair")

    with pytest.raises(InvalidRequest) as caught:
        parse_product_query([(name, value), (name, value)])

    assert [error.field for error in caught.value.errors] == [name]


def test_a_parameter_that_nobody_knows_may_come_twice() -> None:
    assert parse_page_query([("utm", "a"), ("utm", "b"), ("limit", "7")]).limit == 7


def test_a_cursor_longer_than_any_of_ours_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        decode_cursor(encode_cursor("A" * 200))


@pytest.mark.parametrize("query", ["x" * 201, "a\x00b"])
def test_a_search_that_no_database_takes_is_refused(query: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_product_query([("query", query)])
