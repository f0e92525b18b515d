"""Requests that nobody thought of, at every running arm: no 5xx, and no answer that the contract does not list.

Schemathesis makes them from the contract, valid and invalid ones, which takes longer than to answer them: each request
is made once and sent to all arms. Half of the ids are of things that exist, so that requests get past the first check.
"""

from __future__ import annotations

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.generation import GenerationMode

from loadtests.measure.reconcile import tell
from tests.arms import Arm
from tests.contract.known import (
    CHECKS,
    ORDERS,
    SKU,
    Known,
    keep_off_the_goods_of_others,
    wait_for_no_payment,
)
from tests.contract.spec import spec
from tests.journeys.books import reconciled

pytestmark = pytest.mark.books

REQUESTS = {GenerationMode.POSITIVE: 25, GenerationMode.NEGATIVE: 35}  # for each operation: some 15 s an arm in all
NOTHING_TO_GET_WRONG = {("GET /categories", GenerationMode.NEGATIVE)}
TOKENS = (0, 0, 0, 1, 2, None)  # see Known.tokens

_schema = schemathesis.openapi.from_dict(spec())
OPERATIONS = {operation.label: operation for operation in (result.ok() for result in _schema.get_all_operations())}


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
        statuses = {}
        for name, known in shops.items():
            answer = send(case, known, existing, token, is_signed=is_signed)
            statuses[name] = answer.status_code
            try:
                case.validate_response(answer, checks=CHECKS)
            except Exception as error:
                error.add_note(f"This was the answer of {name}.")
                raise
        assert len(set(statuses.values())) == 1, statuses

    ask()


def test_the_books_add_up_after_these_requests(arms: dict[str, Arm], shops: dict[str, Known]) -> None:
    assert shops
    outcomes = {name: reconciled(arm) for name, arm in arms.items()}

    assert {name: tell(outcome)[:60] for name, outcome in outcomes.items() if not outcome.is_clean} == {}


def aim(case: Case, data: st.DataObject) -> None:
    """Point a request at things that exist, half of the time, and never at the goods of other tests."""
    keep_off_the_goods_of_others(case)
    path = case.path_parameters or {}
    if "sku" in path:
        path["sku"] = data.draw(st.sampled_from([path["sku"], SKU]), "sku")
    if case.path == "/orders":
        wait_for_no_payment(case.body)
        _aim_at_stock(case.body, data)
    if isinstance(case.body, dict) and case.path.endswith("/refunds") and data.draw(st.booleans(), "little"):
        case.body["amount"] = {"amount": data.draw(st.integers(1, 20), "cents"), "currency": "EUR"}


def _aim_at_stock(body: object, data: st.DataObject) -> None:
    lines = body.get("lines") if isinstance(body, dict) else None
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
    request = known.prepare(case, None if token is None else known.tokens[token])
    if is_signed:
        known.sign(request)
    return known.send(request)
