"""The saga keeps its promises in every interleaving, and each safeguard is there for a reason."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from tests.model.explore import Finding, explore
from tests.model.saga import Design, start


@pytest.fixture(scope="module")
def finding() -> Finding:
    return explore(Design())


def test_the_saga_keeps_its_promises_in_every_interleaving(finding: Finding) -> None:
    assert not finding.broken, (finding.broken, finding.path)
    assert finding.ends > 100


@pytest.mark.parametrize(
    "step",
    [
        "orders dies",
        "payments dies",
        "recovery overlaps",
        "out of stock",
        "reserve unanswered",
        "late reservation arrives",
        "provider unanswered",
        "late charge arrives: voided",
        "charged again: captured",
        "charge sent again by orders",
        "voided",
        "event order refund_due",
        "event payment captured, twice",
    ],
)
def test_the_exploration_has_reached(finding: Finding, step: str) -> None:
    assert step in finding.reached


@pytest.mark.parametrize("safeguard", [field.name for field in fields(Design)])
def test_without_this_safeguard_a_promise_breaks(safeguard: str) -> None:
    finding = explore(replace(Design(), **{safeguard: False}))

    assert finding.broken, f"{finding.states:,} states and {safeguard} was never needed"
    assert finding.path


def test_three_customers_and_one_unit_without_faults() -> None:
    finding = explore(Design(), start(orders=3, crashes=0, timeouts=0, duplicates=0, overlaps=0))

    assert not finding.broken, (finding.broken, finding.path)
