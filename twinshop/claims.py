"""The command `twinshop claims`: all twelve claims asked on this machine, and one page with what came of them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from deploy.model.errors import DeployError
from deploy.model.home import Home
from deploy.runner.console import console
from twinshop.experiments import Seed
from twinshop.stacks import Choice

INTERRUPTED = "Stopped: what was measured is kept and on the page, and the same command goes on with what is missing."


def claims(
    claim: Annotated[list[str] | None, typer.Argument(help="Ask these again (C3 C8), not what is missing.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The full forms: hours, which can go on tomorrow.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Ask all of them anew.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Ask nothing: draw the page of what is there.")] = False,
    record: Annotated[bool, typer.Option("--record", help="The same, and begin a decision record with it.")] = False,
    seed: Seed = 8001,
) -> None:
    """Ask all twelve claims on this machine, in half an hour at most, and write one page with the answers."""
    from loadtests.engine.claims import Claims  # noqa: PLC0415  (what measures is slow to import)
    from workshop.claims import predictions, write_record  # noqa: PLC0415

    home, form = Home.from_environment(), "full" if full else "quick"
    survey = Claims(predictions=predictions(home))
    failed: list[str] = []
    if show or record:
        survey.draw()
    else:
        if unknown := [one for one in claim or () if one not in survey.asks]:
            raise DeployError(f"There is no claim {', '.join(unknown)}; there are {', '.join(survey.asks)}.")
        if up := [runner.stack.name for runner in Choice.all.running]:
            raise DeployError(f"{', '.join(up)} would share the cores with what is measured: `twinshop down` first.")
        if again:
            survey.start_over(form)
        missing = list(claim or survey.missing(form))
        console.print(f"Page: [bold]{survey.draw()}[/]")  # it is there from now on, and grows
        if not missing:
            console.print(f"All twelve have been asked ({form} forms): `twinshop claims --again` asks them anew.")
        try:
            failed = survey.ask(missing, full=full, seed=seed, tell=console.print)
        except KeyboardInterrupt:
            console.print(INTERRUPTED)
            raise
    table = Table("claim", "", "on this machine", "from")
    for one in survey.answers():
        table.add_row(one.claim, one.text, one.in_words, one.report)
    console.print(table)
    if record:
        console.print(f"Your decision record: {write_record(home)}", markup=False)
    console.print(f"Page: [bold]{survey.page}[/]")
    if failed:
        raise typer.Exit(1)
