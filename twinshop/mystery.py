"""The command `twinshop mystery`: something is broken; find it, and name it."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer
from rich.table import Table

from deploy.model.home import Home
from deploy.runner.console import console
from twinshop.stacks import Choice, StackOption

STARTED = """Something is broken: in one shop, in the other, or in both.
Let customers in (`twinshop load`, the room), look, and say what it is: `twinshop mystery --answer 'FAULT PART BUILD'`.
`--list` says what it can be, `--hint` helps and costs points."""


def mystery(
    stack: StackOption = Choice.both,
    seed: Annotated[int | None, typer.Option(help="The same seed is the same mystery; a new one if none.")] = None,
    answer: Annotated[str, typer.Option(help="What is broken, and where: 'disk-full orders monolith'.")] = "",
    hint: Annotated[bool, typer.Option("--hint", help="A hint, which costs points.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Tell it, and heal.")] = False,
    choices: Annotated[bool, typer.Option("--list", help="What it can be.")] = False,
) -> None:
    """Break something that nobody names, in one shop or both; or answer what it is."""
    from workshop.mystery import play  # noqa: PLC0415  (most commands need nothing of it)
    from workshop.mystery.case import Desk  # noqa: PLC0415
    from workshop.mystery.mysteries import MYSTERIES  # noqa: PLC0415

    desk = Desk(Home.from_environment())
    if choices:
        table = Table("answer", "what it is")
        for one in MYSTERIES.values():
            table.add_row(one.name, one.what)
        console.print(table)
        console.print("With where it is: monolith, microservices or both.")
    elif hint:
        console.print(play.hint(desk))
    elif answer:
        if not play.take(desk, stack.require_shops(), answer, console.print):
            raise typer.Exit(1)
    elif give_up:
        case = desk.require()
        console.print(f"It was `{case.name}` in {' and '.join(case.builds)}: {case.mystery.what}.")
        play.debrief(desk, case, stack.running_shops, console.print)
    elif (on := desk.open_case()) is not None:
        console.print(f"A mystery is on since {on.began_at}: {on.hints} hints, {on.wrong} wrong answers, "
                      f"{on.points} points left.")  # fmt: skip
    else:
        play.begin(desk, stack.require_shops(), secrets.randbelow(10_000) if seed is None else seed)
        console.print(STARTED)
