"""The shop's rules, each as a sentence."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import IllegalTransition, InvalidRequest, PriceChanged, RefundExceedsCapture
from shared.domain.ids import is_id, new_id
from shared.domain.money import Money
from shared.domain.notification import NotificationKind, can_be_addressed, message_id, subject_of, text_of
from shared.domain.order import NEXT, OrderStatus, PricedLine, check_expected_total, check_transition, order_total
from shared.domain.payment import check_refund
from shared.domain.risk import risk_score
from shared.domain.stock import check_known


@pytest.mark.parametrize(
    ("email", "can_be"),
    [
        ("ada@customers.example", True), ("jürgen@bücher.example", True), ("a+b@x", True), ("ada", False),
        ("@x", False), ("ada@", False), ("", False), ("ada@x\r\nBcc: eve@x", False), ("<ada@x>", False),
        ("\ud800@x", False),
    ],
)  # fmt: skip
def test_a_mail_can_have_an_address_of_a_name_and_a_domain_that_a_header_can_carry(email: str, can_be: bool) -> None:
    assert can_be_addressed(email) == can_be


def test_money_is_never_a_float() -> None:
    with pytest.raises(TypeError):
        Money(19.99)  # type: ignore[arg-type]


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix EUR and USD"):
        Money(100, "EUR") + Money(100, "USD")


def test_the_total_is_the_sum_of_quantity_times_price() -> None:
    lines = [
        PricedLine("CRUNCHY-ARMCHAIR", "Crunchy armchair", 2, Money(49_99)),
        PricedLine("TASTELESS-LAMP", "Tasteless lamp", 1, Money(9_50)),
    ]

    assert order_total(lines) == Money(109_48)


def test_another_total_than_the_expected_one_names_the_new_total() -> None:
    with pytest.raises(PriceChanged) as caught:
        check_expected_total(Money(200), Money(100))

    assert caught.value.total == Money(200)


def test_no_expectation_is_met_by_any_total() -> None:
    check_expected_total(Money(200), None)


@pytest.mark.parametrize(("current", "target"), list(itertools.product(OrderStatus, OrderStatus)))
def test_only_the_steps_of_the_life_cycle_are_allowed(current: OrderStatus, target: OrderStatus) -> None:
    if target in NEXT[current]:
        check_transition(current, target)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(current, target)


@pytest.mark.parametrize("end", [OrderStatus.REJECTED, OrderStatus.CANCELLED])
def test_an_end_state_is_never_left(end: OrderStatus) -> None:
    assert not NEXT[end]


@given(refunded=st.integers(0, 10**9), amount=st.integers(1, 10**9), remainder=st.integers(0, 10**9))
def test_a_refund_of_what_is_left_of_the_capture_is_allowed(refunded: int, amount: int, remainder: int) -> None:
    check_refund(amount, refunded + amount + remainder, refunded)


@given(refunded=st.integers(0, 10**9), remainder=st.integers(0, 10**9), above=st.integers(1, 10**9))
def test_refunds_never_add_up_to_more_than_was_captured(refunded: int, remainder: int, above: int) -> None:
    with pytest.raises(RefundExceedsCapture):
        check_refund(remainder + above, refunded + remainder, refunded)


@given(captured=st.integers(0, 10**9), amount=st.integers(-(10**9), 0))
def test_a_refund_of_nothing_or_less_is_refused(captured: int, amount: int) -> None:
    with pytest.raises(RefundExceedsCapture):
        check_refund(amount, captured, 0)


def test_ids_sort_by_the_time_they_were_made() -> None:
    first = new_id()
    time.sleep(0.002)

    assert first < new_id()


def test_an_id_is_a_version_7_uuid() -> None:
    identifier = new_id()

    assert is_id(identifier)
    assert identifier[14] == "7"
    assert identifier[19] in "89ab"


@pytest.mark.parametrize("text", ["", "42", "018f", "{018f0000-0000-7000-8000-000000000000}", "x" * 36])
def test_what_is_no_uuid_is_no_id(text: str) -> None:
    assert not is_id(text)


@pytest.mark.parametrize(("known", "wrong"), [({"LAMP"}, ["lines.0.sku"]), (set(), ["lines.0.sku", "lines.1.sku"])])
def test_each_line_that_names_no_product_is_told(known: set[str], wrong: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_known(["ARMCHAIR", "LAMP"], known)

    assert [error.field for error in caught.value.errors] == wrong


def test_a_mail_sent_twice_carries_the_same_message_id() -> None:
    assert message_id("o-1", "order_confirmed", "shop.example") == "<o-1.order_confirmed@shop.example>"


@pytest.mark.parametrize("kind", NotificationKind)
def test_each_message_names_the_order_and_the_total(kind: NotificationKind) -> None:
    text = text_of(kind, "o-1", Money(109_48))

    assert "o-1" in text
    assert "109.48 EUR" in text
    assert subject_of(kind)


def test_the_risk_score_depends_on_the_order_and_not_on_the_work() -> None:
    assert risk_score("o-1", 500, work_ms=0) == risk_score("o-1", 500, work_ms=3)
    assert 0 <= risk_score("o-1", 500, work_ms=0) < 100


def test_the_risk_score_spends_the_cpu_time_it_is_told_to() -> None:
    before = time.thread_time()

    risk_score("o-1", 500, work_ms=20)

    assert time.thread_time() - before >= 0.020
