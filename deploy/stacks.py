"""The runner of a stack; and several at once: the outside world comes with the first shop and leaves with the last."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from deploy.compose.runner import ComposeRunner
from deploy.compose.site import STACKS
from deploy.kubernetes.runner import KubernetesRunner
from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError, UnknownTarget
from deploy.model.home import Home
from deploy.model.topology import SHOPS
from deploy.runner.interface import READY_TIMEOUT_S, Runner, Watch, wait_until_up
from deploy.runner.tracing import with_tracing

VARIABLE = "TWINSHOP_ON"  # set by `twinshop --on`
Place = type[LocalRunner] | type[ComposeRunner] | type[KubernetesRunner]
PLACES: dict[str, Place] = {"local": LocalRunner, "compose": ComposeRunner, "kubernetes": KubernetesRunner}
EXCLUSIVE = {"microservices", "colocated"}  # two ways to run the same services: never beside each other


def runner_for(stack: str, home: Home | None = None, shift: int | None = None, on: str = "") -> Runner:
    """Return the runner of a stack `on` local, compose or kubernetes; else where `TWINSHOP_ON` says, or on local.

    Raises DeployError for another place.
    """
    place = on or os.environ.get(VARIABLE) or "local"
    if place not in PLACES:
        raise DeployError(f"There is no '{place}' to run on; there are {', '.join(PLACES)}.")
    return PLACES[place](stack, home=home, shift=shift)


def on_containers() -> bool:
    """Whether `TWINSHOP_ON` says containers, of this machine or of a cluster."""
    return os.environ.get(VARIABLE) in ("compose", "kubernetes")


def is_offered(stack: str) -> bool:
    """Whether a stack can be had where `TWINSHOP_ON` says: containers hold the builds, and no arm beside them."""
    return not on_containers() or stack in STACKS


def with_outside(stacks: Sequence[str]) -> tuple[str, ...]:
    """Return the stacks with the outside world in front, which every shop needs."""
    return ("outside", *(name for name in stacks if name != "outside"))


def up(
    runners: Sequence[Runner],
    settings: Mapping[str, Mapping[str, str]],
    watch: Watch,
    *,
    trace_sampling: float | None = None,
    ready_within_s: float = READY_TIMEOUT_S,
) -> list[str]:
    """Start stacks side by side and return the names of those that were not up before.

    `trace_sampling`: the shops keep this share of all traces; None: tracing is off.
    Raises what `Runner.up` raises; then, and at Ctrl-C, everything that this call started is stopped again.
    """
    names = {runner.stack.name for runner in runners}
    _refuse_both_ways(names)
    _require_known(settings, runners)
    started: list[Runner] = []
    try:
        for runner in runners:
            own_settings = {
                name: dict(values) for name, values in settings.items() if name == "*" or _has(runner, name)
            }
            if trace_sampling is not None and runner.stack.merchant and not runner.status().up:
                own_settings = with_tracing(runner, trace_sampling, own_settings)
            if runner.begin(own_settings):
                started.append(runner)
        wait_until_up(runners, started, watch, ready_within_s)
    except BaseException:
        _down(started)
        raise
    return [runner.stack.name for runner in started]


def down(stacks: Sequence[str]) -> list[str]:
    """Stop these stacks, and the outside world if no shop is left up. Returns the names of those that ran."""
    shops = [runner_for(name) for name in stacks if name != "outside"]
    ended = _down(shops)
    if not any(runner_for(name).status().up for name in SHOPS):
        ended += _down([runner_for("outside")])
    return ended


def runner_of(target: str, stacks: Sequence[str]) -> Runner:
    """Return the runner of the stack that has this part: `monolith/web`, or `web` where only one running one has it.

    Raises UnknownTarget if no stack or more than one has it.
    """
    prefix, slash, _ = target.partition("/")
    candidates = [runner_for(prefix)] if slash else [runner_for(name) for name in with_outside(stacks)]
    having = [runner for runner in candidates if _has(runner, target) or target == "supervisor"]
    running = [runner for runner in having if runner.status().up] or having
    if len(running) == 1:
        return running[0]
    if not running:
        names = sorted({part.name for runner in candidates for part in runner.stack.parts})
        raise UnknownTarget(f"There is no part '{target}'; there are {', '.join(names)}.")
    places = " or ".join(f"{runner.stack.name}/{target}" for runner in running)
    raise UnknownTarget(f"'{target}' is in more than one stack: say {places}.")


def settings_of(items: Iterable[str]) -> dict[str, dict[str, str]]:
    """Turn `PART:NAME=VALUE` items into settings by part. Raises DeployError."""
    settings: dict[str, dict[str, str]] = {}
    for item in items:
        part, colon, rest = item.partition(":")
        name, equals, value = rest.partition("=")
        if not (part and colon and name and equals):
            raise DeployError(f"'{item}' is no setting; write PART:NAME=VALUE.")
        settings.setdefault(part, {})[name] = value
    return settings


def _down(runners: Sequence[Runner]) -> list[str]:
    if not runners:
        return []
    with ThreadPoolExecutor(max_workers=len(runners)) as pool:
        ran = list(pool.map(lambda runner: runner.down(), runners))
    return [runner.stack.name for runner, ran_before in zip(runners, ran, strict=True) if ran_before]


def _refuse_both_ways(names: set[str]) -> None:
    for name in names & EXCLUSIVE:
        for other in EXCLUSIVE - {name}:
            if other in names or runner_for(other).status().up:
                raise DeployError(f"{name} and {other} are the same services: stop {other} before you start {name}.")


def _require_known(settings: Mapping[str, object], runners: Sequence[Runner]) -> None:
    for part in settings:
        if part != "*" and not any(_has(runner, part) for runner in runners):
            raise UnknownTarget(f"There is no part '{part}' to set anything of.")


def _has(runner: Runner, target: str) -> bool:
    try:
        runner.stack.target(target)
    except UnknownTarget:
        return False
    return True
