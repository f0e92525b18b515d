"""Locust's page answers itself and tools, and no page of another web site."""

from __future__ import annotations

import pytest
from flask import Flask

from loadtests.load.users.own_page import refuse_other_sites

OWN = {"Host": "127.0.0.1:8089"}


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    refuse_other_sites(app)
    app.post("/swarm")(lambda: "swarming")
    return app


@pytest.mark.parametrize(
    "headers", [OWN, OWN | {"Origin": "http://127.0.0.1:8089"}, {"Host": "localhost:8089"}, {"Host": "locust:8089"}]
)
def test_its_own_page_and_tools_are_answered(app: Flask, headers: dict[str, str]) -> None:
    assert app.test_client().post("/swarm", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        OWN | {"Origin": "https://evil.example"},
        OWN | {"Origin": "null"},
        OWN | {"Origin": "http://127.0.0.1:8001"},
        {"Host": "evil.example:8089", "Origin": "http://evil.example:8089"},
    ],
)
def test_other_sites_are_refused(app: Flask, headers: dict[str, str]) -> None:
    assert app.test_client().post("/swarm", headers=headers).status_code == 403
