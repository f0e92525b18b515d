"""A stack whose applications are of another commit: their commands and folders are, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import launch
from deploy.model import keys
from deploy.model.checkout import Checkout
from deploy.model.home import Home
from deploy.model.topology import THIS

OLD = Checkout("0123456789ab", "/elsewhere", "/elsewhere/.venv/bin/python")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("name", ["monolith", "microservices", "colocated"])
def test_applications_and_resets_are_of_the_commit_that_the_folder_names(home: Home, name: str) -> None:
    secrets = keys.ensure(home.keys)
    _, here = launch.stack_at(home, secrets, THIS, name, 0)
    OLD.write(home.stack(name))

    _, there = launch.stack_at(home, secrets, THIS, name, 0)

    path = {"PYTHONPATH": "/elsewhere", "PYTHONSAFEPATH": "1"}
    for before, after in [*zip(here.parts, there.parts, strict=True), *zip(here.resets, there.resets, strict=True)]:
        if before.command[:2] == ("python", "-m"):
            assert after.command == (OLD.python, *before.command[1:])
            assert after.environment == {**before.environment, **path}
        else:
            assert after == before
    assert {part.command[0] for part in there.parts} == {OLD.python, "envoy", "postgres"} | (
        {"nats-server"} if name != "monolith" else set()
    )


def test_a_variant_is_of_that_commit_too(home: Home) -> None:
    OLD.write(home.stack("monolith"))
    _, stack = launch.stack_at(home, keys.ensure(home.keys), THIS, "monolith", 0)

    assert stack.part("web").command_with({"VARIANT": "fastapi"})[0] == OLD.python


def test_what_a_commit_lacks_is_named(home: Home, tmp_path: Path) -> None:
    _, stack = launch.stack_at(home, keys.ensure(home.keys), THIS, "monolith", 0)
    tree = tmp_path / "tree"
    (tree / "monolith").mkdir(parents=True)
    for file in ("app.py", "reset.py"):
        (tree / "monolith" / file).touch()
    checkout = replace(OLD, folder=str(tree))

    without_package = checkout.lacks(stack)  # what is here would be run in its place
    (tree / "monolith" / "__init__.py").touch()
    (tree / "monolith" / "reset.py").unlink()

    assert without_package == ["monolith.app", "monolith.reset"]
    assert checkout.lacks(stack) == ["monolith.reset"]
