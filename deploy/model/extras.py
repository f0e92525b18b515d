"""What a shop can have beside its four modules, if it is started with it: a file, so that all commands know of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from deploy.model.errors import DeployError
from deploy.model.home import read_json, write_atomically

FILE = "extras.json"
RECOMMENDATIONS = "recommendations"
ORDER_POOL = "order-pool"  # the monolith again, in replicas that answer for orders and payments alone
STACKS_OF = {RECOMMENDATIONS: ("monolith", "microservices"), ORDER_POOL: ("monolith",)}  # with who can have it


def read(folder: Path) -> tuple[str, ...]:
    """Return what the stack of this folder has, or was started with last."""
    return tuple(read_json(folder / FILE) or ())


def write(folder: Path, extras: Collection[str]) -> None:
    """Say what it is to have from its next start on."""
    if extras:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / FILE, json.dumps(sorted(extras)))
    else:
        (folder / FILE).unlink(missing_ok=True)


def checked(extras: Collection[str], stack: str) -> tuple[str, ...]:
    """Return those that this stack can have. Raises DeployError for what there is not, or not here."""
    for extra in extras:
        if extra not in STACKS_OF:
            raise DeployError(f"There is no '{extra}' to start a shop with; there is: {', '.join(STACKS_OF)}.")
        if stack not in STACKS_OF[extra]:
            raise DeployError(f"{stack} cannot have {extra}; {' and '.join(STACKS_OF[extra])} can.")
    return tuple(sorted(set(extras)))
