"""The commands of `twinshop` that run stacks: each a thin line over the runner."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from deploy import stacks
from deploy.model.errors import DeployError, NotRunning
from deploy.model.ports import PORTS, port_shift
from deploy.model.topology import STACKS
from deploy.runner.console import StartProgress, console, stats_table, status_table
from deploy.runner.fresh_data import SEEDED_PER_S
from deploy.runner.interface import READY_TIMEOUT_S, Runner
from deploy.stacks import runner_for


class Choice(StrEnum):
    """Which stacks a command is about."""

    both = "both"
    monolith = "monolith"
    microservices = "microservices"
    colocated = "colocated"
    outside = "outside"
    all = "all"

    @property
    def stacks(self) -> tuple[str, ...]:
        """The names of the stacks that are meant."""
        groups = {"both": ("monolith", "microservices"), "all": STACKS}
        return groups.get(self.value, (self.value,))

    @property
    def running(self) -> list[Runner]:
        """The runners of those that are up."""
        return [runner for name in self.stacks if (runner := runner_for(name)).status().up]

    @property
    def running_shops(self) -> list[Runner]:
        """The runners of the shops among them that are up."""
        return [runner for runner in self.running if runner.stack.merchant]

    def require_shops(self) -> list[Runner]:
        """Return the shops among them that are up. Raises NotRunning if there is none."""
        if shops := self.running_shops:
            return shops
        raise NotRunning("No shop is up: `twinshop up` first.")


StackArgument = Annotated[Choice, typer.Argument(help="Which stack.")]
StackOption = Annotated[Choice, typer.Option("--stack", help="Which stack.")]
Target = Annotated[str, typer.Argument(help="A part (payments), a replica (payments.1), or monolith/web.")]


def up(
    stack: StackArgument = Choice.both,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="PART:NAME=VALUE, a setting of a part; *: of every application.")
    ] = None,
    extra: Annotated[
        list[str] | None, typer.Option("--with", help="What else the shops have: recommendations.", metavar="PART")
    ] = None,
    products: Annotated[int, typer.Option(help="How many products an empty shop is given.")] = 1000,
    trace: Annotated[bool, typer.Option("--trace", help="With tracing on: see `twinshop trace`.")] = False,
    sampling: Annotated[float, typer.Option(min=0, max=1, help="With --trace: the share that is kept.")] = 1.0,
) -> None:
    """Start stacks, and the outside world with the first of them; return when all are ready."""
    began = time.monotonic()
    runners = [runner_for(name) for name in stacks.with_outside(stack.stacks)]
    for runner in runners:
        if runner.stack.merchant:
            runner.choose(extra or [])
    settings = stacks.settings_of(setting or [])
    settings.setdefault("*", {}).setdefault("SEED_PRODUCTS", str(products))
    with StartProgress({runner.stack.name: len(runner.stack.parts) for runner in runners}) as progress:
        started = stacks.up(
            runners,
            settings,
            progress.watch,
            trace_sampling=sampling if trace else None,
            ready_within_s=READY_TIMEOUT_S + products / SEEDED_PER_S,
        )
    for runner in runners:
        name = runner.stack.name
        if name not in started:
            console.print(f"{name} is up already.")
        if name != "outside":
            console.print(f"{name:>14}  [bold]{runner.address}[/]")
    console.print(f"Ready in {time.monotonic() - began:.1f} s.")


def down(stack: StackArgument = Choice.all) -> None:
    """Stop stacks, and the outside world with the last of them; no process is left."""
    # Without a choice of one stack everything is meant, also a third one that somebody forgot.
    for name in stacks.down(STACKS if stack is Choice.both else stack.stacks):
        console.print(f"{name} is down.")


def status(stack: StackArgument = Choice.all) -> None:
    """Show every replica and how it is."""
    runners = [runner_for(name) for name in stack.stacks]
    console.print(status_table(runner.status() for runner in runners))
    for runner in runners:
        if extracted := runner.stack.extracted:
            console.print(
                f"{runner.stack.name}: services of their own are {', '.join(extracted)}; `migrate --back` undoes."
            )


def stats(stack: StackArgument = Choice.all) -> None:
    """Show CPU seconds and memory (PSS) by part."""
    console.print(stats_table({runner.stack.name: runner.stats() for runner in stack.running}))


def ports() -> None:
    """Show every port."""
    for name, parts in PORTS.items():
        for part, numbers in parts.items():
            console.print(f"{name:>14} {part:<18}", *(f"{key}={port + port_shift()}" for key, port in numbers.items()))


def scale(
    service: Annotated[str, typer.Argument(help="A part that can be scaled, such as payments.")],
    replicas: Annotated[int, typer.Argument(min=1, help="How many.")],
    stack: StackOption = Choice.both,
) -> None:
    """Bring a part to N replicas, without a failed request."""
    runner = stacks.runner_of(service, stack.stacks)
    runner.scale(service.removeprefix(f"{runner.stack.name}/"), replicas)
    console.print(f"{runner.stack.name}/{service}: {replicas} replicas serve.")


def kill(target: Target, stack: StackOption = Choice.both) -> None:
    """Kill -9 a part or a replica; it comes back after a short back-off."""
    _do("is killed, and comes back", target, stack, lambda runner: runner.kill(target))


def hold(
    target: Target,
    stack: StackOption = Choice.both,
    kill: Annotated[bool, typer.Option("--kill", help="With kill -9.")] = False,
) -> None:
    """Stop a part and keep it down until `release`."""
    _do("is down until `release`", target, stack, lambda runner: runner.hold(target, kill=kill))


def release(target: Target, stack: StackOption = Choice.both) -> None:
    """Start a part that is held."""
    _do("is back", target, stack, lambda runner: runner.release(target))


def pause(target: Target, stack: StackOption = Choice.both) -> None:
    """Freeze a part (SIGSTOP): it keeps its connections and answers nothing."""
    _do("is frozen until `resume`", target, stack, lambda runner: runner.pause(target))


def resume(target: Target, stack: StackOption = Choice.both) -> None:
    """Let a frozen part go on."""
    _do("goes on", target, stack, lambda runner: runner.resume(target))


def restart(target: Target, stack: StackOption = Choice.both) -> None:
    """Stop a part gracefully and start it again, replica by replica."""
    _do("is restarted", target, stack, lambda runner: runner.restart(target))


def _do(outcome: str, target: str, stack: Choice, act: Callable[[Runner], None]) -> None:
    """Act on the runner that has the target, and say what became of it."""
    runner = stacks.runner_of(target, stack.stacks)
    act(runner)
    console.print(f"{runner.stack.name}/{target.removeprefix(f'{runner.stack.name}/')} {outcome}.")


def logs(target: Target, stack: StackOption = Choice.both, lines: int = 50) -> None:
    """Show the end of a part's log (`supervisor` is one too)."""
    console.print(stacks.runner_of(target, stack.stacks).logs(target, lines), markup=False)


def reset(stack: StackArgument = Choice.both, products: int = 1000) -> None:
    """Give running shops fresh data."""
    for runner in stack.running_shops:
        runner.reset(products)
        console.print(f"{runner.stack.name}: fresh data, {products} products.")


def rate_limit(stack: StackArgument, on: Annotated[str, typer.Argument(help="on or off")]) -> None:
    """Switch the edge's rate limit on or off."""
    if on not in ("on", "off"):
        raise typer.BadParameter("say on or off")
    for runner in stack.running_shops:
        runner.rate_limit(on=on == "on")
        console.print(f"{runner.stack.name}: the rate limit is {on}.")


def name_and_value(item: str) -> tuple[str, str]:
    """Return the two sides of `NAME=VALUE`. Raises DeployError."""
    name, equals, value = item.partition("=")
    if not (name and equals):
        raise DeployError(f"'{item}' is no setting; write NAME=VALUE.")
    return name, value
