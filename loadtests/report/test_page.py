"""The page says first what is wrong, needs nothing from the network, and is drawn from result.json alone."""

from __future__ import annotations

import json
import random
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from loadtests.measure.verdict import NEVER_MET
from loadtests.report import page, sections
from loadtests.report import result as results
from loadtests.report.conftest import make_run
from loadtests.report.figures import all_figures
from loadtests.report.plot import axes, bars, figure, shares_over_time, view
from loadtests.report.result import Result
from loadtests.report.words import build_name, count_of, interval, number, percent, sentence_of_list, slug, times

WRONG = {"promise": "S3", "about": "order-<b>7</b>", "seen": "2 captures", "expected": "at most one"}

ARMS = ("monolith-twin", "monolith-1%", "services-bare", "direct", "64 threads")


@pytest.fixture(autouse=True)
def _short_plotly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the library out: parsing its 5 MB takes a second."""
    monkeypatch.setattr(page, "plotly", lambda: Markup("// the library"))


class Text(HTMLParser):
    """Collects the visible text of a page, and what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self.scripts = 0
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is loaded, and skip scripts and styles."""
        self._hidden = tag in ("script", "style")
        self.scripts += tag == "script"
        self.loads += [value or "" for name, value in attrs if name == "src" or (name == "href" and tag == "link")]

    def handle_endtag(self, tag: str) -> None:
        """Text counts again."""
        self._hidden = False

    def handle_data(self, data: str) -> None:
        """Keep what a reader sees."""
        if not self._hidden:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All that a reader sees, in order."""
        return " ".join(" ".join(self.words).split())


def test_the_page_is_drawn_from_the_result_alone(result: Result, tmp_path: Path) -> None:
    results.write(result, tmp_path)

    path = page.draw(tmp_path)

    text = Text(path.read_text("utf-8")).text
    assert text.index("costs the services twice the CPU") < text.index("The figures")
    for words in ("What this says about the claims", "Where it was measured", "Every run", "seed 7", "C12"):
        assert words in text


