"""A shop that somebody else runs: it has an address, and nothing of it can be started, steered or looked into."""

from __future__ import annotations

from typing import NoReturn

from deploy.model.errors import Unsupported
from deploy.model.parts import Secrets, Site, Stack
from deploy.runner.interface import InstanceStatus, PartStats, Runner, StackStatus

NAME = "elsewhere"


class Elsewhere(Runner):
    """The runner of a shop at an address: it is up, and tells nothing of its parts."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stack = Stack(NAME, ())
        self._site = Site(Secrets(b""), keys="", data="", mode=NAME)

    @property
    def address(self) -> str:
        return self._address

    def status(self) -> StackStatus:
        return StackStatus(NAME, up=True, instances=tuple[InstanceStatus, ...]())

    def stats(self, *, memory: bool = True) -> list[PartStats]:
        return []

    def reset(self, products: int = 1000) -> None:
        """Leave its data as they are: they are somebody else's."""

    def _cannot(self, *_: object, **__: object) -> NoReturn:
        raise Unsupported(f"{self._address} is run by somebody else: it can be loaded, and not steered.")

    choose = start_proxy = begin = _advance = _requests_arrive = down = scale = kill = hold = release = _cannot
    pause = resume = restart = configure = pin = logs = set_runtime = _cannot
