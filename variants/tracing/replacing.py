"""Puts one function in the place of another, named by reference: one that is renamed is an error, no lost span."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_undo: list[Callable[[], None]] = []


def replace(function: Callable[P, R], replacement: Callable[P, R]) -> None:
    """Put `replacement` where a public function is bound: in its class, or in each module that has imported it.

    Raises ValueError for a private one: who is outside does not know what it does.
    """
    *owners, name = function.__qualname__.split(".")
    if name.startswith("_"):
        raise ValueError(f"{function.__qualname__} is private")
    if owners:
        place: Any = sys.modules[function.__module__]
        for owner in owners:
            place = getattr(place, owner)
        _put(place, name, function, replacement)
        return
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get(name) is function:
            _put(module, name, function, replacement)


def when_restored(undo: Callable[[], None]) -> None:
    """Do this, too, when `restored` ends."""
    _undo.append(undo)


@contextmanager
def restored() -> Iterator[None]:
    """Take back, at the end of the block, what is replaced in it: for tests, whose process goes on."""
    before = len(_undo)
    try:
        yield
    finally:
        while len(_undo) > before:
            _undo.pop()()


def _put(place: Any, name: str, function: object, replacement: object) -> None:
    setattr(place, name, replacement)
    _undo.append(partial(setattr, place, name, function))
