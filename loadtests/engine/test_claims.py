"""The claims are asked one after the other; what fails or is stopped keeps nothing else from being asked, or kept."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.model.home import REPOSITORY
from loadtests.engine import claims, registry
from loadtests.engine.claim_experiments import ASKS, Ask
from loadtests.engine.claims import Claims
from loadtests.report.claims import CLAIMS
from loadtests.report.test_page import Text

EXPERIMENT = '''"""Fake: {name} says something of a claim.

Question: Is it so?

Hypothesis: Yes.

Load: None.

What is held equal: Everything.

How to read it: Not at all.
"""
import time
from pathlib import Path

from loadtests.engine import rows
from loadtests.report.headline import Headline, Value

HERE = Path(__file__).parent
HEADLINES = {{"{claim}": lambda result: Headline("a figure of {name}", "ms", (Value("monolith", 7.0),), "One look.")}}


def run(study):
    with (HERE / "asked.txt").open("a") as file:
        print("{name}", study.quick, file=file)
    {trouble}
    study.runs.append(rows.bare(1, "monolith", 1, "mix", 1))
    return study.result(answer=["So it is."], comparison={{}}, findings={{"{claim}": ("{verdict}", "Because.")}})
'''
FAILS = "raise RuntimeError('the broker [bold] went away')"


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINSHOP_HOME", str(tmp_path / "home"))  # stacks that a failure leaves up are stopped


def experiment(folder: Path, claim: str, trouble: str = "pass", verdict: str = "supported") -> None:
    name = f"fake_{claim.lower()}"
    text = EXPERIMENT.format(name=name, claim=claim, trouble=trouble, verdict=verdict)
    (folder / f"{name}.py").write_text(text)


def of(folder: Path, *names: str) -> Claims:
    asks: Mapping[str, Ask] = {claim: Ask(f"fake-{claim.lower()}", 5, "More of it.") for claim in names}
    return Claims(
        folder / "reports", asks=asks, find=lambda name: registry.from_file(folder / f"{name.replace('-', '_')}.py")
    )


def ask(survey: Claims, *again: str, full: bool = False) -> tuple[list[str], list[str]]:
    """Ask what is missing, or these; return what has no answer, and what was told."""
    lines: list[str] = []
    form = "full" if full else "quick"
    return survey.ask(list(again) or survey.missing(form), full=full, seed=1, tell=lines.append), lines


def runs_of(folder: Path) -> list[str]:
    return (folder / "asked.txt").read_text().splitlines()


def test_every_claim_is_asked_of_an_experiment_that_leads_with_a_figure_of_it() -> None:
    assert list(ASKS) == list(CLAIMS)
    assert [claim for claim, one in ASKS.items() if claim not in registry.find(one.experiment).headlines()] == []


def test_the_plot_that_a_claim_names_is_one_of_its_experiment() -> None:
    named = {one.plot: registry.find(one.experiment) for one in ASKS.values() if one.plot}
    sources = {plot: one.source.parent for plot, one in named.items() if one.plots()}  # others have the report's plots

    assert sources
    for plot, folder in sources.items():
        assert any(f'"{plot}"' in path.read_text("utf-8") for path in folder.glob("*.py")), plot


def test_an_experiment_has_no_headline_of_what_a_result_lacks() -> None:
    leads = [lead for one in ASKS.values() for lead in registry.find(one.experiment).headlines().values()]

    assert [lead({"details": {}}) for lead in leads] == [None] * len(leads)  # type: ignore[typeddict-item]


def test_a_second_run_goes_on_with_what_is_missing_and_a_failure_is_on_the_page(tmp_path: Path) -> None:
    experiment(tmp_path, "C1")
    experiment(tmp_path, "C2", trouble=FAILS)
    experiment(tmp_path, "C3", verdict="refuted")

    unanswered, lines = ask(of(tmp_path, "C1", "C2", "C3"))

    assert unanswered == ["C2"]
    assert any("RuntimeError: the broker \\[bold] went away" in line for line in lines)
    # What fails is asked once more, after all others.
    assert runs_of(tmp_path) == ["fake_c1 True", "fake_c2 True", "fake_c3 True", "fake_c2 True"]
    page = Text(of(tmp_path, "C1", "C2", "C3").page.read_text("utf-8")).text
    assert "Indicative: 1 supported, 1 refuted; 1 failed" in page
    assert "It failed: RuntimeError: the broker [bold] went away (see fake-c2.log)" in page
    assert "a figure of fake_c1 Monolith 7.0 ms" in page

    experiment(tmp_path, "C2")
    assert ask(of(tmp_path, "C1", "C2", "C3"))[0] == []
    assert runs_of(tmp_path)[4:] == ["fake_c2 True"]
    assert "It failed" not in of(tmp_path, "C1", "C2", "C3").page.read_text("utf-8")


def test_one_that_says_nothing_is_asked_once_more(tmp_path: Path) -> None:
    experiment(tmp_path, "C1", verdict="not measured")
    experiment(tmp_path, "C2")

    assert ask(of(tmp_path, "C1", "C2"))[0] == ["C1"]

    assert runs_of(tmp_path) == ["fake_c1 True", "fake_c2 True", "fake_c1 True"]


def test_all_are_asked_anew_and_what_is_there_stays_until_it_is_replaced(tmp_path: Path) -> None:
    experiment(tmp_path, "C1")
    ask(of(tmp_path, "C1"))
    assert of(tmp_path, "C1").missing("quick") == []
    time.sleep(1)  # reports are told apart by the second

    of(tmp_path, "C1").start_over("quick")

    assert of(tmp_path, "C1").missing("quick") == ["C1"]
    assert [one.verdict for one in of(tmp_path, "C1").answers()] == ["supported"]


def test_a_full_form_stands_before_a_quick_one_and_will_do_for_it(tmp_path: Path) -> None:
    experiment(tmp_path, "C1", verdict="refuted")
    ask(of(tmp_path, "C1"), full=True)
    experiment(tmp_path, "C1")
    ask(of(tmp_path, "C1"), "C1")

    (answer,) = of(tmp_path, "C1").answers()

    assert runs_of(tmp_path) == ["fake_c1 False", "fake_c1 True"]
    assert (answer.verdict, answer.is_indicative) == ("refuted", False)
    assert of(tmp_path, "C1").missing("quick") == []


def test_quick_forms_begin_nothing_that_would_not_end_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LIMIT_S", 10.0)
    experiment(tmp_path, "C1", trouble=FAILS)
    experiment(tmp_path, "C2")

    unanswered, lines = ask(of(tmp_path, "C1", "C2"))

    assert unanswered == ["C1", "C2"]
    assert lines[-1] == "Half an hour is nearly over: C2 and C1 can be asked later."
    assert runs_of(tmp_path) == ["fake_c1 True"]


def test_a_slow_machine_is_told_to_take_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = itertools.count(step=60)  # a minute for each look at the clock, at the beginning and before each claim
    monkeypatch.setattr(claims, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    asks = {claim: Ask(f"fake-{claim.lower()}", 5, "More.", quick_s=30) for claim in ("C1", "C2", "C3")}
    for claim in asks:
        experiment(tmp_path, claim)

    survey = of(tmp_path, *asks)
    survey.asks = asks
    _, lines = ask(survey)

    # Two minutes have gone where half of one was expected: four times as long, for two claims of half a minute.
    expected = ["2 minutes to go", "4 minutes to go"]
    assert [line.partition("about ")[2].partition(")")[0] for line in lines if "to go" in line][:2] == expected


def test_ctrl_c_keeps_what_is_there_and_the_page_says_what_is_not(tmp_path: Path) -> None:
    experiment(tmp_path, "C1")
    experiment(tmp_path, "C2", trouble="time.sleep(60)")
    script = (
        "from pathlib import Path; from loadtests.engine.test_claims import ask, of; from twinshop.cli import guard;"
        f"import sys; sys.exit(guard(lambda: ask(of(Path({str(tmp_path)!r}), 'C1', 'C2'))))"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stderr=subprocess.PIPE) as process:
        log = tmp_path / "asked.txt"
        while not (log.exists() and "fake_c2" in log.read_text()):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)

        assert process.wait(20) == 130

    assert of(tmp_path, "C1", "C2").missing("quick") == ["C2"]
    page = Text(of(tmp_path, "C1", "C2").page.read_text("utf-8")).text
    assert "Indicative: 1 supported; 1 not asked yet" in page
    experiment(tmp_path, "C2")
    assert ask(of(tmp_path, "C1", "C2"))[0] == []
    assert runs_of(tmp_path)[2:] == ["fake_c2 True"]


def test_a_reason_of_ours_is_told_without_the_name_of_its_class(tmp_path: Path) -> None:
    trouble = "from deploy.model.errors import MissingProgram; raise MissingProgram('node is not on this machine.')"
    experiment(tmp_path, "C10", trouble=trouble)

    ask(of(tmp_path, "C10"))

    (answer,) = of(tmp_path, "C10").answers()
    assert answer.failure == "node is not on this machine."
