"""What arms do as fast as they go is drawn by the factor that was set for it."""

from __future__ import annotations

import random
from typing import Any

from loadtests.report.conftest import make_run
from loadtests.report.peak_plot import by_factor


def run(build: str, rate: float, factors: dict[str, Any], mix: str = "ordering") -> Any:
    one = make_run("monolith", 1, random.Random(1), rate_target=None, rate_achieved=rate, cpu_ms_per_unit=1000 / rate)
    return one | {"build": build, "factors": factors, "load": {"mix": mix}, "unit": "mix"}


def test_each_arm_is_a_line_and_each_mix_has_views_of_goodput_and_cpu() -> None:
    arms = (("monolith", 90), ("monolith", 110), ("monolith-twin", 500), ("microservices", 50))
    runs = [run(build, rate * cores, {"cores": cores}, mix)
            for mix in ("ordering", "browsing") for cores in (1.0, 2.0) for build, rate in arms]  # fmt: skip

    drawn: Any = by_factor({"runs": runs})  # type: ignore[typeddict-item]

    assert [one["name"] for one in drawn["views"]] == [
        f"{mix}, {name}" for mix in ("ordering", "browsing") for name in ("goodput", "waits beside", "CPU", "memory")
    ]  # fmt: skip
    monolith, services = drawn["views"][0]["data"]
    assert (monolith["x"], monolith["y"]) == ([1.0, 2.0], [100.0, 200.0])
    assert monolith["error_y"]["array"] == [10.0, 20.0]
    assert services["y"] == [50.0, 100.0]


def test_a_single_value_is_drawn_as_bars_and_what_is_no_number_not_at_all() -> None:
    drawn: Any = by_factor({"runs": [run("monolith", 90, {"cores": 1.0})]})  # type: ignore[typeddict-item]

    assert drawn["views"][0]["data"][0]["type"] == "bar"
    assert by_factor({"runs": [run("monolith", 90, {"mix": "rush"})]}) is None  # type: ignore[typeddict-item]
    assert by_factor({"runs": [run("monolith", 90, {})]}) is None  # type: ignore[typeddict-item]
