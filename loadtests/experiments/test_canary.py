"""What customers met of a new version is counted from their own rows, and the claim is judged by it."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.experiments.canary import findings, met
from loadtests.load.generator.answering_versions import AnsweringVersion

NEW = "catalog-v2"


def test_who_met_a_version_and_who_was_hurt_is_counted_from_the_rows() -> None:
    rows = [
        AnsweringVersion(0, 1.0, "ada", "", "ok"),  # before it had a share
        AnsweringVersion(1, 5.0, "ada", NEW, "ok"),
        AnsweringVersion(2, 6.0, "ada", NEW, "error"),
        AnsweringVersion(3, 6.5, "bob", NEW, "ok"),
        AnsweringVersion(4, 7.0, "eve", "catalog", "ok"),
        AnsweringVersion(5, 9.0, "joe", "", "ok"),  # taken back
    ]
    waits = {
        0: ("list", 9.0),
        1: ("list", 9.0),
        2: ("list", 9.0),
        3: ("order", 130.0),
        4: ("list", 9.0),
        5: ("list", 9.0),
    }

    outcome = met(rows, waits, NEW, 4.0, 8.0)

    assert (outcome["customers"], outcome["customers_met"], outcome["customers_hurt"]) == (3, 2, 2)
    assert (outcome["requests"], outcome["requests_met"], outcome["bad_answers"]) == (4, 3, 2)
    assert outcome["bad_by_journey"] == {"list": 1, "order": 1}
    assert outcome["bad_share_first"] == 0.0
    assert outcome["late_strays"] == 0


def attempt(build: str, *, bad: bool = True, caught: bool = True, memory: float = 50, sent: int = 8) -> dict[str, Any]:
    alarm = {"what": "failures", "told": "", "odds": 1e4} if caught else None
    return {
        "build": build, "kind": "failing" if bad else "good", "is_bad": bad, "run": 1, "alarm": alarm, "void": False,
        "share_lasted_s": 5.0, "customers_met": 12, "customers_hurt": 4, "bad_answers": 5, "requests_met": sent,
        "requests": 100, "memory_mb": memory, "start_s": 1.5, "bad_by_journey": {"list": 4, "order": 1},
    }  # fmt: skip


def test_a_smaller_unit_with_fewer_requests_at_risk_supports_the_claim() -> None:
    attempts = [attempt("monolith", memory=80, sent=10), attempt("microservices")]

    verdict, evidence = findings.verdict(attempts)

    assert verdict == "supported"
    assert "1 of 1 bad versions were found" in evidence


@pytest.mark.parametrize(
    ("services", "verdict"),
    [({"memory": 90}, "not shown"), ({"sent": 10}, "not shown"), ({"caught": False}, "refuted")],
)
def test_a_unit_that_is_no_smaller_or_is_not_found_supports_nothing(services: dict[str, Any], verdict: str) -> None:
    attempts = [attempt("monolith", memory=80, sent=10), attempt("microservices", **services)]

    assert findings.verdict(attempts)[0] == verdict


def test_a_false_alarm_is_told() -> None:
    attempts = [attempt("monolith", bad=False), attempt("microservices", bad=False, caught=False)]

    assert "1 of 2 attempts with a version as good as the first ended in a false alarm." in findings.answer(attempts)
