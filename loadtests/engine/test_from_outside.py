"""What an experiment measures of an address: its latencies alone, at rates that are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.model.errors import DeployError
from loadtests.engine import from_outside, registry
from loadtests.engine.arm import ArmSpec
from loadtests.engine.budgets import Budget
from loadtests.engine.progress import ProgressReporter
from loadtests.engine.study import Study
from loadtests.experiments import steady
from loadtests.experiments.latency_curve import EXPERIMENT as CURVE
from loadtests.load.elsewhere import ShopElsewhere

SHOP = ArmSpec("https://shop.example", "elsewhere", shop=ShopElsewhere("https://shop.example", "header:abc"))


def study_with(folder: Path, **options: str) -> Study:
    return Study(registry.find("steady"), folder, Budget(None, None), ProgressReporter(), options=options)


def test_nothing_is_probed_or_steered_and_the_set_rate_is_the_one_that_is_compared() -> None:
    declared = from_outside.latencies(CURVE, [SHOP], 30.0, quick=False)

    cells = declared.cells(declared.design)
    levels = {cell.share / cell.load.share for cell in cells}
    assert (declared.costs, declared.peaks, declared.factors, declared.claims) == ((), (), (), {})
    assert {load.rate for load in declared.waits} == {30.0}
    assert levels == {0.5, 1.0, 1.5}
    assert [cell.arm.name for cell in cells if cell.share == 0.5] == [SHOP.name, f"{SHOP.name}-twin"]


def test_goodput_is_compared_with_the_latencies_of_steady() -> None:
    declared = from_outside.latencies(steady.EXPERIMENT, [SHOP], 20.0, quick=False)

    assert [name for name in declared.figures if not name.startswith("latency_")] == ["goodput"]
    assert "latency_order_p99" in declared.figures


def test_no_token_stays_in_the_options_of_a_result(tmp_path: Path) -> None:
    study = study_with(tmp_path, at=SHOP.name, tokens_from="header:secret\nhttps://identity.example")

    assert from_outside.tokens_of(study) == ["header:secret", "https://identity.example"]
    assert study.options == {"at": SHOP.name}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at": "monolith"}, "at=monolith: want addresses"),
        ({"at": "https://shop.example", "rate": "none"}, "rate=none: want arrivals"),
    ],
)
def test_what_is_no_address_or_no_rate_is_named(tmp_path: Path, options: dict[str, str], message: str) -> None:
    study = study_with(tmp_path, **options, tokens_from="header:abc")

    with pytest.raises(DeployError, match=message):
        from_outside.conduct(study, steady.EXPERIMENT)


def test_what_declares_no_waits_takes_no_address() -> None:
    takes = {one.name for one in registry.every() if one.takes_addresses}

    assert takes == {"latency-curve", "steady"}
