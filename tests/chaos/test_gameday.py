"""A short game day on both builds: faults strike, hypotheses are judged, an abort and Ctrl-C heal at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY
from tests.arms import Arm
from tests.journeys.books import settle
from workshop.gameday import page
from workshop.gameday.outcome import Outcome
from workshop.gameday.reading import parse
from workshop.gameday.run import GameDay

pytestmark = [pytest.mark.fault, pytest.mark.long]
PAIR = ("monolith", "microservices")
PLAN = """title: Short
load: {profile: 20x12, mix: rush}
abort:
  - {when: all answered < 1 %, for_s: 10}
steps:
  - name: payments die
    fault: kill
    part: payments
    at_s: 3
    for_s: 4
    expect:
      monolith: [all answered < 60 %]
      microservices: [browsing answered >= 95 %, orders confirmed < 50 %, browsing p50 > 60 s]
  - name: mail is slow
    fault: mail-slow
    at_s: 4
    for_s: 4
    expect: [all p99 < 60 s]
"""


def play(arms: dict[str, Arm], folder: Path, text: str) -> tuple[Outcome, list[str]]:
    """Have a game day on both builds, with fresh books; return what came of it, and what was said."""
    for name in PAIR:
        settle(arms[name])
        arms[name].runner.reset()
    lines: list[str] = []
    runners = [arms[name].runner for name in PAIR]
    day = GameDay(parse(text), runners, folder, lines.append, lambda outcome: page.write(outcome, folder))
    return day.run(), lines


def nothing_is_broken(arms: dict[str, Arm]) -> bool:
    return all(arms[name].runner.status().ready for name in PAIR)


def test_a_game_day_strikes_both_builds_in_the_same_seconds_and_judges_each(
    arms: dict[str, Arm], tmp_path: Path
) -> None:
    outcome, _ = play(arms, tmp_path, PLAN)

    assert (outcome.stopped, outcome.violations, set(outcome.books)) == ("", 0, {*PAIR})
    killed = outcome.steps[0].windows
    assert abs(killed["monolith"].began_s - killed["microservices"].began_s) < 1
    verdicts = {(one.build, one.text): one.verdict for one in outcome.predictions}
    assert verdicts["monolith", "all answered < 60 %"] == "held"
    assert verdicts["microservices", "browsing answered >= 95 %"] == "held"
    assert verdicts["microservices", "orders confirmed < 50 %"] == "held"
    assert verdicts["microservices", "browsing p50 > 60 s"] == "refuted"
    assert nothing_is_broken(arms)
    assert "payments die" in (tmp_path / "index.html").read_text("utf-8")


def test_an_abort_heals_at_once_and_injects_nothing_more(arms: dict[str, Arm], tmp_path: Path) -> None:
    text = PLAN.replace("all answered < 1 %, for_s: 10", "orders confirmed < 70 %, for_s: 4").replace("20x12", "20x40")

    outcome, lines = play(arms, tmp_path, text.replace("at_s: 4", "at_s: 30").replace("for_s: 4\n", "for_s: 9\n"))

    assert "orders confirmed < 70 % for 4 s" in outcome.stopped
    assert outcome.stopped_at_s is not None
    assert outcome.stopped_at_s < 14
    healed_s = max(window.healed_s for window in outcome.steps[0].windows.values())
    assert healed_s < outcome.stopped_at_s + 5, lines
    assert outcome.steps[1].windows == {}
    assert nothing_is_broken(arms)
    assert set(outcome.books) == {*PAIR}


def test_ctrl_c_heals(arms: dict[str, Arm], tmp_path: Path) -> None:
    site = arms["monolith"].runner.site
    plan = tmp_path / "long.yaml"
    plan.write_text(
        PLAN.replace("20x12", "10x60").replace("for_s: 4", "for_s: 50").replace("for_s: 10", "for_s: 60"), "utf-8"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "twinshop.cli", "gameday", str(plan)],
        cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"TWINSHOP_HOME": site.data, "TWINSHOP_PORT_SHIFT": str(site.shift)},
    )  # fmt: skip
    assert process.stdout is not None
    assert any("kill payments" in line for line in iter(process.stdout.readline, "")), "nothing was injected"
    time.sleep(2)

    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=40)[0]

    assert "it was stopped by hand" in rest
    assert nothing_is_broken(arms)
