"""One session: every arm is started afresh, and a twin of each beside it; afterwards nothing of them is left.

Arms of the same stack run in different places, each with folders, ports, processes, data files and an outside world of
its own. What tells a twin from its arm is the start alone: that is what an A/A gate has to hold against.
"""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace

from deploy import stacks
from deploy.model.errors import DeployError, Unsupported
from deploy.model.home import Home
from deploy.model.ports import port_shift
from deploy.runner.console import StartProgress
from deploy.runner.elsewhere import Elsewhere
from deploy.stacks import is_offered, on_containers, runner_for, with_outside
from loadtests.engine.arm import Arm, ArmSpec, arms_up, staff
from loadtests.engine.budgets import Budget
from loadtests.load.elsewhere import ShopElsewhere
from loadtests.measure.parties import Parties

FOLDER = "sessions"  # below the state folder, so that what somebody has up keeps its data
APART = 320  # ports of two places: more than the inner ports of all stacks span


def places_of(specs: Sequence[ArmSpec]) -> list[list[ArmSpec]]:
    """Return who runs beside whom: in each place at most one arm of a stack, the first ones in the first.

    Places are of processes alone, or of containers alone: each has an outside world of its own.
    """
    places: list[list[ArmSpec]] = []
    for on in sorted({spec.on for spec in specs}):
        by_stack: dict[str, list[ArmSpec]] = {}
        for spec in specs:
            if spec.on == on:
                by_stack.setdefault(spec.stack, []).append(spec)
        deepest = max(map(len, by_stack.values()))
        places += [[group[place] for group in by_stack.values() if place < len(group)] for place in range(deepest)]
    return places


def in_one_place(specs: Sequence[ArmSpec]) -> bool:
    """Whether arms run where there is one place: in containers, unless each says itself where it runs."""
    return on_containers() and not all(spec.on or spec.shop for spec in specs)


@contextlib.contextmanager
def started(specs: Sequence[ArmSpec], budget: Budget, chance: random.Random) -> Iterator[dict[str, Arm]]:
    """Have arms from a fresh start; in containers, which have one place, of one arm a stack. Raises DeployError."""
    names = [spec.stack for spec in specs]
    if in_one_place(specs) and len(set(names)) == len(specs):
        with arms_up(names, budget, keep=False) as arms:
            yield {spec.name: replace(arms[spec.stack], name=spec.name) for spec in specs}
        return
    with fresh_start(specs, budget, chance) as fresh:
        yield fresh


@contextlib.contextmanager
def fresh_start(specs: Sequence[ArmSpec], budget: Budget, chance: random.Random) -> Iterator[dict[str, Arm]]:
    """Start arms, in random order and on new data files, and yield them by name. Raises DeployError.

    Which folder and ports a place has is drawn, too, so that neither favours an arm.
    """
    own = [spec for spec in specs if not spec.shop]
    _refuse_what_is_up(own)
    root = Home.from_environment().root / FOLDER
    places = places_of(own)
    sites = chance.sample(range(len(places)), len(places))
    shutil.rmtree(root, ignore_errors=True)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        arms = {spec.name: elsewhere(spec.name, spec.shop, budget) for spec in specs if spec.shop}
        for site, place in zip(sites, places, strict=True):
            home, shift = Home(root / str(site)), port_shift() + APART * site
            names = with_outside([spec.stack for spec in chance.sample(place, len(place))])
            for spec in place:
                if spec.checkout:
                    spec.checkout.write(home.stack(spec.stack))
            runners = {name: runner_for(name, home, shift, place[0].on) for name in names}
            settings = {part: values for spec in place for part, values in spec.settings.items()}
            for spec in place:
                runners[spec.stack].choose(spec.extras)
            for runner in runners.values():
                stack.callback(runner.down)
            # The services colocated are never offered beside the services; who compares them knows why.
            first = [runner for name, runner in runners.items() if name != "colocated"]
            with StartProgress({name: len(runner.stack.parts) for name, runner in runners.items()}) as progress:
                stacks.up(first, {part: one for part, one in settings.items() if part != "app"}, progress.watch)
                if "colocated" in runners:
                    runners["colocated"].up({"app": settings.get("app", {})}, progress.watch)
            for name, runner in runners.items():
                with contextlib.suppress(Unsupported):
                    runner.pin(budget.other if name == "outside" else budget.build)
                if budget.workers > 1:
                    staff(runner, budget.workers)
            for spec in place:
                runner = runners[spec.stack]
                arms[spec.name] = Arm(spec.name, runner, Parties.of(runner), budget)
        yield {spec.name: arms[spec.name] for spec in specs}


def elsewhere(name: str, shop: ShopElsewhere, budget: Budget) -> Arm:
    """Return a shop that somebody else runs as an arm: it can be loaded, and its orders read back."""
    return Arm(name, Elsewhere(shop.address), Parties.elsewhere(shop.address, shop.tokens_from), budget)


def _refuse_what_is_up(specs: Sequence[ArmSpec]) -> None:
    if in_one_place(specs):
        raise Unsupported("Fresh starts with twins run as processes, not in containers: leave --on compose out.")
    names = with_outside(sorted({spec.stack for spec in specs})) if specs else ()
    up = [name for name in names if is_offered(name) and runner_for(name).status().up]
    if up:
        raise DeployError(f"{', '.join(up)} would share the cores and ports: `twinshop down` first.")
