"""Begins a mystery, gives hints, takes answers, and tells afterwards how it could have been found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from rich.table import Table

from deploy.faults import heal_everything, inject
from deploy.runner.interface import Runner
from workshop.mystery.case import HINT_COSTS, WRONG_COSTS, Case, Desk, NoMystery, draw
from workshop.mystery.symptoms import Symptoms, look_at

SETTLE_S = 3.0  # after healing, before a shop is looked at once more

Tell = Callable[[object], None]


def begin(desk: Desk, runners: Sequence[Runner], seed: int) -> Case:
    """Break something in one of these shops, or in both, and say nothing of it. Raises NoMystery, DeployError.

    Every application of all of them is started again once, for the fault or after it, so that `twinshop status` does
    not tell what was struck.
    """
    if desk.open_case():
        raise NoMystery("A mystery is on already: `twinshop mystery` says how it stands.")
    case = draw(seed, [runner.stack.name for runner in runners])
    before = {runner.stack.name: _restarts(runner) for runner in runners}
    try:
        for runner in runners:
            if runner.stack.name in case.builds:
                inject(runner, case.mystery.fault, case.mystery.part, case.mystery.parameters)
        for runner in runners:
            _start_the_others_again(runner, before[runner.stack.name])
    except BaseException:  # Ctrl-C included
        for runner in runners:
            heal_everything(runner)
        raise
    desk.keep(case)
    return case


def _start_the_others_again(runner: Runner, before: Mapping[str, int]) -> None:
    now = _restarts(runner)
    for part in runner.stack.parts:
        if part.kind == "app" and now[part.name] == before[part.name]:
            runner.restart(part.name)


def _restarts(runner: Runner) -> Counter[str]:
    return Counter({one.part: one.restarts for one in runner.stats(memory=False)})


def hint(desk: Desk) -> str:
    """Return the next hint, and note what it costs. Raises NoMystery where there is none left."""
    case = desk.require()
    hints = case.mystery.hints
    if case.hints == len(hints):
        raise NoMystery("There are no more hints: answer, or `twinshop mystery --give-up`.")
    case.hints += 1
    desk.keep(case)
    return f"Hint {case.hints} of {len(hints)}, {HINT_COSTS} points: {hints[case.hints - 1]}"


def take(desk: Desk, runners: Sequence[Runner], text: str, tell: Tell) -> bool:
    """Judge an answer; after a right one tell all, and heal. Returns whether it was right. Raises DeployError."""
    case = desk.require()
    what, where = case.judge(text)
    if not (what and where):
        case.wrong += 1
        desk.keep(case)
        right = "in which build" if where else "what is broken" if what else "neither what nor where"
        tell(f"No. Right is {right}. That cost {WRONG_COSTS} points, {case.points} are left.")
        return False
    tell(f"Yes: {case.mystery.what}, in {' and '.join(case.builds)}. {case.points} points.")
    debrief(desk, case, runners, tell)
    return True


def debrief(desk: Desk, case: Case, runners: Sequence[Runner], tell: Tell) -> None:
    """Look, heal, look again; and tell how it could have been found in each build that had it."""
    victims = [runner for runner in runners if runner.stack.name in case.builds]
    during = {} if case.healed else {runner.stack.name: look_at(runner) for runner in victims}
    for runner in runners:
        heal_everything(runner)
    desk.close()
    time.sleep(SETTLE_S)
    for runner in victims:
        name = runner.stack.name
        tell(f"\nHow it could have been found in the {name}: {case.mystery.clue[name]}")
        tell(_figures(during.get(name), look_at(runner)))
    if case.mystery.alike:
        tell(f"\nIt looks like `{case.mystery.alike}`, and differs in its cause: what mends the one leaves the other.")


def _figures(during: Symptoms | None, after: Symptoms) -> Table:
    table = Table("figure", "while it was on", "healed")
    was = dict(during.rows()) if during else {}
    for name, value in after.rows():
        table.add_row(name, was.get(name, "not seen: healed before"), value)
    return table
