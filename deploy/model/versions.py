"""Other versions of a part, side by side with it: the same code with other settings, or code from another folder.

A version is one more part of the running stack, such as `catalog-v2`, on a port of its own and on the same database.
Which versions there are is written beside the stack's state, so that whoever steers the stack knows them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from deploy.model.errors import DeployError, UnknownTarget
from deploy.model.home import REPOSITORY, read_json, write_atomically
from deploy.model.parts import Part, Stack
from deploy.model.ports import MAX_REPLICAS

FILE = "versions.json"
FIRST = "v1"  # what the stack runs anyway
MOST = 2  # beside the first: parts keep a distance of ten ports, and eight are for replicas
_NAME = re.compile(r"v[0-9a-z]{1,15}")


@dataclass(frozen=True)
class Version:
    """`settings` come on top of the part's own; `place` decides the port."""

    part: str
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    place: int = 0

    @property
    def cluster(self) -> str:
        """The name of the part that it is, and of its cluster at the edge."""
        return f"{self.part}-{self.name}"

    @property
    def owner(self) -> str:
        """In whose name requests are shared out between the versions of this part."""
        return f"versions of {self.part}"

    def as_part(self, stack: Stack) -> Part:
        """Return it as a part beside the first version. Raises UnknownTarget."""
        first = stack.part(self.part)
        port = first.port("http") + MAX_REPLICAS + self.place
        return replace(
            first,
            name=self.cluster,
            ports={"http": port},
            environment={**first.environment, **self.settings},
            scalable=False,
        )


def new(stack: Stack, versions: Sequence[Version], part: str, name: str, settings: Mapping[str, str]) -> Version:
    """Return a version that does not collide with those that there are. Raises DeployError, UnknownTarget."""
    if stack.part(part).kind != "app":
        apps = ", ".join(one.name for one in stack.parts if one.kind == "app")
        raise UnknownTarget(f"{part} has no versions; {apps} can.")
    if not _NAME.fullmatch(name) or name == FIRST:
        raise DeployError(f"'{name}' is no name of a version; write v2, v3 or vnext. {FIRST} is what runs anyway.")
    places = {one.place for one in versions if one.part == part}
    free = [place for place in range(MOST) if place not in places]
    if not free:
        raise DeployError(f"{part} can have {MOST} versions beside {FIRST}; take one back first.")
    return Version(part, name, dict(settings), free[0])


def code_from(folder: Path) -> dict[str, str]:
    """Return the settings with which a part runs the packages of another folder; what is not there, it takes from here.

    Raises DeployError for a folder that is not there.
    """
    if not folder.is_dir():
        raise DeployError(f"There is no folder '{folder}'.")
    # Without the safe path the working folder, which is ours, would come first.
    return {"PYTHONPATH": os.pathsep.join([str(folder.resolve()), str(REPOSITORY)]), "PYTHONSAFEPATH": "1"}


def beside(stack: Stack, versions: Sequence[Version]) -> Stack:
    """Return the stack with its versions as parts."""
    return replace(stack, parts=(*stack.parts, *(version.as_part(stack) for version in versions)))


def read(folder: Path) -> list[Version]:
    """Return the versions that run beside the first ones of a stack; `folder` is the stack's."""
    return [Version(**item) for item in read_json(folder / FILE) or ()]


def write(folder: Path, versions: Sequence[Version]) -> None:
    """Replace them."""
    write_atomically(folder / FILE, json.dumps([asdict(version) for version in versions], indent=1), mode=0o600)
