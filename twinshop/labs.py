"""The commands of `twinshop` for the course: `lab`, and two that the labs use: `buy` and `rows`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY, Home
from deploy.model.ports import port_shift
from deploy.runner.console import console
from twinshop.stacks import Choice, StackOption

RECORD_LAB = 10  # its exercise is a text, and no code
Number = Annotated[int, typer.Argument(help="Which lab; without a number all are listed.")]


def lab(
    number: Number = 0,
    yes: Annotated[bool, typer.Option("--yes", help="Run every command without asking.")] = False,
    predict: Annotated[list[str] | None, typer.Option(help="A prediction, one after the other.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Start the lab over; with --start: put a changed copy aside first.")
    ] = False,
    start: Annotated[bool, typer.Option("--start", help="Begin the exercise: make its copy of the code.")] = False,
    shell: Annotated[bool, typer.Option("--shell", help="Open a shell in the exercise's copy.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Check the exercise.")] = False,
    solution: Annotated[bool, typer.Option("--solution", help="Begin the exercise anew and solve it.")] = False,
    report_to: Annotated[str, typer.Option(help="Tell your instructor's page how far you are: its address.")] = "",
    name: Annotated[str, typer.Option("--as", help="With --report-to: under which name, any you like.")] = "",
    report_off: Annotated[bool, typer.Option("--report-off", help="Tell it no more.")] = False,
) -> None:
    """Go through a lab of the workshop, step by step; or begin and check its exercise."""
    from workshop import labs  # noqa: PLC0415  (most commands need nothing of it)

    if report_to or report_off:
        _report(report_to, name)
        return
    if not number:
        console.print(_list())
        return
    selected = labs.find(number)
    if start or shell or check or solution:
        _exercise(selected, start=start, shell=shell, check=check, solution=solution, again=again)
        return
    from workshop.classroom.reporting import Reporter  # noqa: PLC0415
    from workshop.guide import Guide, is_attended  # noqa: PLC0415
    from workshop.progress import Progress  # noqa: PLC0415

    home = Home.from_environment()
    progress = Progress(home)
    if again:
        progress.start_over(number)
    attended = is_attended() and not yes
    guide = Guide(selected, progress, unattended=not attended, predictions=iter(predict or []), reporter=Reporter(home))
    if not guide.go():
        raise typer.Exit(1)


def buy(
    stack: StackOption = Choice.both,
    card: Annotated[str, typer.Option(help="A test card, such as pm_ok, pm_declined, pm_timeout.")] = "pm_ok",
    lines: Annotated[int, typer.Option(min=1, max=20, help="How many products to buy.")] = 1,
    key: Annotated[str, typer.Option(help="The Idempotency-Key; a new one if none is given.")] = "",
    customer: Annotated[
        str, typer.Option(help="Who buys: any name, for the demo gives a token to anybody.")
    ] = "amara-okafor",
) -> None:
    """Place an order in every shop that is up, and say what was answered."""
    from workshop.customer import Visitor  # noqa: PLC0415

    for runner in stack.require_shops():
        visitor = Visitor.at(runner, customer)
        answer = visitor.buy(*((sku, 1) for sku in visitor.some_skus(lines)), card=card, key=key)
        result = answer.body.get("status") if answer.status in (201, 202) else answer.body.get("code", "no answer")
        order = answer.headers.get("location", answer.headers.get("Location", "")).removeprefix("/orders/") or "-"
        console.print(
            f"{runner.stack.name}: {answer.status} {result} after {answer.waited_ms:.0f} ms, order {order}, "
            f"request {answer.trace_id or '-'}"
        )


def rows(
    order_id: Annotated[str, typer.Argument(help="An order; `last` for the newest one of each shop.")] = "last",
    stack: StackOption = Choice.both,
) -> None:
    """Show every row that the shops' databases hold about an order."""
    from workshop.rows import about, newest  # noqa: PLC0415

    running = stack.require_shops()
    line_count = 0
    for runner in running:
        order = newest(runner) if order_id == "last" else order_id
        for table in about(order, runner):
            for line in table.lines():
                line_count += 1
                console.print(f"{runner.stack.name:<14} {line}", markup=False)
    if not line_count:
        raise DeployError(f"No database of {' and '.join(runner.stack.name for runner in running)} knows it.")


def classroom(
    bind: Annotated[str, typer.Option(help="The address it listens at; 0.0.0.0 for a room.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Another port than 8070 (and the shift).")] = 0,
) -> None:
    """Show an instructor how far those are who report: no accounts, names of their choice, nothing kept."""
    from workshop.classroom.server import PORT, serve  # noqa: PLC0415

    own_port = port or PORT + port_shift()
    where = bind if bind != "0.0.0.0" else "THIS-MACHINE"  # noqa: S104
    console.print(f"The room's progress: [bold]http://{where}:{own_port}[/]")
    console.print(f"Who wants to reports: `twinshop lab --report-to http://{where}:{own_port} --as NAME`", markup=False)
    serve(bind, own_port)


def _report(url: str, name: str) -> None:
    from workshop.classroom import reporting  # noqa: PLC0415

    home = Home.from_environment()
    if url:
        reporting.choose(home, url, name)
        console.print(f"{url} is told from now on how far you are in each lab, as {name}; `--report-off` ends it.",
                      markup=False)  # fmt: skip
    else:
        console.print("Nothing is reported any more." if reporting.leave(home) else "Nothing was reported.")


def _exercise(selected: object, *, start: bool, shell: bool, check: bool, solution: bool, again: bool) -> None:
    from workshop.checks import check_of  # noqa: PLC0415
    from workshop.classroom.reporting import Reporter  # noqa: PLC0415
    from workshop.exercise import Exercise  # noqa: PLC0415
    from workshop.labs import Lab  # noqa: PLC0415
    from workshop.progress import Progress, now  # noqa: PLC0415

    assert isinstance(selected, Lab)
    home = Home.from_environment()
    exercise = Exercise(selected, home)
    if selected.number == RECORD_LAB and (start or shell or solution):
        from workshop.claims import write_record  # noqa: PLC0415

        console.print(f"Your decision record, yours to write: {write_record(home)}", markup=False)
        return
    if start or solution:
        exercise.start(again=again)
        if solution:
            exercise.solve()
        console.print(f"Your copy of the code: {exercise.code}", markup=False)
        console.print(f"A shell in it: `twinshop lab {selected.number} --shell`")
    if check:
        check_of(selected.number)(exercise)
        progress = Progress(home)
        progress.of(selected.number).solved_at = now()
        progress.keep()
        Reporter(home).tell()
        console.print(f"[green]The exercise of lab {selected.number} is solved.[/]")
    if shell:
        raise typer.Exit(exercise.shell())


def _list() -> Table:
    from workshop import labs  # noqa: PLC0415
    from workshop.progress import Progress  # noqa: PLC0415

    progress = Progress(Home.from_environment())
    table = Table("lab", "", "commands", "exercise", "file")
    for one in labs.every():
        record = progress.of(one.number)
        total = sum(len(section.steps) for section in one.sections)
        state = "done" if record.done_at else f"step {record.steps_done} of {total}" if record.steps_done else ""
        row = (str(one.number), one.title, state, "solved" if record.solved_at else "")
        table.add_row(*row, str(one.path.relative_to(REPOSITORY)))
    return table
