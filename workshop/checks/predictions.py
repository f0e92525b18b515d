"""Lab 11: the plan says when to abort, predicts each step for each build, and what it predicts is what happens."""

from __future__ import annotations

import json

from deploy.runner.console import console
from workshop.checks import require
from workshop.exercise import Exercise
from workshop.gameday import reading
from workshop.gameday.outcome import FILE
from workshop.gameday.plan import BUILDS

PLAN = "workshop/gameday/plans/ours.yaml"


def check(exercise: Exercise) -> None:
    """Read the copy's plan, and have the game day on the copy's shops."""
    exercise.require_copy()
    plan = reading.read(exercise.code / PLAN)
    require(len(plan.steps) >= 2, "The plan has fewer than two steps.")
    for step in plan.steps:
        for build in BUILDS:
            require(step.expected_of(build), f"'{step.name}' predicts nothing for the {build}.")
    with exercise.up(*BUILDS):
        ran = exercise.attempt("gameday", PLAN)
    console.print(ran.stdout, markup=False)
    written = sorted((exercise.code / "reports").glob(f"*/{FILE}"))
    require(written, f"The game day has left no report:\n{ran.stdout[-2000:]}")
    day = json.loads(written[-1].read_text("utf-8"))
    require(not day["stopped"], f"The day was aborted: {day['stopped']}.")
    for step in day["steps"]:
        for one in step["predictions"]:
            require(
                one["verdict"] == "held",
                f"{step['name']}, {one['build']}: you expected {one['text']}, and it was {one['seen']} of "
                f"{one['count']} requests: {one['verdict']}.",
            )
    require(ran.returncode == 0, "The books are not right.")
