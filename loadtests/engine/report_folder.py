"""Runs an experiment in a report's folder of its own: result.json, results.csv and the page that is drawn of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from deploy.model.home import REPOSITORY
from loadtests.engine import budgets
from loadtests.engine.progress import ProgressReporter
from loadtests.engine.registry import Experiment
from loadtests.engine.study import Study
from loadtests.report import page, result, tidy
from loadtests.report.result import Result

REPORTS = REPOSITORY / "reports"


def conduct(
    experiment: Experiment, *, quick: bool, seed: int, options: Mapping[str, str] | None = None,
    cores: int = 1, reports: Path = REPORTS,
) -> tuple[Result, Path]:  # fmt: skip
    """Run it, write and draw its result, and return that with its folder. Raises what the experiment does."""
    budget = budgets.of_this_machine(cores)
    folder = result.new_folder(reports, experiment.name)
    try:
        with ProgressReporter() as progress:
            study = Study(
                experiment=experiment, folder=folder, budget=budget, progress=progress, seed=seed,
                quick=quick, options=options or {},
            )  # fmt: skip
            outcome = experiment.load()(study)
    except BaseException:
        with contextlib.suppress(OSError):  # where something was measured, that stays
            folder.rmdir()
        raise
    result.write(outcome, folder)
    tidy.write(outcome, folder)
    page.draw(folder, lambda _: experiment.plots())
    result.point_latest(folder)
    return outcome, folder