def test_the_page_loads_nothing_and_carries_the_library_once(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    html = page.render(result, "x")
    monkeypatch.undo()

    assert Text(html).loads == []
    assert page.render(result, "x").count("plotly.js v") == 1


def test_violations_are_the_first_thing_said(result: Result) -> None:
    result["runs"][1]["violations"] = [WRONG]
    result["runs"][1]["reconciled"] = False

    html = page.render(result, "x")

    text = Text(html).text
    assert text.index("1 promise was broken") < text.index("twice the CPU")
    assert "order-<b>7</b>" in text  # as text, not as a tag
    assert "books right:" not in text


def test_what_ended_differently_in_the_builds_is_a_violation_too(result: Result) -> None:
    result["violations"] = [{**WRONG, "promise": "L8"}]

    assert "1 promise was broken" in Text(page.render(result, "x")).text


def test_what_chaos_never_met_is_written_and_shown(result: Result, tmp_path: Path) -> None:
    result["violations"] = [{**WRONG, "promise": NEVER_MET}]

    results.write(result, tmp_path)

    assert "1 promise was broken" in Text(page.render(results.read(tmp_path), "x")).text


def test_void_runs_are_named_and_count_nowhere(result: Result) -> None:
    chance = random.Random(1)
    result["runs"].append(make_run("monolith", 7, chance, void=True, void_reasons=["sent 5 of 10"]))

    text = Text(page.render(result, "x")).text

    assert "1 of 7 runs is void" in text
    assert "sent 5 of 10" in text
    assert "books right: 6 checks, 360 confirmed orders" in text


def test_books_that_are_closed_once_are_of_all_slices(result: Result) -> None:
    *before, last = result["runs"]
    for run in before:
        run["reconciled"] = None
    last["reconciliation"]["confirmed"] = 9800

    assert "books right: 1 check, 9,800 confirmed orders" in Text(page.render(result, "x")).text


def test_hostile_text_stays_text(result: Result) -> None:
    result["comparison"]["cpu_order_services_vs_monolith"]["what"] = "</script><script>alert(1)</script>"

    parsed = Text(page.render(result, "x"))

    assert parsed.scripts == 3
    assert "alert(1)" in parsed.text


def test_every_colour_of_a_plot_is_one_of_the_page_in_light_and_dark(result: Result) -> None:
    result["runs"] += [{**result["runs"][0], "build": arm, "number": 7} for arm in ARMS]
    used = set(
        re.findall(r"colour:([a-z0-9-]+):", json.dumps(all_figures(result)) + (page.HERE / "page.js").read_text())
    )
    light, dark = (page.HERE / "page.css").read_text().split("@media")[0].split(':root[data-theme="dark"]')
    colours = page.arm_colours(run["build"] for run in result["runs"])
    of_arms = dict(re.findall(r"--([a-z0-9-]+): var\(--([a-z0-9-]+)\);", colours))

    assert {slug(arm) for arm in ARMS} <= used & of_arms.keys()
    assert len(set(of_arms.values())) == len(ARMS)
    for block in (light, dark):
        assert used - of_arms.keys() | set(of_arms.values()) <= set(re.findall(r"--([a-z0-9-]+): #[0-9a-f]{6}", block))


@pytest.mark.parametrize(
    ("arm", "name"),
    [
        ("monolith", "Monolith"),
        ("microservices-twin", "Microservices, restarted twin"),
        ("services-bare", "Microservices, bare"),
        ("monolith-1%", "Monolith, 1 % traced"),
        ("no-tokens", "No tokens"),
        ("64 threads", "64 threads"),
        ("monolith:web.WEB_THREADS=64-twin", "monolith:web.WEB_THREADS=64, restarted twin"),
        ("https://shop.example-twin", "https://shop.example, second series"),
        ("monolith on compose", "monolith on compose"),
    ],
)
def test_an_arm_has_a_name_that_nobody_had_to_list(arm: str, name: str) -> None:
    assert build_name(arm) == name


def test_plots_of_an_experiment_come_first_and_those_without_data_are_left_out(result: Result) -> None:
    own = figure("own", "Its own", "Read it.", [view("", [bars("", ["a"], [1.0], "good")], axes())])

    figures = all_figures(result, (lambda _: own, lambda _: None))

    assert [plot["id"] for plot in figures[:2]] == ["own", "ratios"]


def test_a_band_marks_when_the_fault_lasted_and_shares_are_of_what_was_due() -> None:
    timeline = shares_over_time(
        "%", {"a": ([1, 0, 4], [2, 0, 4])}, (1, 2), 1, {"a": ("good", "solid"), "b": ("bad", "")}
    )

    assert timeline["data"][0]["y"] == [50, None, 100]
    assert [(shape["x0"], shape["x1"]) for shape in timeline["layout"]["shapes"]] == [(1, 2)]
    assert len(timeline["data"]) == 1  # an arm without data is left out


def test_the_plots_of_a_comparison_are_there(result: Result) -> None:
    figures = {figure["id"]: figure for figure in all_figures(result)}

    assert list(figures) == ["ratios", "latency", "cpu-mix", "memory", "runs"]
    assert [view["name"] for view in figures["latency"]["views"]] == [
        "all requests",
        "place an order",
        "list 20 products",
    ]
    stacked = {trace["name"] for trace in figures["cpu-mix"]["views"][0]["data"]}
    assert {"web", "db", "orders", "orders-db", "broker", "edge"} <= stacked


def test_the_bars_of_a_searched_capacity_are_not_called_an_interval(result: Result) -> None:
    for row in result["comparison"].values():
        row["pairs"] = 1
    (plot,) = [figure for figure in all_figures(result) if figure["id"] == "ratios"]

    assert "no confidence interval" in plot["reading"]
    assert "95 %" not in json.dumps(plot)


def test_cpu_by_part_adds_up_to_cpu_per_order(result: Result) -> None:
    (plot,) = [figure for figure in all_figures(result) if figure["id"] == "cpu-mix"]

    count = sum(
        x for trace in plot["views"][0]["data"] for x, y in zip(trace["x"], trace["y"], strict=True) if y == "Monolith"
    )

    runs = [run for run in result["runs"] if run["build"] == "monolith"]
    spent = sum(sum(run["cpu_ms_by_part"].values()) for run in runs)
    assert count == pytest.approx(spent / sum(run["orders_confirmed"] for run in runs))


def test_a_result_with_one_slice_and_no_latency_can_be_drawn(result: Result) -> None:
    run = result["runs"][0]
    run.update(latency_ms=None, histograms={}, reconciled=None, reconciliation={}, counted={}, unit="list")
    run.update(cpu_ms_per_order=None, rate_target=None, memory_mb_by_part={}, build="floor")
    result["runs"], result["comparison"] = [run], {}

    assert "Floor (pgbench)" in Text(page.render(result, "x")).text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (0.04567, "0.0457"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")],  # noqa: RUF001
)
def test_figures_are_shown_with_three_digits_that_mean_something(value: float | None, text: str) -> None:
    assert number(value) == text


def test_words() -> None:
    assert times({"ratio": 2.94, "low": 2.6, "high": 3.21}) == "2.9 times (2.6 to 3.2)"
    assert times({"ratio": 0.42, "low": 1e-6, "high": 160_000.0}) == "0.42 times (too wide to tell)"
    assert percent(0.0123) == "1.2 %"
    assert interval({"ratio": 2.0, "low": 2.0, "high": 2.0}) == "none"
    assert (count_of(0, 1502), count_of(3, 1502)) == ("0 of 1,502 (at most 0.20 %)", "3 of 1,502")
    assert sentence_of_list(["a", "b", "c"]) == "a, b and c"


def test_a_slow_request_links_to_its_trace(result: Result) -> None:
    verdict = "Most of the time was spent in payments itself."
    slow = {"run": 1, "build": "monolith", "journey": "order", "latency_ms": 812.4, "trace": "6f1c9f0e" * 4}
    result["details"] = {"slow_traces": [{**slow, "page": "run-01-monolith/trace-1.html", "verdict": verdict}]}

    html = page.render(result, "now")

    assert 'href="run-01-monolith/trace-1.html"' in html
    assert verdict in Text(html).text


def test_the_badge_of_books_says_where_only_an_address_showed_them(result: Result) -> None:
    badges = [badge["text"] for badge in sections.badges(result, [])]
    result["details"] = {"elsewhere": ["https://shop.example"]}

    of_an_address = [badge["text"] for badge in sections.badges(result, [])]

    assert badges[0].startswith("books right: ")
    assert of_an_address[0].startswith("books right, as far as an address shows them: ")
