"""A shop that somebody else runs: it has an address, and nothing of it can be started, steered or looked into."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from deploy.model.errors import Unsupported
from deploy.model.parts import Secrets, Site, Stack
from deploy.runner.interface import InstanceStatus, PartStats, ProxyPlace, Runner, StackStatus

NAME = "elsewhere"


class Elsewhere(Runner):
    """The runner of a shop at an address: it is up, and tells nothing of its parts."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stack = Stack(NAME, ())
        self._site = Site(Secrets(b""), keys="", data="", mode=NAME)

    @property
    def stack(self) -> Stack:
        return self._stack

    @property
    def site(self) -> Site:
        return self._site

    @property
    def address(self) -> str:
        return self._address

    @property
    def proxy(self) -> ProxyPlace:
        self._cannot()

    def status(self) -> StackStatus:
        return StackStatus(NAME, up=True, instances=tuple[InstanceStatus, ...]())

    def stats(self, *, memory: bool = True) -> list[PartStats]:
        return []

    def reset(self, products: int = 1000) -> None:
        """Leave its data as they are: they are somebody else's."""

    def start_proxy(self, script: Path) -> None:
        self._cannot()

    def _cannot(self, *_: object, **__: object) -> NoReturn:
        raise Unsupported(f"{self._address} is run by somebody else: it can be loaded, and not steered.")

    choose = begin = _advance = _requests_arrive = down = scale = kill = hold = release = pause = resume = _cannot
    restart = configure = pin = logs = set_runtime = _cannot
