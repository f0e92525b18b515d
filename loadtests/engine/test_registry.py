"""Every experiment says what it asks, expects and holds equal, in its docstring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.model.home import REPOSITORY
from loadtests.engine import registry
from loadtests.engine.registry import NoSuchExperiment
from loadtests.report.result import Environment

NAMES = [experiment.name for experiment in registry.every()]
OURS = (REPOSITORY / "docs" / "experiments" / "more_threads.py").read_text("utf-8")


def test_the_experiments_are_discovered() -> None:
    assert len(NAMES) >= 20
    assert {"demo", "framework", "bench", "steady", "deploy", "three-rulers", "overhead-ladder"} < set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_draws_nothing_of_what_a_result_lacks(name: str) -> None:
    bare: Any = {"details": {}}

    assert [plot(bare) for plot in registry.plots_of(name)] == [None] * len(registry.plots_of(name))


def test_the_result_of_an_experiment_that_is_not_here_has_the_general_plots() -> None:
    assert registry.plots_of("somebodys") == ()


def test_the_report_names_no_experiment() -> None:
    folder = REPOSITORY / "loadtests" / "report"
    ours = "".join(
        path.read_text("utf-8") for path in folder.iterdir() if path.suffix == ".py" and "test" not in path.stem
    )

    names = set(NAMES) - set(Environment.__annotations__)  # an experiment may be about what a machine has
    assert [name for name in names if f'"{name}"' in ours.replace("_", "-")] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_says_all_five_things_and_can_be_loaded(name: str) -> None:
    experiment = registry.find(name)

    assert all(experiment.plan.values())
    assert experiment.plan["question"].endswith("?")
    assert "\n" not in experiment.plan["load"]
    assert callable(experiment.load())


def test_an_experiment_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "my_experiment.py"
    path.write_text(OURS)

    experiment = registry.from_file(path)

    assert experiment.name == "my-experiment"
    assert experiment.plan["question"].startswith("Does an order take more CPU")
    assert len(OURS.splitlines()) <= 40
    assert callable(experiment.load())


@pytest.mark.parametrize("text", ["x = (", '"""Nothing."""', None])
def test_a_file_that_holds_no_experiment_is_named(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)

    with pytest.raises(NoSuchExperiment, match=r"mine\.py holds no experiment"):
        registry.from_file(path)


def test_a_file_with_a_protocol_and_nothing_to_run_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OURS.partition("from loadtests")[0])

    with pytest.raises(NoSuchExperiment, match="neither an EXPERIMENT nor a function"):
        registry.from_file(path).load()


def test_a_module_of_another_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "somebodys.py").write_text(OURS)
    info = tmp_path / "somebodys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebodys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[twinshop.experiments]\ntheirs = somebodys\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert callable(registry.find("theirs").load())


def test_an_underscore_is_as_good_as_a_dash() -> None:
    assert registry.find("three_rulers").name == "three-rulers"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NoSuchExperiment, match="bench, blast-radius"):
        registry.find("blast")


def test_a_section_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="Hypothesis, Load"):
        registry.read_plan("Title.\n\nQuestion: Why?\n\nWhat is held equal: All.\n\nHow to read it: Slowly.")
