"""Lab 7: the books are right after declined cards, in both builds."""

from __future__ import annotations

from deploy.runner.console import console
from workshop.checks import require
from workshop.exercise import Exercise

LOAD = ("--rate", "10", "--for", "6s", "--mix", "ordering", "--payment-methods", "pm_ok:70,pm_declined:30")


def check(exercise: Exercise) -> None:
    """Send orders of which three in ten are declined, and let the reconciler look."""
    with exercise.up("monolith", "microservices"):
        console.print(exercise.twinshop("load", *LOAD).strip(), markup=False)
        outcome = exercise.attempt("books")
    for line in outcome.stdout.splitlines():
        if "BROKEN" in line or "at rest" in line:
            console.print(line, markup=False)
    broken = outcome.stdout.count("BROKEN")
    require(outcome.returncode == 0 and not broken, "Promises are broken: `twinshop books` names order and product.")
