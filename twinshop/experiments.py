"""The commands of `twinshop` that measure and report: each a thin line over an experiment or a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY
from deploy.model.topology import SHOPS
from deploy.runner.console import console
from deploy.stacks import is_offered, runner_for
from twinshop.stacks import name_and_value

if TYPE_CHECKING:
    from loadtests.report.result import Result

REPORTS = REPOSITORY / "reports"

Arm = Annotated[str, typer.Argument(help="Such as monolith, or monolith:web.WEB_THREADS=64.", show_default=False)]
Quick = Annotated[bool, typer.Option("--quick", help="The short form: fewer and shorter runs.")]
Seed = Annotated[int, typer.Option(help="Decides the order of the runs and every request.")]
Folder = Annotated[Path, typer.Argument(help="A report's folder, such as reports/latest.")]
# What an experiment asks of the load and the machine beyond its own defaults, such as --set mix=ordering.
Settings = Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE, an option of this experiment.")]


TokensFrom = Annotated[
    list[str] | None,
    typer.Option(
        help="For addresses: the identity provider's, 'header:Authorization: Bearer TOKEN' or 'command:...', which "
        "prints tokens. One for all, or one for each."
    ),
]
At = Annotated[list[str] | None, typer.Option(help="A shop elsewhere, such as https://shop.example:8443. Repeatable.")]
Rate = Annotated[float, typer.Option(min=0.1, max=5000, help="With an address: arrivals/s at each arm.")]
Price = Annotated[float | None, typer.Option(min=0, help="What an hour of it costs you: told for a million orders.")]


def demo(quick: Quick = False, seed: Seed = 8001) -> None:
    """Start both shops, prove that they behave the same, compare them, write the report."""
    _conduct("demo", quick=quick, seed=seed)


def bench(quick: Quick = False, seed: Seed = 8001, price_cpu_hour: Price = None, price_gb_hour: Price = None) -> None:
    """Measure the CPU of one order and of one list against the database's floor, all arms in one run."""
    _conduct("bench", quick=quick, seed=seed, options=_prices(price_cpu_hour, price_gb_hour))


def chaos(
    minutes: Annotated[float, typer.Option(help="How long both builds together may take, about.")] = 5.0,
    seed: Seed = 8001,
    setting: Settings = None,
) -> None:
    """Kill processes, databases and the broker at random under load; nothing may be lost."""
    options = dict(name_and_value(item) for item in setting or [])
    _conduct("chaos", quick=False, seed=seed, options=options | {"minutes": str(minutes)})


def experiment(
    name: Annotated[str, typer.Argument(help="Which one; without a name all are listed.")] = "",
    quick: Quick = False,
    seed: Seed = 8001,
    setting: Settings = None,
    file: Annotated[Path | None, typer.Option(help="Instead of a name: a file that holds an experiment.")] = None,
    cores: Annotated[int, typer.Option(min=0, help="Cores of a build, and replicas of each part; else one.")] = 0,
    price_cpu_hour: Price = None,
    price_gb_hour: Price = None,
    at: At = None,
    tokens_from: TokensFrom = None,
    rate: Rate = 20.0,
) -> None:
    """Run an experiment and write its report."""
    if not name and file is None:
        from loadtests.engine.registry import every  # noqa: PLC0415  (see _conduct)
        from loadtests.report.console import list_of_experiments  # noqa: PLC0415

        console.print(list_of_experiments({one.name: one.plan for one in every()}))
        return
    options = dict(name_and_value(item) for item in setting or []) | _prices(price_cpu_hour, price_gb_hour)
    options |= {"cores": str(cores)} if cores else {}
    if at:
        options |= {"at": " ".join(at), "tokens_from": "\n".join(tokens_from or []), "rate": f"{rate:g}"}
    _conduct(name, quick=quick, seed=seed, options=options, file=file, cores=cores or 1)


