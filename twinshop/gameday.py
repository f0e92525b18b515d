"""The command `twinshop gameday`: a plan's faults and load on the shops that are up, and its timeline."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from deploy.model.errors import DeployError
from deploy.model.home import Home
from deploy.runner.console import console
from twinshop.experiments import REPORTS
from twinshop.stacks import Choice, StackOption

NOT_AS_IT_SHOULD_BE = 1


def gameday(
    plan: Annotated[str, typer.Argument(help="A YAML file, or the name of a plan; without one all are listed.")] = "",
    stack: StackOption = Choice.both,
    pace: Annotated[float, typer.Option(min=0.1, max=10, help="All times of the plan times this.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Draws the random faults; the plan's own if none is given.")] = None,
) -> None:
    """Break what a plan says, in both shops at once, and see what was predicted; Ctrl-C heals."""
    from workshop.gameday import page, reading  # noqa: PLC0415  (most commands need nothing of it)
    from workshop.gameday.run import GameDay  # noqa: PLC0415
    from workshop.mystery.case import Desk  # noqa: PLC0415

    if not plan:
        table = Table("plan", "", "seconds", "steps")
        for path in reading.shipped():
            one = reading.read(path)
            table.add_row(path.stem, one.title, f"{one.load.duration_s:.0f}", str(len(one.schedule())))
        console.print(table)
        return
    path = reading.find(plan)
    read = reading.read(path).at_pace(pace)
    runners = stack.require_shops()
    if Desk(Home.from_environment()).open_case():
        raise DeployError("A mystery is on, and a game day heals all in the end: answer it first, or `twinshop mystery "
                          "--give-up`.")  # fmt: skip
    from loadtests.report.result import INDEX, new_folder  # noqa: PLC0415

    folder = new_folder(REPORTS, f"gameday-{path.stem}")
    options = [f"--pace {pace:g}"] * (pace != 1) + [f"--seed {seed}"] * (seed is not None)
    try:
        day = GameDay(
            read, runners, folder, lambda line: console.print(line, markup=False),
            lambda outcome: page.write(outcome, folder),
            command=" ".join(["twinshop gameday", plan, *options]), seed=seed,
        )  # fmt: skip
    except ValueError as error:
        raise DeployError(str(error)) from None
    console.print(f"{read.title}: {read.load.duration_s:.0f} s, on {' and '.join(day.outcome.builds)}.")
    console.print(f"Report: {folder / INDEX}")  # it is there from now on, and loads itself anew
    page.write(day.outcome, folder)
    outcome = day.run()
    for line in [*page.answer(outcome), *_told_of_books(outcome.books)]:
        console.print(line, markup=False)
    console.print(f"Report: [bold]{folder / INDEX}[/]")
    if outcome.stopped or outcome.violations:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _told_of_books(books: dict[str, dict[str, object]]) -> list[str]:
    return [f"{build}: the books are {'WRONG' if book['violations'] else 'right'}" for build, book in books.items()]
