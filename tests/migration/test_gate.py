"""While a module is moved requests wait, and none sees it half-way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from deploy.model.errors import DeployError
from migration import crossing as crossings
from migration.crossing import GatesStayOpen, crossing, gates_of, now_extracted
from migration.inside_monolith.gate import Gate


@pytest.fixture
def url(extraction_database_url: str) -> str:
    with psycopg.connect(extraction_database_url) as connection:
        connection.execute("UPDATE extraction SET extracted = '{}', closing_until = NULL")
    return extraction_database_url


@pytest.fixture
def gate(url: str) -> Iterator[Gate]:
    """A gate that is open."""
    gate = Gate(url)
    gate.start()
    with gate.operation():
        pass
    yield gate
    gate.stop()
    with psycopg.connect(url, autocommit=True) as connection:
        while gates_of(connection):
            time.sleep(0.02)


def test_requests_wait_for_the_move_and_see_it_done(url: str, gate: Gate) -> None:
    answers: list[bool] = []

    def ask() -> None:
        with gate.operation():
            answers.append(gate.is_extracted("catalog"))

    request = threading.Thread(target=ask, daemon=True)
    with crossing(url, 1) as connection:
        request.start()
        request.join(0.2)
        assert request.is_alive()
        assert not answers
        now_extracted(connection, ["notifications", "catalog"])
    request.join(2)

    assert answers == [True]


def test_move_waits_for_what_is_under_way(url: str, gate: Gate) -> None:
    steps: list[str] = []

    def move() -> None:
        with crossing(url, 1) as connection:
            steps.append("moved")
            now_extracted(connection, ["notifications"])

    with gate.operation():
        mover = threading.Thread(target=move, daemon=True)
        mover.start()
        mover.join(0.3)
        assert not gate.is_extracted("notifications")
        steps.append("answered")
    mover.join(3)

    assert steps == ["answered", "moved"]


def test_move_gives_up_when_something_takes_too_long(url: str, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossings, "CLOSED_WITHIN_S", 0.3)
    monkeypatch.setattr(crossings, "TRIES", 2)
    monkeypatch.setattr(crossings, "PAUSE_S", 0.4)
    others: list[float] = []

    def ask() -> None:
        began = time.monotonic()
        with gate.operation():
            others.append(time.monotonic() - began)

    request = threading.Timer(0.1, ask)
    with gate.operation():
        request.start()
        with pytest.raises(GatesStayOpen), crossing(url, 1):
            pass
    request.join()

    assert others[0] < 1.5  # it waited for the attempt, and not for what took too long


def test_a_monolith_without_a_gate_cannot_be_moved(url: str) -> None:
    with pytest.raises(DeployError, match="0 of them have an open gate"), crossing(url, 1):
        pass
