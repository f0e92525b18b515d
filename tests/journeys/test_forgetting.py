"""What nobody can ask for any more is forgotten by whoever keeps it, and what is younger stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.arms import SERVICES, Arm
from tests.journeys.waiting import until

ANSWERED = "'f', 200, '', 'application/json', now() - interval '3 days'"
KEY_OF_THE_MONOLITH = (
    "INSERT INTO idempotency_keys (owner, key, resource_id, fingerprint, status, body, media_type, created_at) "
    f"VALUES ('old-timer', gen_random_uuid(), gen_random_uuid(), {ANSWERED})"
)
KEY_OF_A_SERVICE = (
    "INSERT INTO idempotency_keys (subject, key, fingerprint, status, body, media_type, created_at) "
    f"VALUES ('old-timer', gen_random_uuid(), {ANSWERED})"
)
EVENT_OF_THE_MONOLITH = "INSERT INTO inbox VALUES (gen_random_uuid(), now() - interval '{} days')"
EVENT_OF_A_SERVICE = "INSERT INTO inbox VALUES (gen_random_uuid(), 'old-timer', now() - interval '{} days')"
OLD_KEYS = "SELECT count(*) FROM idempotency_keys WHERE created_at < now() - interval '48 hours' AND status IS NOT NULL"
EVENTS = "SELECT count(*) FROM inbox WHERE received_at < now() - interval '{} days'"


@pytest.mark.fault
def test_what_is_too_old_to_be_asked_for_is_forgotten(arm: Arm) -> None:
    databases = {arm.database_url(service): service for service in SERVICES}
    for url, service in databases.items():
        at_home = arm.part_of(service) == "web"
        if (event := _event_of(arm, at_home=at_home)) is not None:
            _run(url, event.format(15))
            _run(url, event.format(13))
        if at_home or service in ("catalog", "payments"):
            _run(url, KEY_OF_THE_MONOLITH if at_home else KEY_OF_A_SERVICE)

    parts = {arm.part_of(service) for service in SERVICES}
    with ThreadPoolExecutor(len(parts)) as threads:
        list(threads.map(arm.runner.restart, parts))  # the loop looks when it begins, and then every ten minutes

    for url, service in databases.items():
        if _event_of(arm, at_home=arm.part_of(service) == "web") is not None:
            until(f"old events of {service} are forgotten", lambda url=url: _count(url, EVENTS.format(14)) == 0)
            assert _count(url, EVENTS.format(12)) > 0
        if arm.part_of(service) == "web" or service in ("catalog", "payments"):
            until(f"old keys of {service} are forgotten", lambda url=url: _count(url, OLD_KEYS) == 0)


def _event_of(arm: Arm, *, at_home: bool) -> str | None:
    """Return what puts an event into a database's inbox; a monolith that is whole hears of none."""
    if not at_home:
        return EVENT_OF_A_SERVICE
    return EVENT_OF_THE_MONOLITH if arm.runner.stack.extracted else None


def _run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _count(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])
