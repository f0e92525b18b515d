"""At the terminal: violations first, then the answer; and two results side by side."""

from __future__ import annotations

import copy
import io

from rich.console import Console, RenderableType

from loadtests.report.console import lines_of, list_of_experiments
from loadtests.report.result import Result
from loadtests.report.side_by_side import tables


def rendered(lines: list[RenderableType]) -> str:
    """What a terminal of 100 columns shows of it."""
    console = Console(width=100, record=True, file=io.StringIO())
    for line in lines:
        console.print(line)
    return console.export_text()


def test_the_answer_and_the_figures_are_shown(result: Result) -> None:
    text = rendered(lines_of(result))

    assert text.index("twice the CPU") < text.index("CPU per confirmed order")
    assert "2.20 to 2.60" in text
    assert "right" in text


def test_runs_of_many_rates_are_not_shown_as_one_and_leave_no_empty_table(result: Result) -> None:
    for number, run in enumerate(result["runs"], 1):
        run["rate_target"] = 10.0 * number

    text = rendered(lines_of(result))

    assert "CPU ms per" not in text
    assert "2.20 to 2.60" in text


def test_violations_come_first_and_their_text_is_no_markup(result: Result) -> None:
    result["runs"][0]["violations"] = [
        {"promise": "L2", "about": "order-[bold]9", "seen": "the ledger keeps 5", "expected": "0"}
    ]
    result["runs"][0]["reconciled"] = False

    text = rendered(lines_of(result))

    assert text.index("1 promise was broken") < text.index("twice the CPU")
    assert "order-[bold]9" in text
    assert "WRONG" in text


def test_a_promise_about_a_ratio_is_told_as_kept_or_not(result: Result) -> None:
    result["comparison"]["cpu_order_services_vs_monolith"]["target"] = 2.0

    assert "above 2.0" in rendered(lines_of(result))


def test_two_results_stand_side_by_side(result: Result) -> None:
    other = copy.deepcopy(result)
    other["environment"]["commit"] = "def5678"
    other["comparison"]["cpu_order_services_vs_monolith"].update(ratio=3.4, low=3.2, high=3.6)
    del other["comparison"]["latency_p50_services_vs_monolith"]
    other["comparison"]["memory_services_vs_monolith"] = {"ratio": 2.0, "low": 1.9, "high": 2.1}

    text = rendered(list(tables(result, other)))

    assert "abc1234" in text
    assert "def5678" in text
    assert "apart" in text
    assert "memory_services_vs_monolith" in text
    assert "Microservices" in text


def test_experiments_are_listed_with_what_they_ask(result: Result) -> None:
    assert "What does the same shop cost" in rendered([list_of_experiments({"demo": result["plan"]})])
