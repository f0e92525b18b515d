"""The command `twinshop profile`: where the CPU of an order and of a list goes, in both builds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.runner import LocalRunner
from deploy.model.errors import Unsupported
from deploy.model.home import Home
from deploy.runner.console import console
from deploy.stacks import runner_for


def profile(
    seconds: Annotated[int, typer.Option(min=1, help="How long each build is sampled for each unit of work.")] = 10,
    seed: Annotated[int, typer.Option(help="Decides every request.")] = 8001,
    to: Annotated[Path | None, typer.Option("--page", help="Where the page is written.")] = None,
) -> None:
    """Draw where the CPU of an order and of a list goes: flame graphs of both builds under a steady load."""
    # What measures is slow to import, and `twinshop up` shares this program.
    from loadtests.engine import budgets  # noqa: PLC0415
    from loadtests.engine.arm import BUILDS, arms_up  # noqa: PLC0415
    from loadtests.profiling import page  # noqa: PLC0415
    from loadtests.profiling.flames import top_functions  # noqa: PLC0415
    from loadtests.profiling.profiles import WORKS  # noqa: PLC0415
    from loadtests.profiling.profiles import profile as profile_of  # noqa: PLC0415

    names = [one.name for one in BUILDS]
    if not all(isinstance(runner_for(name), LocalRunner) for name in names):
        raise Unsupported("Only processes of this machine can be profiled, no containers and no Pods.")
    folder = Home.from_environment().root / "profile"
    profiles = []
    with arms_up(names, budgets.of_this_machine(), keep=False) as arms:
        for work in WORKS:
            for arm in arms.values():
                profiles.append(profile_of(arm, work, seconds, folder / arm.name / work.unit, seed))
                flame = profiles[-1].flame
                sampled = [one for one in top_functions(flame, 99) if one.function != one.part]
                dearest = "".join(f" {one.self_ms:.2f} ms: {one.function} in {one.part}" for one in sampled[:1])
                console.print(
                    f"{arm.name:>14}, {work.unit}: {flame.ms:.2f} ms CPU; of a function of its own the most,"
                    f"{dearest or ' nothing was sampled'}",
                    highlight=False,
                )
    console.print(f"Page: [bold]{page.write(to or folder / 'index.html', profiles)}[/]")
