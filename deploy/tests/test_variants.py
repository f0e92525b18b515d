"""A part can be run by another command, which its setting VARIANT names; the process itself never hears of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.compose.project import Project
from deploy.local import launch
from deploy.model import keys
from deploy.model.errors import UnknownTarget
from deploy.model.home import Home
from deploy.model.parts import Part, Site, Stack
from deploy.model.topology import stack

COMMAND = ("python", "-m", "variants.crowded")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def shop(home: Home) -> Stack:
    """The monolith, with a variant of its application."""
    plain = stack("monolith", Site(keys.ensure(home.keys), keys=str(home.keys), data=str(home.root)))
    web = replace(plain.part("web"), variants={"crowded": COMMAND})
    return replace(plain, parts=tuple(web if part.name == "web" else part for part in plain.parts))


def launched(home: Home, shop: Stack, part: Part, settings: dict[str, str]) -> launch.Launch:
    return launch.prepare(home, shop, part, 0, secrets=keys.load(home.keys), extra=settings)


def test_a_variant_is_another_command_with_settings_of_its_own(home: Home, shop: Stack) -> None:
    plain = launched(home, shop, shop.part("web"), {})
    variant = launched(home, shop, shop.part("web"), {"VARIANT": "crowded", "CROWD": "8"})

    assert plain.command[1:] == ("-m", "monolith.app")
    assert variant.command[1:] == COMMAND[1:]
    assert variant.environment.items() - plain.environment.items() == {("CROWD", "8")}


def test_tracing_starts_whatever_command_a_part_has_unless_it_is_written_in_another_language(shop: Stack) -> None:
    tracing, web, launcher = {"TRACE_SAMPLING": "0.01"}, shop.part("web"), ("python", "-m", "variants.tracing")
    node = replace(web, command=("node", "main.js"))

    assert web.command_with(tracing) == (*launcher, "monolith.app")
    assert web.command_with({**tracing, "VARIANT": "crowded"}) == (
        "python",
        "-m",
        "variants.tracing",
        "variants.crowded",
    )
    assert node.command_with(tracing) == node.command


def test_a_variant_that_there_is_not_is_refused_by_name(shop: Stack) -> None:
    with pytest.raises(UnknownTarget, match=r"web has no variant 'empty'; there are: crowded\."):
        shop.part("web").command_with({"VARIANT": "empty"})


def test_a_container_runs_a_variant_in_an_image_of_its_own(
    home: Home, shop: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.compose.project.stack_of", lambda *_: shop)
    project = Project("monolith", home, None)
    project.state.environment = {"web": {"VARIANT": "crowded", "CROWD": "8"}}

    web = project.overlay()["services"]["monolith-web"]

    assert web["command"] == list(COMMAND)
    assert web["image"] == "twinshop/monolith-variants:local"
    assert web["build"]["args"] == {"BASE": "twinshop/monolith:local"}
    assert web["environment"] == {"CROWD": "8"}
