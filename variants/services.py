"""Runs one of the four services on a runtime of a variant's own: `python -m variants.<variant> <service>`."""

from __future__ import annotations

import importlib
import sys

from microservices.kit.runtime import ServiceRuntime

SERVICES = ("catalog", "orders", "payments", "notifications")


def main(runtime_class: type[ServiceRuntime]) -> None:
    """Run the service that the command line names, until SIGTERM."""
    if len(sys.argv) != 2 or sys.argv[1] not in SERVICES:
        sys.exit(f"usage: python -m {__package__}.<variant> {'|'.join(SERVICES)}")
    # Only this one: a service's image holds no other.
    importlib.import_module(f"microservices.{sys.argv[1]}.app").main(runtime_class)
