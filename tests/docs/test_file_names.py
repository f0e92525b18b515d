"""A job's file has the same name in both builds; what is there once has a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY

MODULES = ("catalog", "orders", "payments", "notifications")
OF_A_SERVICE = ("app.py", "config.py")  # each service is an application with settings of its own
ONLY_IN_THE_MONOLITH = {
    "orders/shop.py": "the other modules, called; the services' orders/clients.py",
    "payments/recovery.py": "one thread for charges and refunds; in the services each has a loop of its own",
}
ONLY_IN_THE_SERVICES = {
    "catalog/reset.py": "the catalog is filled again; the others are emptied by kit/reset.py",
    "catalog/storefront.py": "the catalog serves the pages; the whole monolith does: monolith/storefront.py",
    "orders/clients.py": "the other services, called over HTTP; the monolith's orders/shop.py",
    "orders/recovery.py": "the saga is resumed by orders; in the monolith its payment is: payments/recovery.py",
    "orders/service.py": "the saga's steps, each with an event; the monolith's are updates in orders/order.py",
    "payments/refund_for_order.py": "orders asks by a call and by events; the monolith calls payments/refunds.py",
}


def files_of(build: str) -> set[str]:
    folders = [REPOSITORY / build / module for module in MODULES]
    paths = [path for folder in folders for path in folder.glob("*.py") if _is_source(path)]
    return {path.relative_to(REPOSITORY / build).as_posix() for path in paths}


def _is_source(path: Path) -> bool:
    return not path.name.startswith("test_") and path.name not in ("conftest.py", "__init__.py")


def test_a_job_has_one_file_name() -> None:
    monolith = files_of("monolith")
    services = {name for name in files_of("microservices") if name.rpartition("/")[2] not in OF_A_SERVICE}

    assert monolith - services == ONLY_IN_THE_MONOLITH.keys()
    assert services - monolith == ONLY_IN_THE_SERVICES.keys()


@pytest.mark.parametrize("module", MODULES)
def test_every_service_has_what_makes_it_an_application(module: str) -> None:
    assert {f"{module}/{name}" for name in OF_A_SERVICE} <= files_of("microservices")
