"""A million orders in hours, and in money at stated prices."""

from __future__ import annotations

import pytest

from loadtests.report.money import BadPrice, of_a_million, prices, sentences
from loadtests.report.result import Result


def test_hours_of_a_million_orders(result: Result) -> None:
    for run in result["runs"]:  # 60 orders in 10 s at 3.6 s of CPU, so 60 ms of CPU an order, 6 orders/s
        run["cpu_ms_by_part"], run["memory_mb_by_part"] = {"web": 3600.0}, {"web": 500.0, "db": 100.0}

    one = of_a_million(result)[0]

    assert one.orders_per_s == pytest.approx(6.0)
    assert one.cpu_hours == pytest.approx(60e-3 * 1e6 / 3600)
    assert one.gb_hours == pytest.approx(0.6 * 1e6 / 6 / 3600)


def test_money_is_named_only_at_stated_prices(result: Result) -> None:
    assert "for an hour of a core" not in "".join(sentences(result))

    result["options"] = {"price_cpu_hour": "0.04", "price_gb_hour": "0"}

    (one, *_), (sentence, *_) = of_a_million(result), sentences(result)
    assert f": {one.cpu_hours * 0.04:,.2f} at 0.04 for an hour of a core and 0 for an hour of a GB." in sentence


def test_memory_that_was_not_measured_costs_nothing_and_is_not_named(result: Result) -> None:
    for run in result["runs"]:
        run["memory_mb_by_part"] = {}
    result["options"] = {"price_cpu_hour": "0.04", "price_gb_hour": "0.01"}

    assert "GB" not in "".join(sentences(result))


@pytest.mark.parametrize("options", [{"price_cpu_hour": "1"}, {"price_cpu_hour": "x", "price_gb_hour": "1"},
                                  {"price_cpu_hour": "-1", "price_gb_hour": "1"}])  # fmt: skip
def test_half_a_price_and_no_number_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(BadPrice):
        prices(options)
