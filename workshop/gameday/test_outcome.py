"""What came of a game day: verdicts while it runs and at the end, and the page that is drawn of it."""

from __future__ import annotations

import re

import pytest

from loadtests.load.conditions import parse
from loadtests.load.generator.record import Outcome as Fate
from loadtests.load.generator.record import Row
from loadtests.measure.impact import FaultWindow
from workshop.gameday import page
from workshop.gameday.outcome import Outcome, Prediction, StepOutcome, by_second


def row(due_s: float, latency_ms: float = 10, outcome: Fate = "ok", journey: str = "list") -> Row:
    return Row(1, due_s, due_s, latency_ms, latency_ms, journey, "", 200, "", outcome)


def a_day(**changes: object) -> Outcome:
    """A game day of two builds with one step, over."""
    step = StepOutcome(
        "payments <die>", "kill", "payments", {}, ("monolith", "microservices"), 2, 3,
        {"microservices": FaultWindow("", 2, 2.2, 5, 5.4)},
        [Prediction("microservices", "browsing p99 < 300 ms", "held", "12 ms", 120),
         Prediction("monolith", "all answered < 50 %", "not shown", "too few requests", 0)],
    )  # fmt: skip
    books = {"waited_s": 1.2, "late": False, "confirmed": 7, "looked_at": {"S1": 3}, "violations": []}
    rows = [row(second / 10) for second in range(80)]
    day = Outcome(
        "Ours <b>", "", "twinshop gameday ours", "2026-11-29T05:00:00+00:00", 1,
        {"profile": "10x10", "mix": "rush", "payment_methods": {}}, 10.0, ["errors > 5 % for 3 s"],
        ["monolith", "microservices"], [step], now_s=10.0, is_over=True,
        seconds={name: by_second(rows, 10) for name in ("monolith", "microservices")},
        books={"monolith": books, "microservices": books},
    )  # fmt: skip
    for name, value in changes.items():
        setattr(day, name, value)
    return day


def test_a_hypothesis_is_compared_while_it_runs_and_remembers_when_it_failed_first() -> None:
    condition, prediction = parse("errors < 10 %"), Prediction("monolith", "errors < 10 %")

    verdicts = []
    good, bad = [row(1)] * 10, [row(2, outcome="error")] * 2
    for at_s, rows in ((1, bad), (2, good), (3, good + bad), (9, good * 3 + bad)):
        prediction.look(condition, rows, at_s, is_final=at_s == 9)
        verdicts.append(prediction.verdict)

    assert verdicts == ["waiting", "held", "refuted", "held"]
    assert prediction.refuted_at_s == 3


def test_too_few_requests_show_nothing_in_the_end() -> None:
    prediction = Prediction("monolith", "p99 < 1 s")

    prediction.look(parse("p99 < 1 s"), [row(1)] * 99, 5, is_final=True)

    assert (prediction.verdict, prediction.seen) == ("not shown", "too few requests")


def test_seconds_without_a_request_are_gaps() -> None:
    seconds = by_second([row(0.5), row(0.9, 30, "unanswered"), row(2.1)], 4)

    assert [(one.due, one.answered) for one in seconds] == [(2, 1), (0, 0), (1, 1), (0, 0)]
    assert seconds[1].p99 is None


def test_the_page_tells_what_was_injected_predicted_seen_and_the_books_and_escapes_all() -> None:
    text = page.render(a_day())

    assert "Microservices: 1 of 1 hypothesis held, 0 refuted, 0 not shown." in text
    assert "payments &lt;die&gt;" in text
    assert "<b>" not in re.sub(r"<b>S1</b>|<b>not any more</b>", "", text)
    assert "not any more" in text  # the monolith's was not injected
    assert "books right, 7 confirmed orders" in text
    assert "location.reload()" not in text
    assert not re.search(r'(src|href)="http', text)
    assert len(text) < 100_000


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stopped": "microservices: errors > 5 %", "stopped_at_s": 4.0}, "aborted after 4 s, and all was healed"),
        ({"is_over": False, "now_s": 3.0}, "It runs: 3 of 10 s."),
        ({"is_over": False, "now_s": 0.0}, "It is being prepared"),
        ({"is_over": False}, "Monolith: 0 of 1 hypothesis held, 0 refuted, 1 still open."),
        ({"is_over": False}, "location.reload()"),
        ({"books": {}}, "Not checked: the day was stopped."),
        ({"void": {"monolith": ["late"]}}, "not what was planned (late)"),
    ],
)
def test_the_page_says_when_it_is_not_the_whole_day(changes: dict[str, object], sentence: str) -> None:
    assert sentence in page.render(a_day(**changes))


def test_a_broken_promise_is_said_first() -> None:
    broken = {"promise": "S1", "about": "order-7", "seen": "-1", "expected": "0"}
    books = {"waited_s": 1.2, "late": False, "confirmed": 7, "looked_at": {"S1": 3}, "violations": [broken]}

    text = page.render(a_day(books={"monolith": books}))

    assert "Monolith: 1 promise broken" in text
    assert "broken 1 times" in text
