"""The page of the claims has a word for every state of a claim, says no more than was measured, and loads nothing."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from markupsafe import Markup

from loadtests.report import claims_page, page
from loadtests.report.claims import CLAIMS, table, verdict_of
from loadtests.report.claims_page import Answer
from loadtests.report.headline import Headline, Value, ratios, share_of, single
from loadtests.report.plot import axes, bars, figure, view
from loadtests.report.result import Result
from loadtests.report.test_page import Text

NOW = datetime(2026, 1, 3, tzinfo=UTC)
HERE = "abc1234"
LEAD = Headline("answered while payments was killed", "%", (share_of("monolith", 0, 60), share_of("services", 60, 60)),
                "One fault.")  # fmt: skip
PLOT = figure("first", "What a fault takes", "Rows are faults.", [view("", [bars("", ["a"], [1], "monolith")], axes())])
WRONG = {"promise": "S3", "about": "order-7", "seen": "2 captures", "expected": "at most one"}


@pytest.fixture(autouse=True)
def _short_plotly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "plotly", lambda: Markup("// the library"))


def answer(claim: str, result: Result | None = None, verdict: str = "supported", **more: object) -> Answer:
    """Return the answer to a claim; with a result, one that gives this verdict."""
    if result is not None:
        result = copy.deepcopy(result)
        result["claims"] = table({claim: (verdict, f"Evidence of {claim}.")})
        result["quick"] = bool(more.pop("quick", True))
        more = {"headline": LEAD, "plot": PLOT, "report": f"20260102-{claim}"} | more
    fields = {"experiment": "somebodys", "would_show": f"A longer run of {claim}.", "full_form": "make it", **more}
    return Answer(claim, full_minutes=20, result=result, **fields)  # type: ignore[arg-type]


def in_every_state(result: Result) -> list[Answer]:
    """Return an answer in each of the states that a claim can be in."""
    guesses = [("What can customers still do?", "Nothing at all")]
    wrong = copy.deepcopy(result)
    wrong["violations"].append(WRONG)  # type: ignore[arg-type]
    return [
        answer("C1", result, predictions=guesses), answer("C2", result, "refuted"), answer("C3", result, "not shown"),
        answer("C4", result, "not measured"), answer("C5", result, quick=False), answer("C6", wrong),
        answer("C7", failure="node is not on this machine"), answer("C8", result, failure="no port was free"),
        answer("C9"), *(answer(claim, result) for claim in ("C10", "C11", "C12")),
    ]  # fmt: skip


def text_of(*answers: Answer, commit: str = HERE) -> str:
    return Text(claims_page.render(answers, commit, NOW)).text


def test_a_quick_form_is_indicative_and_never_more(result: Result) -> None:
    text = text_of(answer("C1", result), answer("C2", result, "refuted"), answer("C3", result, "not shown"))

    assert "Indicative: 1 supported, 1 refuted; 1 not shown" in text
    assert "✓ indicative: supported" in text
    assert "✗ indicative: refuted" in text
    assert "All are from quick forms: indicative, never more." in text


def test_a_full_form_gives_a_verdict(result: Result) -> None:
    text = text_of(answer("C1", result, quick=False))

    assert "✓ supported" in text
    assert "indicative: " not in text


@pytest.mark.parametrize("verdict", ["not shown", "not measured"])
def test_what_is_not_shown_says_what_would_show_it_and_what_is_shown_does_not(result: Result, verdict: str) -> None:
    text = text_of(answer("C1", result), answer("C3", result, verdict))

    assert "What would show it: A longer run of C3." in text
    assert "A longer run of C1." not in text


def test_each_claim_has_its_figure_interval_evidence_plot_and_full_form(result: Result) -> None:
    html = claims_page.render([answer("C1", result)], HERE, NOW)

    text = Text(html).text
    assert CLAIMS["C1"] in text
    assert "0 to 6 %" in text  # 0 of 60
    assert "94 to 100 %" in text
    assert "Evidence of C1." in text
    assert 'id="plot-C1"' in html
    assert "the full form: make it (20 minutes or so)" in text
    assert Text(html).loads == []


def test_a_claim_that_failed_says_why_and_one_that_was_not_asked_says_that() -> None:
    text = text_of(answer("C1", failure="<b>node</b> is not on this machine"), answer("C2"))

    assert "1 failed, 1 not asked yet" in text
    assert "It failed: <b>node</b> is not on this machine" in text
    assert "Nothing has been measured yet." in text


def test_a_newer_attempt_that_failed_stands_beside_the_older_result(result: Result) -> None:
    text = text_of(answer("C1", result, failure="no port was free"))

    assert "✓ indicative: supported" in text
    assert "A newer attempt failed: no port was free" in text


def test_results_of_another_commit_are_named(result: Result) -> None:
    assert "The code is at abc1234" not in text_of(answer("C1", result))

    text = text_of(answer("C1", result), answer("C2", result), commit="fff0000")

    assert "The code is at fff0000, and some results are not: C1 and C2 of abc1234." in text


def test_wrong_books_prove_nothing_whatever_the_result_says(result: Result) -> None:
    result["violations"].append(WRONG)  # type: ignore[arg-type]

    text = text_of(answer("C1", result))

    assert "! proves nothing" in text
    assert "Promises were broken in C1" in text
    assert "supported" not in text.replace("not the same as refuted", "")


def test_runs_that_count_for_nothing_are_told_with_the_reason(result: Result) -> None:
    result["runs"][1] |= {"void": True, "void_reasons": ["requests left late"]}

    text = text_of(answer("C7", result, "not measured"))

    assert "Void: Microservices: requests left late." in text


def test_a_prediction_stands_beside_what_was_measured(result: Result) -> None:
    text = text_of(answer("C1", result, predictions=[("What can customers still do?", "<i>nothing</i>")]))

    assert "What can customers still do? You predicted: <i>nothing</i>" in text


def test_a_machine_that_was_busy_or_bound_nothing_is_said(result: Result) -> None:
    result["environment"]["load_average"] = [4.0]
    result["environment"]["budgets"]["enforced"] = False

    text = text_of(answer("C1", result))

    assert "The load was still high before C1, from the experiment before" in text
    assert "shared cores in C1" in text


def test_a_headline_needs_all_its_figures_and_tells_an_interval_that_says_nothing(result: Result) -> None:
    known = {"CPU": "cpu_order_services_vs_monolith"}

    lead = ratios(result, "an order", known)

    assert lead is not None
    assert [lead.text_of(one.value) for one in lead.values] == ["2.4 times"]
    assert [lead.interval(one) for one in lead.values] == ["2.20 to 2.60"]
    assert lead.interval(Value("services", 0.4, 1e-6, 1e5)) == "too wide to tell"
    assert ratios(result, "an order", known | {"wait": "no_such_figure"}) is None
    assert single("goodput", "/s", [("monolith", 3.0), ("services", None)], "One pass.") is None


@pytest.mark.parametrize(
    ("verdicts", "of_claim"),
    [
        (("higher", "higher"), "supported"),
        (("lower", "lower"), "refuted"),
        (("higher", "not shown"), "not shown"),
        (("too few pairs", "too few pairs"), "not shown"),
    ],
)
def test_a_claim_is_shown_where_all_its_ratios_are(verdicts: tuple[str, ...], of_claim: str) -> None:
    assert verdict_of(*({"verdict": one} for one in verdicts)) == of_claim  # type: ignore[typeddict-item, misc]