def compare(
    a: Arm,
    b: Arm,
    tokens_from: TokensFrom = None,
    rate: Rate = 20.0,
    sessions: Annotated[int | None, typer.Option(min=2, help="How often everything is started afresh.")] = None,
    quick: Quick = False,
    seed: Seed = 8001,
    setting: Settings = None,
) -> None:
    """Compare any two things: settings, commits, variants, containers, or addresses of shops elsewhere.

    An arm is a build, and what follows it, in this order and as needed: +VARIANT, :PART.SETTING=VALUE (with commas
    between several), @COMMIT, and ' on compose' for containers. Or it is an address.

    twinshop compare monolith monolith:web.WEB_THREADS=64

    twinshop compare microservices@main~20 microservices

    twinshop compare monolith+fastapi 'monolith on compose'

    twinshop compare https://one.example https://other.example --tokens-from "header:Authorization: Bearer TOKEN"
    """
    options = dict(name_and_value(item) for item in setting or []) | {"a": a, "b": b, "rate": f"{rate:g}"}
    options |= {"sessions": str(sessions)} if sessions else {}
    _conduct("compare", quick=quick, seed=seed, options=options | {"tokens_from": "\n".join(tokens_from or [])})


def _prices(cpu: float | None, memory: float | None) -> dict[str, str]:
    if (cpu is None) != (memory is None):
        raise typer.BadParameter("say both, --price-cpu-hour and --price-gb-hour, or neither")
    return {} if cpu is None else {"price_cpu_hour": f"{cpu:g}", "price_gb_hour": f"{memory:g}"}


def report(folder: Folder = REPORTS / "latest") -> None:
    """Draw a report again, from its result.json alone."""
    from loadtests.engine.registry import plots_of  # noqa: PLC0415
    from loadtests.report.page import draw  # noqa: PLC0415
    from loadtests.report.result import BadResult  # noqa: PLC0415

    try:
        path = draw(folder.resolve() if folder.is_dir() else folder, plots_of)
    except BadResult as error:
        raise DeployError(str(error)) from error
    console.print(f"Report: [bold]{path}[/]")


def compare_reports(first: Folder, second: Folder) -> None:
    """Show two results side by side: two commits, or two machines."""
    from loadtests.report.result import BadResult, read  # noqa: PLC0415
    from loadtests.report.side_by_side import tables  # noqa: PLC0415

    try:
        results = read(first), read(second)
    except BadResult as error:
        raise DeployError(str(error)) from error
    for table in tables(*results):
        console.print(table)


def _conduct(
    name: str,
    *,
    quick: bool,
    seed: int,
    options: dict[str, str] | None = None,
    file: Path | None = None,
    cores: int = 1,
) -> None:
    """Run an experiment, write and draw its result, and show it; a broken promise is exit status 1."""
    # What measures is slow to import, and `twinshop up` shares this program.
    from loadtests.engine import registry, report_folder  # noqa: PLC0415
    from loadtests.report import console as shown  # noqa: PLC0415
    from loadtests.report.result import all_violations  # noqa: PLC0415

    selected = registry.from_file(file) if file else registry.find(name)
    if (options or {}).get("at") and not selected.takes_addresses:
        takers = ", ".join(one.name for one in registry.every() if one.takes_addresses)
        raise DeployError(
            f"{selected.name} steers what it measures, so it takes no address; {takers} and `twinshop compare` do."
        )
    console.print(f"[bold]{selected.plan['title']}[/]: {selected.plan['question']}")
    if not (options or {}).get("at"):
        _warn_of_fresh_data()
    outcome, folder = report_folder.conduct(selected, quick=quick, seed=seed, options=options, cores=cores)
    _show(outcome, folder)
    shown.say_where(selected.leaves_up())
    if all_violations(outcome):
        raise typer.Exit(1)


def _warn_of_fresh_data() -> None:
    """Say that shops which are up lose their orders; at a terminal, ask. Raises typer.Abort."""
    shops = [name for name in SHOPS if is_offered(name) and runner_for(name).status().up]
    if shops:
        console.print(f"It starts shops afresh: orders in {' and '.join(shops)}, up now, are thrown away.")
        if sys.stdin.isatty():
            typer.confirm("Go on?", default=True, abort=True)


def _show(outcome: Result, folder: Path) -> None:
    from loadtests.report.console import lines_of  # noqa: PLC0415

    for line in lines_of(outcome):
        console.print(line)
    console.print(f"\nReport: [bold]{folder / 'index.html'}[/]")
