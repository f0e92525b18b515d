"""Every experiment says what it asks, expects and holds equal, in its docstring."""

from __future__ import annotations

import pytest

from loadtests.experiments import registry
from loadtests.experiments.registry import MODULES, NoSuchExperiment


@pytest.mark.parametrize("name", MODULES)
def test_an_experiment_says_all_five_things(name: str) -> None:
    experiment = registry.find(name)

    assert all(experiment.plan.values())
    assert experiment.plan["question"].endswith("?")
    assert "\n" not in experiment.plan["load"]


def test_an_underscore_is_as_good_as_a_dash() -> None:
    assert registry.find("three_rulers").name == "three-rulers"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NoSuchExperiment, match="demo, bench"):
        registry.find("blast")


def test_a_section_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="Hypothesis, Load"):
        registry.read_plan("Title.\n\nQuestion: Why?\n\nWhat is held equal: All.\n\nHow to read it: Slowly.")
