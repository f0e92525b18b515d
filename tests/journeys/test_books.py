"""After all journeys of an arm, with their faults: stock, money and messages add up."""

from __future__ import annotations

import pytest

from loadtests.measure.reconcile import EXPECTED_S, tell
from tests.arms import Arm
from tests.journeys.books import reconciled
from tests.journeys.shop import Customer

pytestmark = pytest.mark.books


def test_what_a_fault_left_pending_is_confirmed_when_it_is_over(awaited: list[tuple[Customer, str]]) -> None:
    if not awaited:
        pytest.skip("no fault was tested")

    for customer, order_id in awaited:
        customer.order_becomes(order_id, "confirmed", within_s=EXPECTED_S)


def test_the_books_add_up_after_the_journeys(arm: Arm) -> None:
    outcome = reconciled(arm)

    assert outcome.is_clean, "\n".join(tell(outcome)[:60])
    assert outcome.waited_s < EXPECTED_S
    assert outcome.confirmed > 0
