"""Pages of other web sites get nothing from the outside world, and no token."""

from __future__ import annotations

import pytest
from starlette.types import Scope

from outside.browsers import OwnPagesOnly, origins_of

SHOP = "http://127.0.0.1:8001"


async def nobody(*_: object) -> None:
    raise AssertionError("nobody is asked here")


own_pages = OwnPagesOnly(nobody, origins_of([SHOP]))


def scope(**headers: str) -> Scope:
    return {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:18402"},
        {"host": "127.0.0.1:18402", "origin": SHOP},
        {"host": "localhost:18402", "origin": "http://localhost:8001"},
        {"host": "[::1]:18402"},
        {"host": "identity:8000"},
    ],
)
def test_tools_containers_and_the_shops_pages_are_answered(headers: dict[str, str]) -> None:
    assert own_pages.allows(scope(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:18402", "origin": "https://evil.example"},
        {"host": "127.0.0.1:18402", "origin": "null"},
        {"host": "127.0.0.1:18402", "origin": "http://127.0.0.1:18402"},
        {"host": "127.0.0.1:18402", "origin": f"{SHOP}.evil.example"},
        {"host": "evil.example:18402"},
        {"host": "evil.example"},
    ],
)
def test_pages_of_other_sites_are_refused(headers: dict[str, str]) -> None:
    assert not own_pages.allows(scope(**headers))
