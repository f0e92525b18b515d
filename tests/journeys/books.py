"""The books of an arm, read from outside: SQL views, the provider's ledger, mails, public GETs."""

from __future__ import annotations

from pathlib import Path

from loadtests.measure import evidence
from loadtests.measure.parties import Parties
from loadtests.measure.reconcile import FAILED_S, Reconciliation, check
from loadtests.measure.views import Rows, read_views, wait_until_finished
from tests.arms import SERVICES, Arm


def databases_of(arm: Arm) -> tuple[str, ...]:
    """Return the URLs of all databases of an arm."""
    return tuple(sorted({arm.database_url(service) for service in SERVICES}))


def views_of(arm: Arm) -> Rows:
    """Return the rows of every read-only view."""
    return read_views(databases_of(arm))


def settle(arm: Arm, within_s: float = FAILED_S) -> float:
    """Wait until nothing is unfinished; return how long it took. `within_s` means: it never was."""
    return wait_until_finished(databases_of(arm), within_s, Parties.of(arm.runner).broker_monitor)


def reconciled(arm: Arm, history: Path | None = None, planted_poison: int = 0) -> Reconciliation:
    """Wait until the arm is at rest, read everything, and check the promises S1 to L7."""
    waited_s = settle(arm)
    return check(evidence.read(Parties.of(arm.runner), history, planted_poison=planted_poison), waited_s)
