"""What of the services has a span. A process has the table of each service that is in it: one, or all four."""

from __future__ import annotations

import sys
from importlib import import_module

from variants.tracing.microservices import kit

TABLES = ("orders", "payments", "notifications")


def install() -> None:
    """Put spans around what this process consists of."""
    kit.watch()
    for service in TABLES:
        if f"microservices.{service}" in sys.modules:
            import_module(f"{__name__}.{service}").watch()
