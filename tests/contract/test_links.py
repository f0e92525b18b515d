"""The links of the contract, followed on every running arm: what an answer says can be used as the contract says.

Schemathesis walks them: it makes a request, follows a link with what the answer said, and so on. Making requests takes
longer than answering them, so each walk is made once, by the answers of the first arm; the others are asked the same,
with their own ids in the place of the first one's, and must give the same status.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput

from loadtests.measure.reconcile import tell
from tests.arms import Arm
from tests.contract.known import (
    CATEGORY,
    CHECKS,
    SKUS,
    Known,
    keep_off_the_goods_of_others,
    wait_for_no_payment,
)
from tests.contract.spec import spec
from tests.journeys.books import reconciled

pytestmark = pytest.mark.books

WALKS, STEPS = 12, 12
DIFFERENT = {"id", "payment_id", "order_id", "next_cursor", "sku"}  # names of what each arm calls otherwise
UNDECIDED = {202, 503, 504}  # what a busy machine makes of an order, in one arm and not in another
LAST_PAGE = (None, "null")  # is followed by none
TRIED = {201, 202, 402, 409}  # of an order whose products and customer exist
KEY = "Idempotency-Key"


def links_of_the_contract() -> type[Any]:
    """Return the machine that follows what the file says, and nothing that was guessed from names."""
    schema = schemathesis.openapi.from_dict(without_examples(spec()))
    schema.config.phases.stateful.inference.algorithms = []
    schema.config.generation.update(modes=[GenerationMode.POSITIVE])  # test_live.py sends the others
    return schema.as_state_machine()


def without_examples(node: Any) -> Any:
    """Return a part of the file without its examples: Schemathesis would send them in place of what a link says."""
    if isinstance(node, dict):
        return {name: without_examples(value) for name, value in node.items() if name != "example"}
    return [without_examples(value) for value in node] if isinstance(node, list) else node


class Names:
    """What the first arm calls one way, and another arm another way: ids and cursors."""

    def __init__(self, first: Known, other: Known) -> None:
        self._names = {sku: sku for sku in SKUS}
        for ids, names in ((first.order_ids, other.order_ids), (first.payment_ids, other.payment_ids)):
            self._names |= dict(zip(ids, names, strict=True))

    def learn(self, one_body: Any, other_body: Any) -> None:
        """Compare two answers to the same request."""
        if isinstance(one_body, dict) and isinstance(other_body, dict):
            for name in one_body.keys() & other_body.keys():
                one, other = one_body[name], other_body[name]
                if name in DIFFERENT and isinstance(one, str) and isinstance(other, str):
                    self._names.setdefault(one, other)
                else:
                    self.learn(one, other)
        elif isinstance(one_body, list) and isinstance(other_body, list):
            for one, other in zip(one_body, other_body, strict=False):
                self.learn(one, other)

    def translate(self, text: str) -> str:
        """Return a text of the first arm as the other arm would say it."""
        return re.sub(r"[\w-]+", lambda word: self._names.get(word[0], word[0]), text, flags=re.ASCII)


class Walk:
    """What all walks together came by."""

    def __init__(self, shops: dict[str, Known]) -> None:
        (self.first, self.known), *self.others = shops.items()
        self.names = {name: Names(self.known, known) for name, known in self.others}
        self.statuses: dict[str, Counter[int]] = defaultdict(Counter)  # by link, or by route for a first step
        self.orders: Counter[int] = Counter()
        self.keys = itertools.count(1)
        self.uneven = False  # whether an order of this walk may have become something else in another arm

    def aim(self, step: StepInput) -> None:
        """Let most requests be about what exists, with a key of their own unless a link repeats one."""
        case = step.case
        keep_off_the_goods_of_others(case)
        if case.headers and KEY in case.headers and (ParameterLocation.HEADER, KEY) not in step.applied_parameters:
            case.headers[KEY] = f"{next(self.keys)}-{case.headers[KEY]}"[:128]
        if step.transition is None:
            self._begin_with_ours(case)
        if isinstance(case.body, dict):
            # To JSON Schema 1.0 is an integer, to the shop it is none.
            case.body = json.loads(json.dumps(case.body), parse_float=lambda number: int(float(number)))
            if case.operation.label == "POST /orders":
                buy_ours(case.body)
        wait_for_no_payment(case.body)

    def _begin_with_ours(self, case: Case) -> None:
        if case.operation.label == "GET /products":
            case.query = {**(case.query or {}), "category": CATEGORY}
            case.query.pop("query", None)
            case.query.pop("cursor", None)
        path = case.path_parameters or {}
        if "sku" in path:
            path["sku"] = SKUS[0]
        if "id" in path:
            ids = self.known.payment_ids if case.path.startswith("/payments") else self.known.order_ids
            path["id"] = ids[next(self.keys) % len(ids)]
        if case.path.endswith("/refunds"):
            case.body = {"amount": {"amount": 1, "currency": "EUR"}}

    def send(self, case: Case) -> requests.Response:
        """Ask all arms. Returns the answer of the first."""
        answer = self._ask(self.first, self.known, case, None)
        for name, known in self.others:
            theirs = self._ask(name, known, case, self.names[name])
            self.uneven |= not UNDECIDED.isdisjoint({theirs.status_code, answer.status_code})
            assert self.uneven or theirs.status_code == answer.status_code, (
                f"{case.operation.label}: {self.first} {answer.status_code}, {name} {theirs.status_code}\n"
                f"{answer.text}\n{theirs.text}"
            )
            if answer.ok:
                self.names[name].learn(answer.json(), theirs.json())
        return answer

    def _ask(self, name: str, known: Known, case: Case, names: Names | None) -> requests.Response:
        request = known.prepare(case, known.customer.token)
        if names is not None:
            request.url = known.url + names.translate(str(request.url).removeprefix(known.url))
            if isinstance(request.body, bytes):
                body = names.translate(request.body.decode("latin-1")).encode("latin-1")
                request.prepare_body(body, None)
        answer = known.send(request)
        try:
            case.validate_response(answer, checks=CHECKS)
        except Exception as error:
            error.add_note(f"This was the answer of {name}.")
            raise
        return answer


def buy_ours(order: dict[str, Any]) -> None:
    """Let an order be one of our products, at any price, most often with a card that pays."""
    del order["lines"][len(SKUS) :]
    for line, sku in zip(order["lines"], SKUS, strict=False):
        line["sku"] = sku
    order.pop("expected_total", None)
    order["payment_method"] = "pm_declined" if order["payment_method"].endswith("d") else "pm_ok"


@pytest.fixture(scope="module")
def walk(shops: dict[str, Known]) -> Walk:
    """All walks, done."""
    came_by = Walk(shops)

    class Links(links_of_the_contract()):  # type: ignore[misc]  # the class is made from the file
        def step(self, input: StepInput) -> StepOutput:
            came_by.aim(input)
            output = super().step(input)
            link = input.transition.id if input.transition is not None else input.case.operation.label
            if (input.case.query or {}).get("cursor", "") not in LAST_PAGE:
                came_by.statuses[link][output.response.status_code] += 1
            if input.case.operation.label == "POST /orders":
                came_by.orders[output.response.status_code] += 1
            return output

        def call(self, case: Case, **_: Any) -> Any:
            return schemathesis.Response.from_requests(came_by.send(case), verify=False)

        def validate_response(self, *_: Any, **__: Any) -> None:
            """Done for each arm's answer."""

    # Each by itself: a shop remembers, and Hypothesis takes it for a mistake if the next walk does not find what was
    # there before.
    for number in range(WALKS):
        came_by.uneven = False
        seed(number)(Links)  # the same walks in every run
        Links.run(
            settings=settings(
                max_examples=2,  # the simplest, and one that is drawn
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
        )
    return came_by


def test_a_link_leads_to_what_exists(walk: Walk) -> None:
    statuses: dict[str, Counter[int]] = defaultdict(Counter)
    for link, answered in walk.statuses.items():
        if name := link.partition("] ")[2].partition(" ->")[0]:
            statuses[name] += answered

    # Now and then Schemathesis leaves out what a link says, so one success is asked for; 409: all is refunded already.
    often = {name: followed for name, followed in statuses.items() if followed.total() > 2}
    assert {name: followed for name, followed in often.items() if not {*followed} & {200, 201, 202, 409}} == {}
    assert len(statuses) > 0.6 * len(spec()["components"]["links"]), set(spec()["components"]["links"]) - set(statuses)


def test_most_orders_of_these_walks_are_tried(walk: Walk) -> None:
    tried = sum(count for status, count in walk.orders.items() if status in TRIED)

    assert tried > 0.8 * walk.orders.total() > 20


def test_the_books_add_up_after_these_walks(arms: dict[str, Arm], walk: Walk) -> None:
    assert walk.orders
    outcomes = {name: reconciled(arm) for name, arm in arms.items()}

    assert {name: tell(outcome)[:60] for name, outcome in outcomes.items() if not outcome.is_clean} == {}
