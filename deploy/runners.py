"""Which runner is meant: processes of this machine, or containers."""

from __future__ import annotations

import os

from deploy.compose.quota import ContainerQuotas
from deploy.compose.runner import ComposeRunner
from deploy.compose.site import STACKS
from deploy.local.quota import Quotas
from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.model.home import Home
from deploy.runner.interface import Runner

VARIABLE = "TWINSHOP_ON"  # set by `twinshop --on`
PLACES: dict[str, type[LocalRunner] | type[ComposeRunner]] = {"local": LocalRunner, "compose": ComposeRunner}


def runner_for(stack: str, home: Home | None = None, shift: int | None = None) -> Runner:
    """Return the runner of a stack where `TWINSHOP_ON` says: `local` (if it says nothing) or `compose`.

    Raises DeployError for another place.
    """
    place = os.environ.get(VARIABLE) or "local"
    if place not in PLACES:
        raise DeployError(f"There is no '{place}' to run on; there are {', '.join(PLACES)}.")
    return PLACES[place](stack, home=home, shift=shift)


def on_containers() -> bool:
    """Whether `TWINSHOP_ON` says containers."""
    return os.environ.get(VARIABLE) == "compose"


def is_offered(stack: str) -> bool:
    """Whether a stack can be had where `TWINSHOP_ON` says: containers hold the builds, and no arm beside them."""
    return not on_containers() or stack in STACKS


def quotas_for(runner: Runner, share: float) -> Quotas | ContainerQuotas:
    """Return CPU quotas of `share` of a core for replicas of a stack. Raises Unsupported where there can be none."""
    return runner.quotas(share) if isinstance(runner, ComposeRunner) else Quotas(runner, share)
