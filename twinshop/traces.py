"""The command `twinshop trace`: turn tracing on and off, and draw where the time of an order went."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.model.errors import DeployError
from deploy.model.home import Home
from deploy.model.topology import SHOPS
from deploy.runner import tracing
from deploy.runner.console import console
from deploy.runner.interface import Runner
from deploy.stacks import runner_for
from loadtests.traces import page, waterfall
from loadtests.traces.store import Store
from loadtests.traces.tree import OrderTrace, assemble

EXPORTED_WITHIN_S = 4.0  # parts hand their spans over once a second
SLOWEST = 5
HINT = "`twinshop up --trace`, or `twinshop trace on` for shops that are up"

Traces = list[tuple[str, OrderTrace]]


def trace(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="Ids of orders or of requests (as a problem tells them); or `on`, or `off`."),
    ] = None,
    sampling: Annotated[float, typer.Option(help="With `on`: the share of traces that is kept.")] = 1.0,
    latest: Annotated[bool, typer.Option("--latest", help="The latest order of each shop.")] = False,
    slowest: Annotated[
        bool, typer.Option("--slowest", help="The slowest kept order of each shop, and others.")
    ] = False,
    to: Annotated[Path | None, typer.Option("--page", help="Where the page is written.")] = None,
    stack: Annotated[str, typer.Option(help="Only this stack.")] = "",
) -> None:
    """Draw where the time of an order went, in every build at once; or turn tracing on and off."""
    runners = [runner_for(name) for name in ([stack] if stack else SHOPS)]
    if what in (["on"], ["off"]):
        _switch(runners, on=what == ["on"], sampling=sampling)
        return
    if latest or slowest:
        traces = _of_each(runners, slowest=slowest)
    elif what:
        traces = [_find(runners, one) for one in what]
    else:
        raise DeployError(f"Name an order, or say --latest or --slowest. Tracing is turned on by {HINT}.")
    waterfall.show(console, traces)
    path = page.write(to or Home.from_environment().root / "traces" / "index.html", traces)
    console.print(f"Page: [bold]{path}[/]")


def _switch(runners: list[Runner], *, on: bool, sampling: float) -> None:
    if not 0 <= sampling <= 1:
        raise typer.BadParameter("--sampling is a share, between 0 and 1")
    running = [runner for runner in runners if runner.status().up]
    if not running:
        raise DeployError("No shop is up: `twinshop up --trace` starts them with tracing on.")
    for runner in running:
        if on:
            tracing.turn_on(runner, sampling)
            console.print(f"{runner.stack.name}: {sampling:.2%} of all traces are kept in {tracing.folder_of(runner)}")
        else:
            tracing.turn_off(runner)
            console.print(f"{runner.stack.name}: tracing is off.")


def _of_each(runners: list[Runner], *, slowest: bool) -> Traces:
    """Return the latest, or the slowest, order of each stack that has kept any."""
    traces: Traces = []
    for runner in runners:
        store = Store(tracing.folder_of(runner))
        orders = store.orders()
        if not orders:
            continue
        if slowest:
            ranked = sorted(orders, key=lambda order_id: -orders[order_id].duration_ns)
            for order_id in ranked[1:SLOWEST]:
                took_ms = orders[order_id].duration_ns / 1e6
                console.print(f"{runner.stack.name}: also slow: {order_id}, {took_ms:.1f} ms")
            trace_id = ranked[0]
        else:
            trace_id = list(orders)[-1]
            _say_how_old(runner, (time.time_ns() - orders[trace_id].end_ns) / 1e9)
        traces.append(_find([runner], trace_id))
    if not traces:
        raise DeployError(f"No order is kept in any trace. Tracing is turned on by {HINT}.")
    return traces


def _say_how_old(runner: Runner, age_s: float) -> None:
    """Say of a latest traced order that it need not be the latest order, where tracing is off."""
    if tracing.sampling_of(runner) is None:
        console.print(
            f"{runner.stack.name}: tracing is off; the latest order that was traced is {age_s / 60:.0f} minutes old. "
            "`twinshop trace on` traces the next ones."
        )


def _find(runners: list[Runner], identifier: str) -> tuple[str, OrderTrace]:
    """Return the stack and the way of an order, or of a request. Raises DeployError if no trace of it is kept."""
    deadline = time.monotonic() + EXPORTED_WITHIN_S
    while True:
        for runner in runners:
            store = Store(tracing.folder_of(runner))
            order = assemble(f"order {identifier}", store.of_order(identifier)) or assemble(
                f"request {identifier}", store.trace(identifier)
            )
            if order is not None:
                return runner.stack.name, order
        if time.monotonic() > deadline:
            raise DeployError(f"No trace of {identifier} is kept. Tracing is turned on by {HINT}.")
        time.sleep(0.3)
