"""A step that breaks a bound goes back by itself, and nobody is answered wrongly."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest

from deploy.local.runner import LocalRunner
from deploy.model.extraction import ExtractionState
from migration.moves import Mover
from migration.watch import BoundBroken, Bounds, Count
from tests.arms import Arm

SLOW_MS = 300


@pytest.mark.long
def test_slow_service_is_given_no_more_requests(monolith: Arm, tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps({"notifications": {"hog_ms": SLOW_MS}}), "utf-8")
    runner = monolith.runner
    assert isinstance(runner, LocalRunner)
    settings = {"notifications": {"FAULTS_FILE": str(faults)}}
    mover = Mover(runner, bounds=Bounds(p99_ms=SLOW_MS / 2), stage_s=4.0, settings=settings)

    with _readers(monolith) as statuses, pytest.raises(BoundBroken, match="notifications: p99 is"):
        mover.out("notifications")

    assert set(statuses) == {200}
    assert runner.extraction == ExtractionState()
    assert [part.name for part in runner.stack.parts] == ["db", "web", "edge"]


def test_bounds_are_on_errors_time_and_answers() -> None:
    bounds = Bounds(error_share=0.01, p99_ms=100)
    quick = {50.0: 100, 100.0: 100, 250.0: 100}
    slow = {50.0: 90, 100.0: 95, 250.0: 100}

    assert not Count(100, 100, 1, quick).broken(bounds)
    assert "2 of 100 answers were errors" in Count(100, 100, 2, quick).broken(bounds)
    assert "p99 is 250 ms" in Count(100, 100, 0, slow).broken(bounds)
    assert not Count(4, 4, 4, {}).broken(bounds)  # too few to say anything
    assert Count(20, 5, 0, quick).is_stuck()
    assert not Count(20, 15, 0, quick).is_stuck()


class _readers:
    """Customers who read their messages all the time; yields how often they were answered what."""

    def __init__(self, arm: Arm) -> None:
        self._url = f"{arm.url}/notifications"
        answer = httpx.post(f"{arm.outside_url('identity')}/tokens", json={"subject": "ada", "roles": ["customer"]})
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self._stop, self._statuses = threading.Event(), Counter[int]()
        self._threads = [threading.Thread(target=self._read, daemon=True) for _ in range(4)]

    def __enter__(self) -> Counter[int]:
        for thread in self._threads:
            thread.start()
        return self._statuses

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        with httpx.Client(timeout=15) as client:
            while not self._stop.wait(0.02):
                self._statuses[client.get(self._url, headers=self._headers).status_code] += 1
