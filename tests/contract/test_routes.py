"""Both builds serve the routes that the contract lists, all of them and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract import spec


def test_the_monolith_serves_the_contract() -> None:
    assert spec.public(spec.routes_of_monolith()) == set(spec.operations())


def test_the_services_together_serve_the_contract_and_none_serves_what_another_does(tmp_path: Path) -> None:
    served = {name: spec.public(spec.routes_of_service(name, tmp_path)) for name in spec.SERVICES}

    assert set().union(*served.values()) == set(spec.operations())
    assert sum(map(len, served.values())) == len(spec.operations())


@pytest.mark.parametrize("name", spec.SERVICES)
def test_every_part_tells_the_operator_how_it_is(name: str, tmp_path: Path) -> None:
    assert {("GET", path) for path in spec.OPERATORS} <= spec.routes_of_service(name, tmp_path)
