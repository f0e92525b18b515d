"""The checks of the exercises: `check(exercise)` says what it sees, and raises NotYet if something is wrong."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from deploy.model.errors import DeployError
from workshop.exercise import Exercise

MODULES = {
    1: "new_words",
    2: "chatty_calls",
    3: "straight_ruler",
    4: "stale_replicas",
    5: "readiness",
    6: "deadline",
    7: "right_books",
    8: "two_versions",
    9: "promotions",
    10: "decision_record",
    11: "predictions",
    12: "recall",
}


class NotYet(DeployError):
    """The exercise is not solved: the message says what was seen, and what was expected."""


def check_of(number: int) -> Callable[[Exercise], None]:
    """Return the check of a lab's exercise."""
    module = importlib.import_module(f"workshop.checks.{MODULES[number]}")
    check: Callable[[Exercise], None] = module.check
    return check


def require(condition: object, message: str) -> None:
    """Raise NotYet with this message unless the condition holds."""
    if not condition:
        raise NotYet(message)
