"""The commands `twinshop fault` and `twinshop heal`."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy.faults import notes, vocabulary
from deploy.faults.injection import during, heal_everything
from deploy.model.errors import DeployError
from deploy.model.home import Home
from deploy.runner.console import console
from twinshop.stacks import Choice, StackOption

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
LONGEST_S = 3600.0


def fault(
    name: Annotated[str, typer.Argument(help="Which fault; `list` shows all.")] = "list",
    part: Annotated[
        str, typer.Option("--part", help="A part, module, replica or connection: payments, orders:sql.")
    ] = "",
    stack: StackOption = Choice.both,
    lasts: Annotated[str, typer.Option("--for", help="How long: 30s, 500ms, 2m.")] = "30s",
    setting: Annotated[list[str] | None, typer.Option("--set", help="NAME=NUMBER, a parameter of the fault.")] = None,
) -> None:
    """Break something for a while; it is healed at the end, and at Ctrl-C."""
    if name == "list":
        console.print(_table())
        return
    vocabulary.find(name)
    seconds, parameters = duration_s(lasts), dict(_parameter(item) for item in setting or [])
    running = stack.require_shops()
    if len(running) != 1:
        names = " and ".join(runner.stack.name for runner in running)
        example = f"--stack {running[0].stack.name} (with make: STACK={running[0].stack.name})"
        raise DeployError(f"A fault strikes one shop, and {names} are up: say which, such as {example}.")
    shop = running[0].stack.name
    with (
        during(running[0], name, part, parameters) as injected,
        notes.noted(Home.from_environment(), shop, name, injected.part, seconds),
    ):
        console.print(f"{shop}: {name} {injected.part} for {lasts}")
        _wait(seconds)
    console.print(f"Healed after {injected.healed_at - injected.began_at:.1f} s.")


def heal(stack: StackOption = Choice.all) -> None:
    """Heal whatever is broken on purpose in the stacks that are up."""
    from workshop.mystery.case import Desk  # noqa: PLC0415  (most commands need nothing of it)

    home = Home.from_environment()
    has_mystery = Desk(home).healed_by_hand()
    for runner in stack.running:
        healed = heal_everything(runner)
        notes.forget(home, runner.stack.name)
        summary = ", ".join(healed) or "nothing is broken on purpose any more"
        console.print(f"{runner.stack.name}: {'healed, and no word of what' if has_mystery else summary}.")


def duration_s(text: str) -> float:
    """Return the seconds in `30s`, `500ms`, `2m` or `30`. Raises DeployError."""
    number = text.rstrip("ms")
    unit = text[len(number) :] or "s"
    try:
        seconds = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        raise DeployError(f"'{text}' is no duration; write 30s, 500ms or 2m.") from None
    if not 0 < seconds <= LONGEST_S:
        raise DeployError(f"A fault lasts more than nothing and at most {LONGEST_S:.0f} s.")
    return seconds


def _parameter(item: str) -> tuple[str, float]:
    name, _, value = item.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise DeployError(f"'{item}' is no parameter; write NAME=NUMBER.") from None


def _table() -> Table:
    table = Table("fault", "what it does", "on", "parameters")
    for one in vocabulary.FAULTS.values():
        parameters = ", ".join(f"{name}={value:g}" for name, value in one.parameters.items())
        table.add_row(one.name, one.what, one.where, parameters)
    return table


def _wait(seconds: float) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("broken", total=seconds)
        ends_at = time.monotonic() + seconds
        while (left_s := ends_at - time.monotonic()) > 0:
            progress.update(task, completed=seconds - left_s)
            time.sleep(min(left_s, 0.2))
